using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class AttachPreviewTests
{
    private static readonly MapFlags[] Placements = [MapFlags.Readable, MapFlags.Readable | MapFlags.FixedIova];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Preview_RandomMachine_SaysWhatTheCallAnswers(int seed)
    {
        var random = new Random(seed);
        var watcher = new Counter();
        using var host = new EmulatedHost(MixedMachine(), events: watcher);
        Assert.Null(host.OpenContext(TestHosts.Pid, out IommufdContext? context));
        EmulatedProcess process = host.FindProcess(TestHosts.Pid)!;
        var rules = new SortedSet<string>();
        for (int step = 0; step < 3_000; step++)
        {
            uint[] ids = [.. context!.Objects.All.Select(o => o.Id), 99_999];
            uint device = Pick(random, [.. context.Objects.All.OfType<Device>().Select(o => o.Id), .. ids[..1]]);
            uint target = Pick(random, ids);
            switch (random.Next(10))
            {
                case 0:
                    context.IoasAlloc(out _);
                    break;
                case 1:
                    HostDevice hardware = Pick(random, [.. host.Devices]);
                    if (hardware.Owner is not null)
                        break;
                    AttachPreview both = context.PreviewBindAndAttach(hardware, target);
                    Assert.Null(context.PreviewBind(hardware));
                    Assert.Null(context.Bind(hardware, out Device? bound));
                    AttachPreview after = context.PreviewAttach(bound!.Id, target);
                    Assert.Equal(after.Refusal?.Reason, both.Refusal?.Reason);
                    Assert.Equal((after.HwptId, after.MakesHwpt), (both.HwptId, both.MakesHwpt));
                    break;
                case 2:
                    context.HwptAlloc(device, target, HwptFlags.None, 0, out _);
                    break;
                case 3:
                    ulong iova = (ulong)random.NextInt64(0, 1L << 50) & ~0xfffUL;
                    context.IoasMap(process, target, Pick(random, Placements), TestHosts.Buffer, 4096, ref iova);
                    break;
                case 4:
                    context.IoasAllowIovas(target, random.Next(3) == 0 ? [new IovaRange(0xfee0_0000, 0x80_0000_0000)] : []);
                    break;
                case 5:
                    context.Detach(device);
                    break;
                case 6:
                    if (random.Next(2) == 0)
                        context.IoasUnmap(target, 0, ulong.MaxValue, out _);
                    else
                        context.Destroy(target);
                    break;
                default:
                    bool replace = random.Next(2) == 0;
                    (int events, uint frames) = (watcher.Count, host.Memory.FramesInUse);
                    AttachPreview preview = replace ? context.PreviewReplace(device, target) : context.PreviewAttach(device, target);
                    Assert.Equal((events, frames), (watcher.Count, host.Memory.FramesInUse));
                    Refusal? refusal = replace ? context.Replace(device, target, out uint hwpt) : context.Attach(device, target, out hwpt);
                    Assert.Equal(refusal?.Errno, preview.Refusal?.Errno);
                    Assert.Equal(refusal?.Rule, preview.Refusal?.Rule);
                    Assert.Equal(refusal?.Ranges ?? [], preview.Refusal?.Ranges ?? []);
                    Assert.Equal(refusal?.Objects ?? [], preview.Refusal?.Objects ?? []);
                    Assert.Equal(preview.MakesHwpt ? 0 : hwpt, preview.HwptId);
                    if (preview.MakesHwpt)
                        Assert.DoesNotContain(hwpt, ids);
                    rules.Add(refusal?.Rule ?? (preview.MakesHwpt ? "new" : "joins"));
                    break;
            }
        }
        string[] reached = ["attach.group", "attach.incompatible", "attach.twice", "attach.type", "joins", "new", "object.lookup", "replace.unattached", "reserve.inuse"];
        Assert.Superset(reached.ToHashSet(), rules.ToHashSet());
        Assert.Null(host.CloseContext(context!.Fd));
        Assert.Equal(0u, host.Memory.PinnedFrames);
    }

    [Fact]
    public void PreviewAttach_AreaBeyondTheNewAperture_NamesTheArea()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Intel, inputBits: 39));
        using EmulatedHost _ = host;
        Assert.Null(context.IoasAlloc(out uint ioas));
        Assert.Null(context.Bind(host.FindDevice("0000:01:00.0")!, out Device? device));
        ulong iova = 1UL << 40;
        Assert.Null(context.IoasMap(process, ioas, MapFlags.Readable | MapFlags.FixedIova, TestHosts.Buffer, 4096, ref iova));

        Refusal refusal = Assert.IsType<Refusal>(context.PreviewAttach(device!.Id, ioas).Refusal);

        Assert.Equal(Errno.EADDRINUSE, refusal.Errno);
        Assert.Contains(new RefusalRange(RangeRole.Area, new IovaRange(1UL << 40, (1UL << 40) + 4095)), refusal.Ranges);
        Assert.Contains("the new hw_pagetable", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void PreviewBind_Bridge_SaysEinvalAsBindDoes()
    {
        HostDescription described = TestHosts.Describe(IommuVendor.Intel);
        using var host = new EmulatedHost(described with { Devices = [described.Devices[0] with { ClassCode = 0x060400 }] });
        Assert.Null(host.OpenContext(TestHosts.Pid, out IommufdContext? context));
        HostDevice bridge = host.FindDevice("0000:01:00.0")!;

        Refusal refusal = Assert.IsType<Refusal>(context!.PreviewBind(bridge));

        Assert.Equal((Errno.EINVAL, "bind.bridge"), (refusal.Errno, refusal.Rule));
        Assert.Equal(refusal.Reason, context.Bind(bridge, out _)?.Reason);
        Assert.Equal(refusal.Reason, context.PreviewBindAndAttach(bridge, 1).Refusal?.Reason);
    }

    // Three widths and two vendors, snooping on some, groups of two: every rule about fitting has someone to break it.
    private static HostDescription MixedMachine()
    {
        HostDescription intel = TestHosts.Describe(IommuVendor.Intel);
        IommuUnitDescription[] units =
        [
            new() { Name = "narrow", Vendor = IommuVendor.Intel, InputBits = 39, SnoopControl = false },
            new() { Name = "wide", Vendor = IommuVendor.Intel, InputBits = 48 },
            new() { Name = "amd", Vendor = IommuVendor.Amd, InputBits = 64 },
        ];
        return intel with
        {
            Units = units,
            Groups = [.. intel.Groups, new GroupDescription { Id = 5, ReservedRegions = [new ReservedRegion(0x1000, 0x1fff, ReservedRegionKind.DirectRelaxable)] }],
            Devices = [.. Enumerable.Range(0, 8).Select(i => new DeviceDescription { Address = $"0000:0{i}:00.0", Unit = units[i / 2 % 3].Name, Group = (i / 2) + 1 })],
        };
    }

    private static T Pick<T>(Random random, T[] items) => items[random.Next(items.Length)];

    private sealed class Counter : IEngineEventSink
    {
        public int Count { get; private set; }

        public void Raise(in EngineEvent engineEvent) => Count++;
    }
}
