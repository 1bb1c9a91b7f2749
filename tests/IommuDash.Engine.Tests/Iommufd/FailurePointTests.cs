// The idea of the kernel's iommufd_fail_nth: a whole scenario is repeated failing at point 1, 2, 3 … until it passes, and each failure must leave no trace.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class FailurePointTests
{
    private const int MaxPoints = 400;
    private const ulong Length = 64 * Page;

    public static TheoryData<string> Scenarios => [.. All.Keys];

    private static Dictionary<string, Action<Run>> All { get; } = new()
    {
        ["basic"] = Basic,
        ["map_domain"] = run => MapDomain(run, "mock0"),
        ["map_two_domains"] = run => MapDomain(run, "mock0", "intel0"),
        ["access_rw"] = AccessReadWrite,
        ["access_pin"] = run => AccessPin(run, domain: false),
        ["access_pin_domain"] = run => AccessPin(run, domain: true),
        ["device"] = Devices,
        ["virtual"] = Virtual,
        ["map_file_domain"] = MapFile,
        ["vfio_type1"] = VfioType1,
    };

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Scenario_FailingAtEachPoint_LeavesNoTrace(string name)
    {
        var met = new HashSet<FailurePoint>();
        for (int nth = 1; nth <= MaxPoints; nth++)
        {
            using var run = new Run(nth);
            try
            {
                All[name](run);
            }
            catch (StepRefusedException)
            {
                Assert.NotNull(run.Failed);
            }
            run.Finish();
            if (run.Failed is not { } point)
            {
                Assert.True(nth > 3, "The scenario meets hardly any point.");
                return;
            }
            met.Add(point);
        }
        Assert.Fail($"After {MaxPoints} points {name} still meets new ones: {string.Join(", ", met)}.");
    }

    [Fact]
    public void Scenarios_Together_MeetEveryPointButTheOlderMocks()
    {
        var met = new HashSet<FailurePoint>();
        foreach (Action<Run> scenario in All.Values)
        {
            using var run = new Run(int.MaxValue);
            scenario(run);
            run.Finish();
            met.UnionWith(run.Met);
        }
        // Copies from and to the caller are made at the door, not here.
        Assert.Equal(Enum.GetValues<FailurePoint>().Where(p => p is not (FailurePoint.MockMap or FailurePoint.CopyIn or FailurePoint.CopyOut)), met.Order());
    }

    private static void Basic(Run run)
    {
        uint ioas = run.Ioas();
        run.Step(() => run.Context.IoasIovaRanges(ioas, 10, [], out _, out _));
        run.Step(() => run.Context.IoasAllowIovas(ioas, [new IovaRange(1UL << 24, (1UL << 31) - 1)]));
        ulong iova = run.Map(ioas, TestHosts.Huge, 2UL << 20, fixedAt: null);
        run.Step(() =>
        {
            ulong copy = 0;
            return run.Context.IoasCopy(ioas, ioas, ReadWrite, iova, 160, ref copy);
        });
        run.Step(() => run.Context.IoasUnmap(ioas, iova, 2UL << 20, out _));
    }

    private static void MapDomain(Run run, params string[] devices)
    {
        run.Rig.Host.SetTempMemoryLimit(32);
        uint ioas = run.Ioas();
        Device[] bound = [.. devices.Select(run.Attach(ioas))];
        run.Map(ioas, TestHosts.Scattered, Length, Base);
        foreach (Device device in bound)
            run.Step(() => run.Context.Detach(device.Id));
        foreach (Device device in bound)
            run.Step(() => run.Context.Attach(device.Id, ioas, out _));
    }

    private static void MapFile(Run run)
    {
        run.Rig.Host.SetTempMemoryLimit(32);
        Assert.Null(run.Rig.Host.CreateMemfd("mem", Length, FrameLayout.Scattered));
        uint ioas = run.Ioas();
        Device device = run.Attach(ioas)("mock0");
        run.Step(() =>
        {
            ulong iova = Base;
            return run.Context.IoasMapFile(run.Rig.Process, ioas, ReadWrite | MapFlags.FixedIova, run.Rig.Host.FindFile("mem"), 0, Length, ref iova);
        });
        run.Step(() => run.Context.Detach(device.Id));
        run.Step(() => run.Context.Attach(device.Id, ioas, out _));
        run.Step(() => run.Context.IoasChangeProcess(run.Rig.Host.FindProcess(Sibling)!));
    }

    private static void AccessReadWrite(Run run)
    {
        run.Rig.Host.SetTempMemoryLimit(4096);
        uint ioas = run.Ioas();
        run.Map(ioas, TestHosts.Scattered, Length, Base);
        AccessFile file = run.Open(ioas, needsPin: false);
        var bytes = new byte[32 << 10];
        foreach (AccessFlags flags in (AccessFlags[])[AccessFlags.None, AccessFlags.Write, AccessFlags.SlowPath, AccessFlags.SlowPath | AccessFlags.Write])
            run.Step(() => file.Access.ReadWrite(run.Rig.Process, Base, bytes.AsSpan(0, 64), flags));
        run.Step(() => file.Access.ReadWrite(run.Rig.Process, Base, bytes, AccessFlags.SlowPath));
    }

    private static void AccessPin(Run run, bool domain)
    {
        run.Rig.Host.SetTempMemoryLimit(32);
        uint ioas = run.Ioas();
        Device? device = domain ? run.Attach(ioas)("mock0") : null;
        run.Map(ioas, TestHosts.Scattered, Length, Base);
        AccessFile file = run.Open(ioas, needsPin: true);
        AccessItem item = null!;
        run.Step(() => file.Pin(Base, Length, AccessFlags.Write, out item!));
        run.Step(() => file.Unpin(item.Id));
        if (device is not null)
            run.Step(() => run.Context.Unbind(device.Id));
    }

    private static void Devices(Run run)
    {
        uint first = run.Ioas();
        uint second = run.Ioas();
        run.Map(first, TestHosts.Buffer, Page, Base);
        run.Map(second, TestHosts.Buffer, Page, Base);
        Device device = run.Attach(first)("pair0");
        uint hwpt = 0;
        run.Step(() => run.Context.HwptAlloc(device.Id, first, HwptFlags.None, 0, out hwpt));
        run.Step(() => run.Context.Replace(device.Id, second, out _));
        run.Step(() => run.Context.Replace(device.Id, hwpt, out _));
    }

    // What the newer program's device test adds: nesting, a virtual IOMMU with all that belongs to it, faults, dirty tracking and test operations.
    private static void Virtual(Run run)
    {
        uint ioas = run.Ioas();
        run.Map(ioas, TestHosts.Buffer, Page, Base);
        var tests = new MockTests(run.Context);
        (uint mock, uint device, uint parent, uint viommu, uint nested, uint plain) = (0, 0, 0, 0, 0, 0);
        FaultQueue? faults = null;
        run.Step(() => tests.MockDomain(ioas, 4, out mock, out _, out device));
        run.Step(() => run.Context.GetHwInfo(0, device, 0, out _));
        run.Step(() => run.Context.HwptAlloc(device, ioas, HwptFlags.NestParent | HwptFlags.Pasid, 0, out parent));
        run.Step(() => run.Context.ViommuAlloc(0, MockConstants.ViommuType, device, parent, 24, new byte[24], out viommu));
        run.Step(() => run.Context.VdeviceAlloc(viommu, device, 0x99, out _));
        run.Step(() => run.Context.VeventqAlloc(0, viommu, MockConstants.VeventqType, 2, out _));
        run.Step(() => run.Context.HwQueueAlloc(0, viommu, MockConstants.HwQueueType, 0, Base, Page, out _));
        run.Step(() => run.Context.FaultQueueAlloc(0, out faults));
        run.Step(() => run.Context.HwptAlloc(device, viommu, HwptFlags.FaultIdValid | HwptFlags.Pasid, faults!.Id, GuestData.Of(MockConstants.HwptDataType, new byte[4]), out nested));
        run.Step(() => tests.Replace(mock, nested, out _));
        run.Step(() => run.Context.HwptInvalidate(nested, GuestArray.Of(MockConstants.HwptInvalidateType, 8, new byte[8]), out _));
        run.Step(() => tests.PasidAttach(mock, 200, nested, out _));
        run.Step(() => tests.PasidReplace(mock, 200, parent, out _));
        run.Step(() => tests.PasidDetach(mock, 200));
        run.Step(() => run.Context.HwptAlloc(device, ioas, HwptFlags.DirtyTracking, 0, out plain));
        run.Step(() => run.Context.HwptSetDirtyTracking(plain, SetDirtyFlags.Enable));
        run.Step(() => run.Context.HwptGetDirtyBitmap(plain, GetDirtyFlags.None, Base, Page, Page, new byte[1]));
    }

    private static void VfioType1(Run run)
    {
        uint ioas = run.Ioas();
        run.Attach(ioas)("mock0");
        run.Step(() => run.Context.Vfio.SetIoas(ioas));
        run.Step(() => run.Context.Vfio.SetIommu(Engine.Vfio.VfioExtension.Type1));
        run.Step(() => run.Context.Vfio.MapDma(run.Rig.Process, 32, Engine.Vfio.VfioMapFlags.Read, TestHosts.Buffer, Base, 16 * Page));
        run.Step(() => run.Context.Vfio.UnmapDma(24, Engine.Vfio.VfioUnmapFlags.None, Base, 8 * Page, out _, out _));
    }

    private sealed class StepRefusedException : Exception;

    /// <summary>One pass over a scenario in which the nth point fails.</summary>
    private sealed class Run(int nth) : IFailurePoints, IDisposable
    {
        private readonly List<AccessFile> _files = [];
        private int _count;

        public Rig Rig { get; } = new();

        public IommufdContext Context => Rig.Context;

        public FailurePoint? Failed { get; private set; }

        public HashSet<FailurePoint> Met { get; } = [];

        public bool ShouldFail(FailurePoint point)
        {
            Met.Add(point);
            if (++_count != nth)
                return false;
            Failed = point;
            return true;
        }

        /// <summary>A call that may fail, and if it does must leave all as it was.</summary>
        public void Step(Func<Refusal?> call)
        {
            string before = StateDigest.Compute(Rig.Host, StateScope.WithoutTraces);
            Rig.Host.FailurePoints = this;
            Refusal? refusal = call();
            Rig.Host.FailurePoints = null;
            if (refusal is null)
                return;
            Assert.Equal("inject." + Failed, refusal.Rule is "domain.map" or "domain.memory" ? "inject." + FailurePoint.Allocation : refusal.Rule);
            Assert.Equal(before, StateDigest.Compute(Rig.Host, StateScope.WithoutTraces));
            Assert.Equal(0, Rig.StrayFrames());
            throw new StepRefusedException();
        }

        public uint Ioas()
        {
            uint id = 0;
            Step(() => Context.IoasAlloc(out id));
            return id;
        }

        public ulong Map(uint ioas, ulong user, ulong length, ulong? fixedAt)
        {
            ulong iova = fixedAt ?? 0;
            Step(() => Context.IoasMap(Rig.Process, ioas, ReadWrite | (fixedAt is null ? 0 : MapFlags.FixedIova), user, length, ref iova));
            return iova;
        }

        public Func<string, Device> Attach(uint ioas) => address =>
        {
            Device device = null!;
            Step(() => Context.Bind(Rig.Host.FindDevice(address)!, out device!));
            Step(() => Context.Attach(device.Id, ioas, out _));
            return device;
        };

        public AccessFile Open(uint ioas, bool needsPin)
        {
            AccessFile file = null!;
            Step(() => AccessFile.Open(Context, Rig.Process, ioas, needsPin, out file!));
            _files.Add(file);
            return file;
        }

        /// <summary>Closes everything as the kernel's program does, the access first; nothing may be left.</summary>
        public void Finish()
        {
            foreach (AccessFile file in _files)
                file.Close();
            Context.CloseFiles();
            if (Rig.Host.FindFile("mem") is not null)
                Assert.Null(Rig.Host.CloseFile("mem"));
            Rig.AssertNothingLeftAfterClose();
        }

        public void Dispose() => Rig.Dispose();
    }
}
