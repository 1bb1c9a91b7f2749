// Reading and clearing dirty bits of one domain over the areas (iopt_read_and_clear_dirty_data, iopt_set_dirty_tracking).
using System.Numerics;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Iova;

public sealed partial class IoPagetable
{
    /// <summary>
    /// Whether a bitmap may be asked for. EINVAL length 0; EOVERFLOW the end wraps; EINVAL the ends are not multiples of the IOAS alignment, the page size is 0, or the ends are not multiples of it
    /// (which a page size that is no power of two tests bit by bit, as the reference does).
    /// </summary>
    internal Refusal? CheckDirtyRequest(ulong iova, ulong length, ulong pageSize)
    {
        if (length == 0)
            return new Refusal(Errno.EINVAL, "dirty.length", "The length is 0; there is nothing to read.");
        if (!IovaRange.TryOfLength(iova, length, out IovaRange range))
            return new Refusal(Errno.EOVERFLOW, "dirty.wrap", $"0x{iova:x} + 0x{length:x} passes the end of the address space.");
        ulong end = unchecked(iova + length);
        if (((iova | end) & (IovaAlignment - 1)) != 0)
            return Uneven(range, "dirty.alignment", $"0x{IovaAlignment:x}, the IOAS's alignment");
        if (pageSize == 0)
            return new Refusal(Errno.EINVAL, "dirty.pagesize", "The page size is 0; a bit must stand for something.");
        return ((iova | end) & (pageSize - 1)) == 0 ? null : Uneven(range, "dirty.pagesize", $"the page size 0x{pageSize:x}");
    }

    /// <summary>Reads the areas that follow each other from <paramref name="iova"/> on, up to the first hole; what lies behind it is neither read nor cleared. <see cref="CheckDirtyRequest"/> has allowed it.</summary>
    internal void ReadDirty(IommuDomain domain, ulong iova, ulong length, ulong pageSize, bool clear, Span<byte> bits)
    {
        ulong last = iova + (length - 1);
        var bitmap = new DirtyBitmap(bits, iova, last, BitOperations.TrailingZeroCount(pageSize));
        ulong next = iova;
        for (int slot = Areas.FirstOverlap(next, next); slot >= 0 && Areas.Range(slot).Start <= next; slot = Areas.Next(slot))
        {
            ulong areaLast = Math.Min(Areas.Range(slot).Last, last);
            domain.ReadDirty(next, areaLast, clear, bitmap);
            if (areaLast == last)
                return;
            next = areaLast + 1;
        }
    }

    /// <summary>Makes every leaf of every area clean in a domain.</summary>
    internal void ClearDirty(IommuDomain domain)
    {
        for (int slot = Areas.First; slot >= 0; slot = Areas.Next(slot))
        {
            IovaRange range = Areas.Range(slot);
            domain.ReadDirty(range.Start, range.Last, clear: true, default);
        }
    }

    /// <summary>Whether a device may write to all of a range. EFAULT: a hole, or an area that does not grant writing.</summary>
    internal Refusal? CheckWrites(IovaRange range)
    {
        ulong next = range.Start;
        for (int slot = Areas.FirstOverlap(range); slot >= 0 && Areas.Range(slot).Start <= next; slot = Areas.Next(slot))
        {
            IovaRange area = Areas.Range(slot);
            if ((Area(slot).Prot & IommuProt.Write) == 0)
                return new Refusal(Errno.EFAULT, "dma.readonly", $"The area {area} does not grant writing; the unit would report a fault.") { Ranges = [new(RangeRole.Requested, range), new(RangeRole.Area, area)] };
            if (area.Last >= range.Last)
                return null;
            next = area.Last + 1;
        }
        return new Refusal(Errno.EFAULT, "dma.hole", $"Nothing is mapped at 0x{next:x}; the unit would report a fault.") { Ranges = [new(RangeRole.Requested, range)] };
    }

    /// <summary>The longest range around the area at an address that areas cover without a hole; null if nothing is mapped there. A read of dirty bits goes no further.</summary>
    public IovaRange? StretchAt(ulong address)
    {
        int slot = Areas.FirstOverlap(address, address);
        if (slot < 0)
            return null;
        IovaRange stretch = Areas.Range(slot);
        for (int before = Areas.Previous(slot); before >= 0 && Areas.Range(before).Last + 1 == stretch.Start; before = Areas.Previous(before))
            stretch = stretch with { Start = Areas.Range(before).Start };
        for (int after = Areas.Next(slot); after >= 0 && stretch.Last + 1 == Areas.Range(after).Start; after = Areas.Next(after))
            stretch = stretch with { Last = Areas.Range(after).Last };
        return stretch;
    }

    private static Refusal Uneven(IovaRange range, string rule, string what) =>
        new(Errno.EINVAL, rule, $"Start and end of {range} must be multiples of {what}.") { Ranges = [new(RangeRole.Requested, range)] };
}
