using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class PreviewTests
{
    private const int Steps = 3_000;
    private const MapFlags ReadWrite = MapFlags.Readable | MapFlags.Writeable;

    // Whatever a preview says is what the call then answers: errno, rule, place and number of pages pinned.
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void Preview_OfRandomCalls_IsWhatTheCallThenDoes(int seed, int domains)
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Intel, memlockBytes: 600UL << 12));
        using EmulatedHost _ = host;
        var random = new Random(seed);
        uint[] ioases = [Alloc(context), Alloc(context)];
        for (int i = 0; i < domains; i++)
            Attach(host, context, $"0000:{i + 1:x2}:00.0", ioases[i]);
        var answers = new HashSet<string>();
        for (int step = 0; step < Steps; step++)
            answers.Add(Step(host, context, process, random, ioases));
        Assert.Superset(new HashSet<string> { "success", "map.fixed.area", "unmap.partial", "unmap.nothing", "copy.hole", "map.prot" }, answers);
        if (domains != 0)
            Assert.Superset(new HashSet<string> { "account.memlock", "memory.fault", "map.fixed.reserved" }, answers);
    }

    [Fact]
    public void Map_Automatic_ShowsHolesPassedOver()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Mock));
        using EmulatedHost _ = host;
        uint ioas = Alloc(context);
        ulong iova = 0x3000;
        Assert.Null(context.IoasMap(process, ioas, ReadWrite | MapFlags.FixedIova, TestHosts.Buffer, 0x1000, ref iova));
        MapPreview preview = context.PreviewIoasMap(process, ioas, ReadWrite, TestHosts.Buffer, 0x2000, 0);
        Assert.Equal(new IovaRange(0x4000, 0x5fff), preview.Range);
        Assert.Equal(new PassedHole(new IovaRange(0x2000, 0x2fff), HoleVerdict.TooShort), preview.Search!.PassedOver[0]);
    }

    [Fact]
    public void Allow_TouchingReserved_IsRefusedAndChangesNothing()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess _) = TestHosts.Start(TestHosts.Describe(IommuVendor.Intel));
        using EmulatedHost __ = host;
        uint ioas = Alloc(context);
        Attach(host, context, "0000:01:00.0", ioas);
        Refusal refusal = Assert.IsType<Refusal>(context.PreviewIoasAllowIovas(ioas, [new IovaRange(0xfee0_0000, 0xfef0_0000)]));
        Assert.Equal("allow.reserved", refusal.Rule);
        Assert.Null(context.PreviewIoasAllowIovas(ioas, [new IovaRange(0x10_0000, 0x1f_ffff)]));
        Assert.Equal(0, context.Objects.Find<Ioas>(ioas)!.Pagetable.Allowed.Count);
    }

    private static string Step(EmulatedHost host, IommufdContext context, EmulatedProcess process, Random random, uint[] ioases)
    {
        uint ioas = random.Next(50) == 0 ? 999u : ioases[random.Next(2)];
        MapFlags flags = random.Next(12) switch { 0 => MapFlags.None, 1 or 2 => MapFlags.Readable, _ => ReadWrite };
        flags |= random.Next(2) == 0 ? MapFlags.FixedIova : 0;
        ulong window = random.Next(20) == 0 ? 0xfee0_0000u : 0x10_0000u;
        ulong iova = random.Next(40) == 0 ? ulong.MaxValue : window + ((ulong)random.Next(256) << 12) + (random.Next(20) == 0 ? 0x10u : 0u);
        ulong length = random.Next(40) == 0 ? 0 : (ulong)random.Next(1, 40) << 12;
        ulong user = random.Next(10) == 0 ? TestHosts.ReadOnly : TestHosts.Buffer + ((ulong)random.Next(512) << 12);
        uint pinned = host.Memory.PinnedFrames;
        switch (random.Next(4))
        {
            case 0 or 1:
                MapPreview map = context.PreviewIoasMap(process, ioas, flags, user, length, iova);
                Assert.Equal(pinned, host.Memory.PinnedFrames);
                return Same(host, pinned, map, context.IoasMap(process, ioas, flags, user, length, ref iova), iova);
            case 2:
                uint source = ioases[random.Next(2)];
                ulong sourceIova = 0x10_0000 + ((ulong)random.Next(256) << 12);
                MapPreview copy = context.PreviewIoasCopy(ioas, source, flags, sourceIova, length, iova);
                return Same(host, pinned, copy, context.IoasCopy(ioas, source, flags, sourceIova, length, ref iova), iova);
            default:
                UnmapPreview unmap = context.PreviewIoasUnmap(ioas, iova, length);
                int before = Areas(context, ioas);
                Refusal? answer = context.IoasUnmap(ioas, iova, length, out ulong _);
                Assert.Equal(answer?.Rule, unmap.Refusal?.Rule);
                Assert.Equal(answer?.Reason, unmap.Refusal?.Reason);
                Assert.Equal(before - Areas(context, ioas), unmap.Areas);
                return answer?.Rule ?? "success";
        }
    }

    private static string Same(EmulatedHost host, uint pinned, MapPreview preview, Refusal? answer, ulong iova)
    {
        Assert.Equal(answer?.Rule, preview.Refusal?.Rule);
        Assert.Equal(answer?.Reason, preview.Refusal?.Reason);
        if (answer is not null)
            return answer.Rule;
        Assert.Equal(iova, preview.Range!.Value.Start);
        // Slices that share unpinned pages count them twice.
        Assert.InRange(host.Memory.PinnedFrames - pinned, 0u, (uint)preview.Pins!.Value.Pages);
        return "success";
    }

    private static int Areas(IommufdContext context, uint ioas) => context.Objects.Find<Ioas>(ioas)?.Pagetable.Areas.Count ?? 0;

    private static uint Alloc(IommufdContext context)
    {
        Assert.Null(context.IoasAlloc(out uint ioas));
        return ioas;
    }

    private static void Attach(EmulatedHost host, IommufdContext context, string address, uint ioas)
    {
        Assert.Null(context.Bind(host.FindDevice(address)!, out Device? device));
        Assert.Null(context.Attach(device!.Id, ioas, out uint _));
    }
}
