// The IOAS family.
using System.Runtime.InteropServices;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Abi;

internal static class IoasCalls
{
    private const int RangeBytes = 16;

    public static Refusal? Alloc(ref IoctlCall call)
    {
        ref IommuIoasAlloc command = ref call.As<IommuIoasAlloc>();
        if (command.Flags != 0)
            return AbiRefusals.Unsupported;
        return call.Context.IoasAlloc(out command.OutIoasId) ?? call.RespondOrDestroy(command.OutIoasId);
    }

    /// <summary>Ranges are checked as they are read, so a bad one before an unreadable one answers.</summary>
    public static Refusal? AllowIovas(ref IoctlCall call)
    {
        ref IommuIoasAllowIovas command = ref call.As<IommuIoasAllowIovas>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        if (call.Context.Objects.Find<Ioas>(command.IoasId) is null)
            return call.Context.IoasAllowIovas(command.IoasId, []);
        List<IovaRange> ranges = call.File.Ranges;
        ranges.Clear();
        int cap = call.Context.Host.Limits.RangesPerIoas;
        bool readable = true;
        // One more than the cap is enough for the engine to refuse them all.
        for (uint i = 0; i < command.NumIovas && i <= cap && readable; i++)
        {
            readable = call.Caller.TryRead(command.AllowedIovas + ((ulong)i * RangeBytes), out UserRange range);
            if (!readable)
                break;
            if (range.Start >= range.Last)
                return new Refusal(Errno.EINVAL, "allow.range", $"Range {i} starts at 0x{range.Start:x} and ends at 0x{range.Last:x}; the last address must lie behind the first.");
            ranges.Add(new IovaRange(range.Start, range.Last));
        }
        if (readable)
            return call.Context.IoasAllowIovas(command.IoasId, CollectionsMarshal.AsSpan(ranges));
        return FindOverlap(ranges) ?? AbiRefusals.Fault;
    }

    public static Refusal? IovaRanges(ref IoctlCall call)
    {
        ref IommuIoasIovaRanges command = ref call.As<IommuIoasIovaRanges>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        List<IovaRange> ranges = call.File.Ranges;
        ranges.Clear();
        Refusal? refusal = call.Context.IoasIovaRanges(command.IoasId, (int)Math.Min(command.NumIovas, int.MaxValue), ranges, out int total, out ulong alignment);
        if (refusal is { Errno: not Errno.EMSGSIZE })
            return refusal;
        for (int i = 0; i < ranges.Count; i++)
        {
            var range = new UserRange { Start = ranges[i].Start, Last = ranges[i].Last };
            if (!call.Caller.TryWrite(command.AllowedIovas + ((ulong)i * RangeBytes), in range))
                return AbiRefusals.Fault;
        }
        command.NumIovas = (uint)total;
        command.OutIovaAlignment = alignment;
        return call.Respond() ?? refusal;
    }

    public static Refusal? Map(ref IoctlCall call)
    {
        ref IommuIoasMap command = ref call.As<IommuIoasMap>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        return call.Context.IoasMap(call.Caller.Process, command.IoasId, (MapFlags)command.Flags, command.UserVa, command.Length, ref command.Iova)
            ?? call.Respond();
    }

    public static Refusal? Copy(ref IoctlCall call)
    {
        ref IommuIoasCopy command = ref call.As<IommuIoasCopy>();
        SyzIova.Resolve(call.Context.Objects.Find<Ioas>(command.SrcIoasId), ref command.Flags, ref command.SrcIova);
        return call.Context.IoasCopy(command.DstIoasId, command.SrcIoasId, (MapFlags)command.Flags, command.SrcIova, command.Length, ref command.DstIova)
            ?? call.Respond();
    }

    public static Refusal? Unmap(ref IoctlCall call)
    {
        ref IommuIoasUnmap command = ref call.As<IommuIoasUnmap>();
        if (call.Context.IoasUnmap(command.IoasId, command.Iova, command.Length, out ulong unmapped) is { } refusal)
            return refusal;
        command.Length = unmapped;
        return call.Respond();
    }

    private static Refusal? FindOverlap(List<IovaRange> ranges)
    {
        ranges.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        for (int i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].Overlaps(ranges[i - 1]))
                return new Refusal(Errno.EINVAL, "allow.overlap", $"{ranges[i - 1]} and {ranges[i]} overlap.");
        }
        return null;
    }

    private struct UserRange
    {
        public ulong Start;
        public ulong Last;
    }
}
