// One number for everything a host is: two hosts with equal digests answer every further call alike. Replaying a journal must give an equal one, and a refused call must leave it as it was.
// Written straight into the hash, so that a host of a hundred thousand areas costs time but no memory.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Iova;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Hardware;

/// <summary>What a digest looks at.</summary>
public enum StateScope
{
    /// <summary>All there is.</summary>
    Whole,

    /// <summary>
    /// All but what a refused call may leave behind, here as on Linux: pages of a process that were faulted in on the way, and page tables that stay, empty.
    /// </summary>
    WithoutTraces,
}

/// <summary>SHA-256 over a host's state.</summary>
public sealed partial class StateDigest : IDisposable
{
    private const int RunsAtATime = 256;
    private const int DirtyPagesAtATime = 512;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[4_096];
    private readonly PhysicalRun[] _runs = new PhysicalRun[RunsAtATime];
    private readonly Dictionary<IoptPages, ulong> _pagesOrdinals = new(ReferenceEqualityComparer.Instance);
    private readonly EmulatedHost _host;
    private readonly bool _whole;
    private int _used;

    private StateDigest(EmulatedHost host, StateScope scope)
    {
        _host = host;
        _whole = scope == StateScope.Whole;
    }

    /// <summary>64 lower-case hex digits. Takes time in proportion to areas, leaf runs and written memory.</summary>
    public static string Compute(EmulatedHost host, StateScope scope = StateScope.Whole)
    {
        using var digest = new StateDigest(host, scope);
        return digest.Run();
    }

    public void Dispose() => _hash.Dispose();

