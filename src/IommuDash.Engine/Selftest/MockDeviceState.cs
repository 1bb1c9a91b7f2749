using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Selftest;

/// <summary>What the mock keeps for a device.</summary>
public sealed class MockDeviceState
{
    internal MockDeviceState() => Cache.AsSpan().Fill(MockConstants.DeviceCacheDefault);

    /// <summary>The device's own cache of translations; a vIOMMU's invalidation sets entries to 0.</summary>
    public uint[] Cache { get; } = new uint[MockConstants.CacheEntries];

    /// <summary>Whether the next attach of PASID 1024 fails.</summary>
    public bool WillFailPasid { get; internal set; }

    /// <summary>The vIOMMU it is attached through, and its id there at that time; null when it is not.</summary>
    internal (Viommu Viommu, ulong VirtualId)? EventSource { get; set; }
}

/// <summary>A guest's first stage on the mock: nothing but an IOTLB with a value that invalidation sets to 0.</summary>
public sealed class MockStage : NestedStage
{
    internal MockStage(uint value) => Iotlb.AsSpan().Fill(value);

    public uint[] Iotlb { get; } = new uint[MockConstants.CacheEntries];
}
