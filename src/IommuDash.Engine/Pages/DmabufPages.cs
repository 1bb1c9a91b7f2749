// Pages of a dma-buf (IOPT_ADDRESS_DMABUF). They are mapped without CACHE, never pinned, charged or given to accesses, and once the exporter has taken them back they stay out of every page table.
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Pages;

internal sealed class DmabufPages : IoptPages
{
    private readonly Dmabuf _buffer;

    private DmabufPages(IommufdContext context, EmulatedProcess source, Dmabuf buffer, ulong start, ulong length, bool writable)
        : base(context, source, start, length, writable, AccountMode.None) => _buffer = buffer;

    public override MemoryFile? File => _buffer;

    public override bool IsDmabuf => true;

    /// <summary>Taken back by the exporter, for good.</summary>
    public bool IsRevoked { get; private set; }

    /// <summary>Names bytes [start, +length) of a buffer. EINVAL past its end; ENODEV while the exporter has taken it back.</summary>
    public static Refusal? Make(IommufdContext context, EmulatedProcess source, Dmabuf buffer, ulong start, ulong length, bool writable, out DmabufPages? pages)
    {
        pages = null;
        if (buffer.SizeBytes <= start + length - 1)
            return new Refusal(Errno.EINVAL, "map.dmabuf.size", $"0x{start:x} + 0x{length:x} passes the end of {buffer.Name}, which is 0x{buffer.SizeBytes:x} bytes long.");
        if (buffer.IsRevoked)
            return new Refusal(Errno.ENODEV, "map.dmabuf.revoked", $"The exporter of {buffer.Name} has taken it back.");
        pages = new DmabufPages(context, source, buffer, start, length, writable);
        return null;
    }

    /// <summary>Takes the pages out of every page table.</summary>
    public void Revoke()
    {
        foreach ((IoPagetable table, int slot) in HolderAreas)
            Unmap(table.Areas.Range(slot), table.Domains);
        IsRevoked = true;
    }

    internal override Refusal? Fill(IoPagetable table, int slot, ReadOnlySpan<IommuDomain> domains)
    {
        if (IsRevoked)
            return null;
        if (Context.Host.Fails(FailurePoint.BatchMemory))
            return Injected.Refusal(Errno.ENOMEM, FailurePoint.BatchMemory);
        IovaRange range = table.Areas.Range(slot);
        (ulong index, ulong lastIndex) = table.PageIndexes(slot);
        uint pageOffset = table.Area(slot).PageOffset;
        ulong iova = range.Start;
        while (true)
        {
            Span<PhysicalRun> scratch = Context.Host.ScratchRuns;
            var builder = new RunBuilder(scratch);
            ulong pages = 0;
            ulong bufferPage = AddressOf(0) >> PhysicalMemory.FrameShift;
            while (index + pages <= lastIndex && builder.TryAdd(_buffer.Frame(bufferPage + index + pages)))
                pages++;
            Span<PhysicalRun> runs = scratch[..builder.Count];
            ulong bytes = ClipToArea(runs, pages, pageOffset, range.Last - iova);
            if (MapBatch(domains, iova, runs, bytes, table.Area(slot).Prot & ~IommuProt.Cache, table.LargePagesDisabled ? PhysicalMemory.FrameShift : 63) is { } refusal)
            {
                if (iova != range.Start)
                    Unmap(new IovaRange(range.Start, iova - 1), domains.ToArray());
                return refusal;
            }
            index += pages;
            if (index > lastIndex)
                return null;
            iova += bytes;
            pageOffset = 0;
        }
    }

    internal override void Unfill(IoPagetable table, int slot, ReadOnlySpan<IommuDomain> domains)
    {
        ref IopArea area = ref table.Area(slot);
        if (area.StorageDomain is null)
            return;
        area.StorageDomain = null;
        RemoveHolder(table, slot);
        if (!IsRevoked)
            Unmap(table.Areas.Range(slot), domains.ToArray());
    }

    private protected override void BeginUse() => _buffer.Import(this);

    private protected override void EndUse() => _buffer.Release(this);

    private protected override Refusal? CheckSource(ulong index, ulong count) => null;

    private static void Unmap(IovaRange range, IReadOnlyList<IommuDomain> domains)
    {
        foreach (IommuDomain domain in domains)
            domain.Unmap(range.Start, range.Last - range.Start + 1);
    }
}