    private string Run()
    {
        Section("processes");
        foreach (EmulatedUser user in _host.Users)
            Add((ulong)user.Uid, user.LockedPages);
        foreach (EmulatedProcess process in _host.Processes)
            AddProcess(process);
        foreach (EmulatedFile file in _host.Files)
        {
            Add(file.Name);
            Add((ulong)file.Mappings, (ulong)file.Users, Flag(file.IsMemfd), file.SizeBytes ?? 0, (ulong)file.Layout, Flag(file.IsOpen));
            AddFrames(file.Frames);
        }
        foreach (Dmabuf buffer in _host.Dmabufs)
            Add((ulong)buffer.Number, buffer.SizeBytes, Flag(buffer.IsRevoked), Flag(buffer.IsOpen), (ulong)buffer.Users);
        Section("groups");
        foreach (IommuGroup group in _host.Groups)
            Add((ulong)group.Id, (ulong)(group.Owner?.Fd ?? 0));
        Section("contexts");
        foreach (IommufdContext context in _host.Contexts)
            AddContext(context);
        Section("memory");
        Add(_host.TempMemoryBytes);
        AddMemory();
        Flush();
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    private void AddProcess(EmulatedProcess process)
    {
        Add((ulong)process.Pid, (ulong)process.User.Uid);
        Add(process.Name);
        Add(process.MemlockBytes, Flag(process.CapIpcLock), Flag(process.CapSysResource), Flag(process.Memory.IsAlive));
        Add(process.Memory.PinnedPages, process.Memory.LockedPages, (ulong)process.Memory.Mappings.Count);
        foreach (MemoryMapping mapping in process.Memory.Mappings)
        {
            Add(mapping.Range);
            Add(Flag(mapping.CanRead), Flag(mapping.CanWrite), (ulong)mapping.Layout, Flag(mapping.IsShared));
            Add(mapping.File?.Name ?? "");
            Add(mapping.FileOffset);
            AddFrames(mapping.OwnFrames);
        }
    }

    private void AddFrames(FrameTable frames)
    {
        if (!_whole)
            return;
        Add(frames.TouchedPages);
        foreach ((ulong page, uint pfn) in frames.Touched())
            Add(page, pfn);
    }

    private void AddContext(IommufdContext context)
    {
        Add((ulong)context.Fd, (ulong)context.Opener.Pid, (ulong)context.AccountMode, (ulong)context.Objects.TakenIds, (ulong)context.Objects.Count);
        Add(Flag(context.IsClosed), (ulong)context.Holds, context.Vfio.Ioas?.Id ?? 0);
        foreach (Igroup igroup in context.Groups.Values)
            AddGroup(igroup);
        AddSwMsi(context);
        foreach (IommufdObject found in context.Objects.All)
        {
            Add(found.Id, (ulong)found.Type, (ulong)found.Users);
            switch (found)
            {
                case Device device:
                    AddDevice(device);
                    break;
                case HwptPaging hwpt:
                    Add(hwpt.Ioas.Id, (ulong)hwpt.Flags, Flag(hwpt.IsAutomatic), Flag(hwpt.EnforcesCoherency));
                    Add(hwpt.Unit.Name);
                    Add(hwpt.FaultQueue?.Id ?? 0, Flag(hwpt.IsTrackingDirty), (ulong)hwpt.PresentSwMsi.Count);
                    break;
                case Ioas ioas:
                    AddIoas(ioas);
                    break;
                case Access access:
                    AddAccess(access);
                    break;
                default:
                    AddVirtual(found);
                    break;
            }
        }
    }

    private void AddIoas(Ioas ioas)
    {
        IoPagetable table = ioas.Pagetable;
        Add(table.IovaAlignment, Flag(table.LargePagesDisabled), (ulong)table.MappedBytes, (ulong)(table.MappedBytes >> 64));
        foreach (HwptPaging hwpt in ioas.Hwpts)
            Add(hwpt.Id);
        foreach (Access access in table.Accesses)
            Add(access.Id);
        AddRanges(table.Reserved);
        AddRanges(table.Allowed);
        Add((ulong)table.Areas.Count);
        for (int slot = table.Areas.First; slot >= 0; slot = table.Areas.Next(slot))
        {
            Add(table.Areas.Range(slot));
            ref IopArea area = ref table.Area(slot);
            Add(area.FirstIndex, area.PageOffset, (ulong)area.Prot, (ulong)(IndexOf(table.Domains, area.StorageDomain) + 1));
            Add((ulong)area.NumAccesses, area.NumLocks, Flag(area.PreventAccess));
            AddPages(area.Pages);
        }
        for (int i = 0; i < table.Domains.Count; i++)
            AddDomain(table.Domains[i], table);
    }

    private void AddAccess(Access access)
    {
        Add(access.Ioas?.Id ?? 0, Flag(access.IsInternal), Flag(access.NeedsPinPages), (ulong)access.PinnedRanges);
        if (access.Owner is not AccessFile file)
            return;
        Add((ulong)file.Opener.Pid, file.NextItem);
        foreach (AccessItem item in file.Items)
            Add(item.Id, item.Iova, item.LengthBytes);
    }

    private static int IndexOf(IReadOnlyList<IommuDomain> domains, IommuDomain? domain)
    {
        for (int i = 0; i < domains.Count; i++)
        {
            if (domains[i] == domain)
                return i;
        }
        return -1;
    }

    private void AddRanges(RangeTree<object> ranges)
    {
        Add((ulong)ranges.Count);
        for (int slot = ranges.First; slot >= 0; slot = ranges.Next(slot))
        {
            Add(ranges.Range(slot));
            Add(ranges.Payload(slot) is IommufdObject owner ? owner.Id : 0UL);
        }
    }

    // Which areas share an object is state; the object has no name, so it gets the number of its first appearance.
    private void AddPages(IoptPages pages)
    {
        ref ulong ordinal = ref CollectionsMarshal.GetValueRefOrAddDefault(_pagesOrdinals, pages, out bool known);
        if (known)
        {
            Add(ordinal);
            return;
        }
        ordinal = (ulong)_pagesOrdinals.Count;
        Add(ordinal, (ulong)pages.Source.Pid, pages.FirstByte, pages.LengthBytes);
        Add(Flag(pages.IsWritable), (ulong)pages.Mode, pages.PinnedPages, (ulong)pages.AreaCount);
        Add(pages.File?.Name ?? "");
        Add(Flag(pages is DmabufPages { IsRevoked: true }));
        foreach ((ulong first, ulong last, int users) in pages.AccessHolds)
            Add(first, last, (ulong)users);
    }

    private void AddDirty(IommuDomain domain, IovaRange area)
    {
        ulong dirty = domain.DirtyBytes(area.Start, area.Last);
        Add(dirty);
        if (dirty == 0)
            return;
        Span<ulong> pages = stackalloc ulong[DirtyPagesAtATime];
        for (ulong start = area.Start; ;)
        {
            pages.Clear();
            ulong last = Math.Min(area.Last - start, ((ulong)DirtyPagesAtATime << PhysicalMemory.FrameShift) - 1) + start;
            domain.CountDirty(start, last, PhysicalMemory.FrameShift, pages);
            foreach (ulong bytes in pages)
                Add(bytes);
            if (last == area.Last)
                return;
            start = last + 1;
        }
    }

    private void AddDomain(IommuDomain domain, IoPagetable table)
    {
        Add(domain.FormatName);
        Add(domain.MappedBytes);
        foreach ((int shift, long count) in domain.LeafCounts())
            Add((ulong)shift, (ulong)count);
        for (int slot = table.Areas.First; slot >= 0; slot = table.Areas.Next(slot))
        {
            AddRuns(domain, table.Areas.Range(slot));
            AddDirty(domain, table.Areas.Range(slot));
        }
        if (_whole)
            Add(domain.TableBytes, domain.RootPhysical, (ulong)domain.Levels);
    }

    private void AddRuns(IommuDomain domain, IovaRange range)
    {
        for (ulong iova = range.Start; ;)
        {
            int count = domain.ReadRuns(iova, range.Last, _runs);
            Add((ulong)count);
            ulong length = 0;
            for (int i = 0; i < count; i++)
            {
                Add(_runs[i].Physical, _runs[i].LengthBytes);
                length += _runs[i].LengthBytes;
            }
            if (count < _runs.Length || length > range.Last - iova)
                return;
            iova += length;
        }
    }

    private void AddMemory()
    {
        PhysicalMemory memory = _host.Memory;
        Add(memory.PinnedFrames, memory.OrphanedFrames);
        if (_whole)
            Add(memory.FramesInUse, memory.WrittenFrames);
        for (uint pfn = memory.NextInUse(0); pfn < memory.FrameCount; pfn = memory.NextInUse(pfn + 1))
        {
            if (memory.Pins(pfn) is not 0 and var pins)
                Add(pfn, pins);
            if (!_whole || !memory.IsWritten(pfn))
                continue;
            ReadOnlySpan<byte> bytes = memory.Read(pfn);
            if (!bytes.ContainsAnyExcept((byte)0))
                continue;
            Add(pfn);
            Flush();
            _hash.AppendData(bytes);
        }
    }

    private static ulong Flag(bool value) => value ? 1UL : 0;

    private void Section(string name) => Add(name);

    private void Add(IovaRange range) => Add(range.Start, range.Last);

    private void Add(params ReadOnlySpan<ulong> values)
    {
        foreach (ulong value in values)
        {
            if (_used == _buffer.Length)
                Flush();
            BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(_used), value);
            _used += sizeof(ulong);
        }
    }

    private void Add(string text)
    {
        Add((ulong)text.Length);
        Flush();
        _hash.AppendData(Encoding.UTF8.GetBytes(text));
    }

    private void Flush()
    {
        _hash.AppendData(_buffer, 0, _used);
        _used = 0;
    }
}
