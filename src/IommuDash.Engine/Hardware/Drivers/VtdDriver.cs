using System.Buffers.Binary;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Engine.Hardware.Drivers;

/// <summary>Intel VT-d: second-stage tables, and a guest's first stage on top of them where the unit nests. The guest's tables themselves are not walked.</summary>
internal sealed class VtdDriver : IommuDriver
{
    private const uint InfoType = 1;
    private const uint StageType = 1;
    private const int StageBytes = 24;
    private const uint InvalidateType = 0;
    private const int InvalidateBytes = 24;
    private const uint LeafOnly = 1;
    private const ulong PageMask = 0xfff;

    public override (uint Type, byte[] Data) HwInfo(HostDevice device, ReferenceLevel level)
    {
        IommuUnitDescription unit = device.Unit.Description;
        byte[] data = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(8), Import.VtdCapability.Capability(unit));
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(16), Import.VtdCapability.ExtendedCapability(unit));
        return (InfoType, data);
    }

    public override bool CanNest(IommuUnitDescription unit) => unit.Nesting;

    public override Refusal? CreateStage(HwptFlags flags, GuestData data, ReferenceLevel level, out NestedStage? stage)
    {
        stage = null;
        if (data.Type != StageType)
            return Unsupported($"VT-d takes guest data of type {StageType}, not {data.Type}");
        Span<byte> bytes = stackalloc byte[StageBytes];
        if (data.Read(StageBytes, bytes) is { } unread)
            return unread;
        stage = new VtdFirstStage(GuestData.U64(bytes, 0), GuestData.U64(bytes, 8), GuestData.U32(bytes, 16));
        return null;
    }

    public override Refusal? Invalidate(HwptNested nested, GuestArray array, out uint done)
    {
        done = 0;
        if (array.Type != InvalidateType)
            return new Refusal(Errno.EINVAL, "invalidate.type", $"VT-d invalidates with entries of type {InvalidateType}, not {array.Type}.");
        Span<byte> entry = stackalloc byte[InvalidateBytes];
        for (; done < array.Count; done++)
        {
            if (array.Read(done, InvalidateBytes, entry) is { } unread)
                return unread;
            (ulong address, ulong pages) = (GuestData.U64(entry, 0), GuestData.U64(entry, 8));
            if ((GuestData.U32(entry, 16) & ~LeafOnly) != 0 || GuestData.U32(entry, 20) != 0)
                return Unsupported($"entry {done} has unknown flags");
            if ((address & PageMask) != 0 || (pages == ulong.MaxValue && address != 0))
                return new Refusal(Errno.EINVAL, "invalidate.address", $"Entry {done} starts at 0x{address:x}, which is not a page, or names all pages from an address other than 0.");
        }
        return null;
    }
}

/// <summary>A guest's first stage on VT-d, as its hypervisor described it.</summary>
/// <param name="flags">SRE 1, EAFE 2, WPE 4.</param>
/// <param name="tableAddress">Guest physical address of the top table.</param>
/// <param name="addressWidth">Bits the table translates.</param>
public sealed class VtdFirstStage(ulong flags, ulong tableAddress, uint addressWidth) : NestedStage
{
    public ulong Flags { get; } = flags;

    public ulong TableAddress { get; } = tableAddress;

    public uint AddressWidth { get; } = addressWidth;
}
