// A buffer of some device's memory that its exporter shares, and may take back (struct dma_buf, as the selftest's exporter makes them). Nothing of it is pinned or charged: the exporter owns it.
using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Pages;

/// <summary>A dma-buf. Kept alive by its descriptor and by pages objects.</summary>
public sealed class Dmabuf : MemoryFile
{
    /// <summary>Largest buffer the selftest's exporter makes.</summary>
    public const ulong MaxPages = 512;

    private readonly PhysicalMemory _memory;
    private readonly EmulatedHost _host;
    private readonly FrameTable _frames = new(FrameLayout.Contiguous);
    private readonly List<DmabufPages> _importers = [];

    internal Dmabuf(EmulatedHost host, int number, ulong pages) : base($"dma-buf {number}")
    {
        _host = host;
        _memory = host.Memory;
        Number = number;
        SizeBytes = pages << PhysicalMemory.FrameShift;
    }

    /// <summary>Number in the host, from 1.</summary>
    public int Number { get; }

    public ulong SizeBytes { get; }

    /// <summary>Whether the exporter has taken it back for now: new maps are ENODEV.</summary>
    public bool IsRevoked { get; private set; }

    /// <summary>Whether its descriptor is open.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Frames it has: all of its pages.</summary>
    internal ulong Pages => _frames.TouchedPages;

    /// <summary>Closes the descriptor; the buffer lives on while it is mapped. Closing twice does nothing.</summary>
    public void Close()
    {
        if (!IsOpen)
            return;
        IsOpen = false;
        Put();
    }

    /// <summary>Takes the buffer back: it leaves every page table, for good, whatever happens to the buffer later. Or, with <paramref name="revoked"/> false, lets new maps in again.</summary>
    public void SetRevoked(bool revoked)
    {
        if (revoked && !IsRevoked)
        {
            foreach (DmabufPages importer in _importers)
                importer.Revoke();
        }
        IsRevoked = revoked;
    }

    internal uint Frame(ulong pageIndex) => _frames.Peek(pageIndex);

    internal void Import(DmabufPages importer)
    {
        _importers.Add(importer);
        Get();
    }

    internal void Release(DmabufPages importer)
    {
        _importers.Remove(importer);
        Put();
    }

    /// <summary>Gives it its frames and opens it. ENOMEM; nothing is taken then.</summary>
    internal Refusal? Open()
    {
        for (ulong page = 0; page < SizeBytes >> PhysicalMemory.FrameShift; page++)
        {
            if (_frames.TryTouch(_memory, page, out _))
                continue;
            DropFrames();
            return new Refusal(Errno.ENOMEM, "memory.frames", $"No {SizeBytes >> PhysicalMemory.FrameShift} frames for a dma-buf: {_memory.FramesInUse} of {_memory.FrameCount} frames in use.");
        }
        IsOpen = true;
        Get();
        return null;
    }

    /// <inheritdoc/>
    protected internal override Refusal? FaultIn(ulong pageIndex, ulong maxPages, out ReadOnlySpan<uint> frames) =>
        throw new InvalidOperationException("Pages of a dma-buf are never pinned.");

    /// <inheritdoc/>
    protected internal override Refusal? CheckAccess(ulong firstPage, ulong pageCount) => null;

    /// <inheritdoc/>
    protected override void DropAll()
    {
        DropFrames();
        _host.Forget(this);
    }

    private void DropFrames() => _frames.Release(_memory, 0, ulong.MaxValue);
}
