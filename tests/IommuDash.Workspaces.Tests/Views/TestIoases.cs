using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;

namespace IommuDash.Workspaces.Tests.Views;

/// <summary>A host with one IOAS, and areas in it.</summary>
internal static class TestIoases
{
    public const uint Id = 1;

    public static (EmulatedHost Host, IommufdContext Context) Start(IommuVendor vendor = IommuVendor.Mock)
    {
        var host = new EmulatedHost(TestWorkspaces.Host(vendor));
        Assert.Null(host.OpenContext(TestWorkspaces.Pid, out IommufdContext? context));
        Assert.Null(context!.IoasAlloc(out uint id));
        Assert.Equal(Id, id);
        return (host, context);
    }

    public static void Map(this IommufdContext context, ulong iova, ulong pages = 1, ulong sourcePage = 0) =>
        Assert.Null(context.IoasMap(context.Opener, Id, MapFlags.FixedIova | MapFlags.Readable | MapFlags.Writeable, TestWorkspaces.Buffer + (sourcePage << 12), pages << 12, ref iova));

    /// <summary>Areas of 1 to 3 pages at random places of the first 16 GiB.</summary>
    public static void MapRandomly(this IommufdContext context, int areas, int seed)
    {
        var random = new Random(seed);
        IoPagetable table = context.Objects.Find<Ioas>(Id)!.Pagetable;
        while (table.Areas.Count < areas)
        {
            ulong iova = (ulong)random.Next(1, 1 << 22) << 12;
            _ = context.IoasMap(context.Opener, Id, MapFlags.FixedIova | MapFlags.Readable, TestWorkspaces.Buffer, (ulong)random.Next(1, 4) << 12, ref iova);
        }
    }

    public static void Attach(EmulatedHost host, IommufdContext context, int device = 1)
    {
        Assert.Null(context.Bind(host.FindDevice(TestWorkspaces.Address(device))!, out Device? bound));
        Assert.Null(context.Attach(bound!.Id, Id, out _));
    }

    public static IReadOnlyList<Engine.IovaRange> Areas(this IommufdContext context)
    {
        AreaTree<IopArea> areas = context.Objects.Find<Ioas>(Id)!.Pagetable.Areas;
        var all = new List<Engine.IovaRange>();
        for (int slot = areas.First; slot >= 0; slot = areas.Next(slot))
            all.Add(areas.Range(slot));
        return all;
    }
}
