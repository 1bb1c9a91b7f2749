// IOAS calls about memory files: mapping them by offset, and handing what is mapped to another process.
using IommuDash.Engine.Iova;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>
    /// IOMMU_IOAS_MAP_FILE: as <see cref="IoasMap"/>, showing bytes [start, +length) of a file. The file is looked into only when its pages are pinned: EINVAL then if it is not a memfd or not that long.
    /// A dma-buf is looked at now: EINVAL past its end, ENODEV while its exporter has taken it back.
    /// </summary>
    /// <param name="file">The file behind the descriptor; null = there is none: EBADF, after the checks of the range.</param>
    public Refusal? IoasMapFile(EmulatedProcess caller, uint ioasId, MapFlags flags, MemoryFile? file, ulong start, ulong length, ref ulong iova)
    {
        if (CheckMapArguments(flags, length, sourceIova: 0, iova) is { } refusal)
            return refusal;
        if (Objects.Get(ioasId, "IOAS", out Ioas ioas) is { } noIoas)
            return noIoas;
        if (FilePages.CheckRange(start, length) is { } badRange)
            return badRange;
        if (file is null)
            return new Refusal(Errno.EBADF, "map.file.fd", "The descriptor names no open file.");
        if (MakePages(caller, file, start, length, (flags & MapFlags.Writeable) != 0, out IoptPages pages) is { } unusable)
            return unusable;
        var slice = new PagesSlice(pages, start % Hardware.PhysicalMemory.FrameBytes, length);
        return ioas.Pagetable.Map(new ReadOnlySpan<PagesSlice>(in slice), start, flags, ref iova);
    }

    private Refusal? MakePages(EmulatedProcess caller, MemoryFile file, ulong start, ulong length, bool writable, out IoptPages pages)
    {
        if (file is not Dmabuf buffer)
        {
            pages = new FilePages(this, caller, file, start, length, writable);
            return null;
        }
        Refusal? refusal = DmabufPages.Make(this, caller, buffer, start, length, writable, out DmabufPages? made);
        pages = made!;
        return refusal;
    }

    /// <summary>
    /// IOMMU_IOAS_CHANGE_PROCESS: the caller takes over everything mapped in the context, and pays for it. EINVAL: some of it is a process's memory, not a file's; ENOMEM above the caller's RLIMIT_MEMLOCK. All or nothing.
    /// </summary>
    public Refusal? IoasChangeProcess(EmulatedProcess caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        if (MappedPages(out HashSet<IoptPages> all) is { } refusal)
            return refusal;
        IoptPages[] changing = [.. all.Where(p => p.NeedsRecharge(caller))];
        ulong userPages = Sum(changing, AccountMode.User);
        ulong mmPages = Sum(changing, AccountMode.Mm);
        if (userPages != 0 && IoptPages.ChargeTo(Host, caller, AccountMode.User, userPages) is { } userLimit)
            return userLimit;
        if (mmPages != 0 && IoptPages.ChargeTo(Host, caller, AccountMode.Mm, mmPages) is { } mmLimit)
        {
            IoptPages.Book(caller, AccountMode.User, 0UL - userPages);
            return mmLimit;
        }
        foreach (IoptPages pages in changing)
            pages.Repossess(caller);
        Raise(EngineEventKind.PayerChanged, (uint)caller.Pid, value: userPages + mmPages);
        return null;
    }

    private Refusal? MappedPages(out HashSet<IoptPages> all)
    {
        all = [];
        foreach (Ioas ioas in Objects.All.OfType<Ioas>())
        {
            AreaTree<IopArea> areas = ioas.Pagetable.Areas;
            for (int slot = areas.First; slot >= 0; slot = areas.Next(slot))
            {
                IoptPages pages = areas.Payload(slot).Pages;
                if (pages is not FilePages)
                    return new Refusal(Errno.EINVAL, "change.memory", $"The area {areas.Range(slot)} of IOAS {ioas.Id} shows {(pages.IsDmabuf ? pages.File!.Name : $"memory of process {pages.Source.Pid}")}, which cannot change hands.") { Objects = [ioas.Id], Ranges = [new(RangeRole.Area, areas.Range(slot))] };
                all.Add(pages);
            }
        }
        return null;
    }

    private static ulong Sum(IoptPages[] pages, AccountMode mode)
    {
        ulong sum = 0;
        foreach (IoptPages each in pages)
            sum += each.Mode == mode ? each.PinnedPages : 0UL;
        return sum;
    }
}
