using System.Buffers.Binary;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Hardware.Drivers;

/// <summary>AMD: host tables of version 1. Leaves out guest tables (GCR3), so nothing nests.</summary>
internal sealed class AmdDriver : IommuDriver
{
    private const uint InfoType = 4;

    // Extended feature register: GTSup 4, HATS 11:10 (0 = 4 levels, 1 = 5, 2 = 6), PASmax 36:32; extended feature register 2 has nothing this model has.
    private const int GuestTranslationBit = 4;
    private const int HostLevelsShift = 10;
    private const int PasidWidthShift = 32;
    private const int HostDirtyBit = 52;

    public override (uint Type, byte[] Data) HwInfo(HostDevice device, ReferenceLevel level)
    {
        if (!level.HasAmdHwInfo)
            return (0, []);
        IommuUnitDescription unit = device.Unit.Description;
        int levels = Math.Clamp((unit.InputBits - 12 + 8) / 9, 4, 6);
        ulong features = (ulong)(levels - 4) << HostLevelsShift;
        if (unit.Pasid)
            features |= (1UL << GuestTranslationBit) | (19UL << PasidWidthShift);
        if (unit.DirtyTracking)
            features |= 1UL << HostDirtyBit;
        byte[] data = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(data, features);
        return (InfoType, data);
    }
}
