// The IOAS family.
using System.Runtime.InteropServices;
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

internal static partial class CommandCallTable
{
    private const int RangeBytes = 16;

    // The descriptor that stands for a memory file of a page's own.
    private const int StandInFd = 3;

    private static CommandCall[] Ioas() =>
    [
        new StructureCall<IoasAlloc, IommuIoasAlloc>("IOAS_ALLOC")
        {
            In = _ => default,
            Out = (s, o) => s with { OutIoasId = o.Ioas ?? 0 },
            Back = (s, call) => s.Flags == 0 ? new IoasAlloc { Context = call.Context } : null,
        },
        new StructureCall<IoasAllow, IommuIoasAllowIovas>("IOAS_ALLOW_IOVAS")
        {
            In = c => new IommuIoasAllowIovas { IoasId = c.Ioas, NumIovas = (uint)c.Ranges.Count, AllowedIovas = CommandCall.StandInAddress },
            Beside = (c, _, parts) => parts with { Buffers = c.Ranges.Count == 0 ? [] : [BufferOf(c.Ranges, isWrite: false)] },
            Back = (s, call) => s.Reserved == 0 && RangesOf(call, (int)s.NumIovas) is { } ranges ? new IoasAllow { Context = call.Context, Ioas = s.IoasId, Ranges = ranges } : null,
        },
        new StructureCall<IoasRanges, IommuIoasIovaRanges>("IOAS_IOVA_RANGES")
        {
            In = c => new IommuIoasIovaRanges { IoasId = c.Ioas, NumIovas = (uint)c.MaxRanges, AllowedIovas = CommandCall.StandInAddress },
            Out = (s, o) => s with { NumIovas = (uint)(o.TotalRanges ?? 0), OutIovaAlignment = o.Alignment ?? 0 },
            WritesBackOnRefusal = true,
            Beside = (_, o, parts) => parts with { Buffers = o.Ranges is { Count: > 0 } ranges ? [BufferOf(ranges, isWrite: true)] : [] },
            Back = (s, call) => s.Reserved == 0 && s.NumIovas <= int.MaxValue ? new IoasRanges { Context = call.Context, Ioas = s.IoasId, MaxRanges = (int)s.NumIovas } : null,
        },
        new StructureCall<IoasMap, IommuIoasMap>("IOAS_MAP")
        {
            In = c => new IommuIoasMap { Flags = (uint)IoasMap.Flags(c.Iova, c.Readable, c.Writeable), IoasId = c.Ioas, UserVa = c.UserAddress, Length = c.Length, Iova = c.Iova ?? 0 },
            Out = (s, o) => s with { Iova = o.Iova ?? s.Iova },
            Back = (s, call) => s.Reserved == 0 && (MapFlags)s.Flags is var flags && IsKnown(flags)
                ? new IoasMap { Context = call.Context, Ioas = s.IoasId, UserAddress = s.UserVa, Length = s.Length, Iova = Fixed(flags, s.Iova), Readable = flags.HasFlag(MapFlags.Readable), Writeable = flags.HasFlag(MapFlags.Writeable), Pid = call.Pid }
                : null,
        },
        new StructureCall<IoasMapFile, IommuIoasMapFile>("IOAS_MAP_FILE")
        {
            In = c => new IommuIoasMapFile { Flags = (uint)IoasMap.Flags(c.Iova, c.Readable, c.Writeable), IoasId = c.Ioas, Fd = StandInFd, Start = c.Start, Length = c.Length, Iova = c.Iova ?? 0 },
            Out = (s, o) => s with { Iova = o.Iova ?? s.Iova },
            Beside = (c, _, parts) => parts with { FileName = c.File },
        },
        // Before IOAS_UNMAP of a range: the same structure with the one range that means everything.
        new StructureCall<IoasUnmapAll, IommuIoasUnmap>("IOAS_UNMAP")
        {
            In = c => new IommuIoasUnmap { IoasId = c.Ioas, Length = ulong.MaxValue },
            Out = (s, o) => s with { Length = o.UnmappedBytes ?? s.Length },
            Back = (s, call) => s is { Iova: 0, Length: ulong.MaxValue } ? new IoasUnmapAll { Context = call.Context, Ioas = s.IoasId } : null,
        },
        new StructureCall<IoasUnmap, IommuIoasUnmap>("IOAS_UNMAP")
        {
            In = c => new IommuIoasUnmap { IoasId = c.Ioas, Iova = c.Iova, Length = c.Length },
            Out = (s, o) => s with { Length = o.UnmappedBytes ?? s.Length },
            Back = (s, call) => new IoasUnmap { Context = call.Context, Ioas = s.IoasId, Iova = s.Iova, Length = s.Length },
        },
        new StructureCall<IoasCopy, IommuIoasCopy>("IOAS_COPY")
        {
            In = c => new IommuIoasCopy { Flags = (uint)IoasMap.Flags(c.Iova, c.Readable, c.Writeable), DstIoasId = c.Ioas, SrcIoasId = c.SourceIoas, Length = c.Length, DstIova = c.Iova ?? 0, SrcIova = c.SourceIova },
            Out = (s, o) => s with { DstIova = o.Iova ?? s.DstIova },
            Back = (s, call) => (MapFlags)s.Flags is var flags && IsKnown(flags)
                ? new IoasCopy { Context = call.Context, Ioas = s.DstIoasId, SourceIoas = s.SrcIoasId, SourceIova = s.SrcIova, Length = s.Length, Iova = Fixed(flags, s.DstIova), Readable = flags.HasFlag(MapFlags.Readable), Writeable = flags.HasFlag(MapFlags.Writeable) }
                : null,
        },
        new StructureCall<IoasChangeProcess, IommuIoasChangeProcess>("IOAS_CHANGE_PROCESS")
        {
            In = _ => default,
            Back = (s, call) => s.Reserved == 0 ? new IoasChangeProcess { Context = call.Context, Pid = call.Pid } : null,
        },
    ];

    private static bool IsKnown(MapFlags flags) => (flags & ~(MapFlags.FixedIova | MapFlags.Readable | MapFlags.Writeable)) == 0;

    private static ulong? Fixed(MapFlags flags, ulong iova) => flags.HasFlag(MapFlags.FixedIova) ? iova : null;

    private static CallBuffer BufferOf(IReadOnlyList<IovaRange> ranges, bool isWrite)
    {
        var bytes = new byte[Math.Min(ranges.Count * RangeBytes, CallCapture.MaxBufferBytes)];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan());
        for (int i = 0; i < words.Length; i++)
            words[i] = i % 2 == 0 ? ranges[i / 2].Start : ranges[i / 2].Last;
        return new CallBuffer(CommandCall.StandInAddress, isWrite, ranges.Count * RangeBytes, Failed: false, bytes);
    }

    // Null if not all of them were kept, or one is none.
    private static IovaRange[]? RangesOf(CallRecord call, int count)
    {
        if (count == 0)
            return [];
        if (call.Buffers is not [{ IsWrite: false, Failed: false } first, ..] || first.Bytes.Length / RangeBytes != count)
            return null;
        ReadOnlySpan<ulong> read = MemoryMarshal.Cast<byte, ulong>(first.Bytes.Span);
        var ranges = new IovaRange[count];
        for (int i = 0; i < count; i++)
        {
            if (read[2 * i] > read[(2 * i) + 1])
                return null;
            ranges[i] = new IovaRange(read[2 * i], read[(2 * i) + 1]);
        }
        return ranges;
    }
}
