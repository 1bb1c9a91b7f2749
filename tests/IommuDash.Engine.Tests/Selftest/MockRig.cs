using System.Buffers.Binary;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;
using IommuDash.Engine.Tests.Iommufd;

namespace IommuDash.Engine.Tests.Selftest;

/// <summary>A rig whose devices are made by test operations, as the kernel's selftest makes them. Errors are exact, and a refused call leaves the state digest as it was.</summary>
internal sealed class MockRig : IDisposable
{
    public const uint UnsetIotlb = 0xbadbeef;
    public const uint BadType = 0xdadbeef;

    public MockRig(ReferenceLevel? level = null, EngineLimits? limits = null, IEngineEventSink? events = null)
    {
        Rig = new Rig(limits: limits, events: events, level: level);
        Tests = new MockTests(Rig.Context);
    }

    public Rig Rig { get; }

    public MockTests Tests { get; }

    public IommufdContext Context => Rig.Context;

    public uint Ioas => Rig.Ioas;

    public (uint Mock, uint Hwpt, uint Device) Attached(uint? target = null, uint flags = 0)
    {
        Assert.Null(Tests.MockDomain(target ?? Ioas, flags, out uint mock, out uint hwpt, out uint device));
        return (mock, hwpt, device);
    }

    public uint Hwpt(uint device, HwptFlags flags = HwptFlags.None, uint? ioas = null)
    {
        Assert.Null(Context.HwptAlloc(device, ioas ?? Ioas, flags, 0, out uint id));
        return id;
    }

    public uint Nested(uint device, uint parent, HwptFlags flags = HwptFlags.None, uint fault = 0, uint iotlb = UnsetIotlb)
    {
        Assert.Null(Context.HwptAlloc(device, parent, flags, fault, Data(iotlb), out uint id));
        return id;
    }

    public uint Viommu(uint device, uint parent)
    {
        Assert.Null(Context.ViommuAlloc(0, MockConstants.ViommuType, device, parent, 0, [], out uint id));
        return id;
    }

    public FaultQueue FaultQueue()
    {
        Assert.Null(Context.FaultQueueAlloc(0, out FaultQueue? queue));
        return queue!;
    }

    public void Refused(Errno errno, Func<Refusal?> call)
    {
        string before = StateDigest.Compute(Rig.Host, StateScope.WithoutTraces);
        Refusal refusal = Assert.IsType<Refusal>(call());
        Assert.True(errno == refusal.Errno, $"Expected {errno}, got {refusal.Errno}: {refusal.Rule}, {refusal.Reason}");
        Assert.NotEmpty(refusal.Reason);
        Assert.Equal(before, StateDigest.Compute(Rig.Host, StateScope.WithoutTraces));
    }

    public void Destroyed(params uint[] ids) => Assert.All(ids, id => Assert.Null(Context.Destroy(id)));

    /// <summary>Guest data of a nested hw_pagetable.</summary>
    public static GuestData Data(uint iotlb = UnsetIotlb) => GuestData.Of(MockConstants.HwptDataType, Words(iotlb));

    public static byte[] Words(params uint[] words)
    {
        byte[] bytes = new byte[words.Length * 4];
        for (int i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), words[i]);
        return bytes;
    }

    public static uint Word(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[(index * 4)..]);

    public void Dispose()
    {
        foreach (EventFile file in Context.Objects.All.OfType<EventFile>().ToArray())
            file.Close();
        Rig.AssertNothingLeftAfterClose();
        Rig.Dispose();
    }
}
