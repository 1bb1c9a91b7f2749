// Dma-bufs of the host, made by the selftest's exporter (DMABUF_GET).
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Hardware;

public sealed partial class EmulatedHost
{
    private readonly SortedDictionary<int, Dmabuf> _dmabufs = [];

    /// <summary>By ascending number.</summary>
    public IReadOnlyCollection<Dmabuf> Dmabufs => _dmabufs.Values;

    /// <summary>Makes an open dma-buf of whole pages. EINVAL length 0, or above 512 pages; ENOMEM no frames, or at the cap of files.</summary>
    public Refusal? CreateDmabuf(ulong lengthBytes, out Dmabuf? buffer)
    {
        buffer = null;
        ulong pages = (lengthBytes >> PhysicalMemory.FrameShift) + (lengthBytes % PhysicalMemory.FrameBytes == 0 ? 0UL : 1);
        if (pages is 0 or > Dmabuf.MaxPages)
            return new Refusal(Errno.EINVAL, "dmabuf.length", $"A dma-buf has 1 to {Dmabuf.MaxPages} pages, not {pages}.");
        if (_dmabufs.Count >= Limits.Files)
            return EngineLimits.Reached(nameof(EngineLimits.Files), Limits.Files, "dma-bufs");
        int number = 1;
        while (_dmabufs.ContainsKey(number))
            number++;
        var made = new Dmabuf(this, number, pages);
        if (made.Open() is { } refusal)
            return refusal;
        _dmabufs.Add(number, made);
        buffer = made;
        return null;
    }

    internal void Forget(Dmabuf released) => _dmabufs.Remove(released.Number);
}
