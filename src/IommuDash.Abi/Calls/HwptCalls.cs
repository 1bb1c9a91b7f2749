// hw_pagetables, hardware information, dirty tracking and invalidation.
using System.Buffers;
using System.Numerics;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Abi;

internal static class HwptCalls
{
    /// <summary>Longer than any driver's structure: what lies beyond is refused by its length, unread.</summary>
    private const int MaxDataBytes = 256;

    /// <summary>Longer than the most entries of any driver's array; see the engine's limit of entries.</summary>
    private const int MaxArrayBytes = 16 << 20;

    /// <summary>Most of a bitmap that one call fills: 2 TiB of 4 KiB pages. A longer request is answered up to there.</summary>
    private const int MaxBitmapBytes = 64 << 20;

    private const int ZeroBytes = 512;

    public static Refusal? Alloc(ref IoctlCall call)
    {
        ref IommuHwptAlloc command = ref call.As<IommuHwptAlloc>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        Span<byte> data = stackalloc byte[MaxDataBytes];
        var guest = new GuestData(command.DataType, command.DataLen, call.Caller.ReadPrefix(command.DataUptr, command.DataLen, data));
        return call.Context.HwptAlloc(command.DevId, command.PtId, (HwptFlags)command.Flags, command.FaultId, guest, out command.OutHwptId)
            ?? call.RespondOrDestroy(command.OutHwptId);
    }

    public static Refusal? HwInfo(ref IoctlCall call)
    {
        ref IommuHwInfo command = ref call.As<IommuHwInfo>();
        if ((command.Reserved0 | command.Reserved1 | command.Reserved2) != 0)
            return AbiRefusals.Unsupported;
        if (call.Context.GetHwInfo(command.Flags, command.DevId, command.OutDataType, out HwInfo? info) is { } refusal)
            return refusal;
        int copied = (int)Math.Min(command.DataLen, (uint)info!.Data.Length);
        if (!call.Caller.TryWrite(command.DataUptr, info.Data.AsSpan(0, copied)) || !TryClear(call.Caller, command.DataUptr + (ulong)copied, command.DataLen - (uint)copied))
            return AbiRefusals.Fault;
        command.DataLen = (uint)info.Data.Length;
        command.OutDataType = info.Type;
        command.OutMaxPasidLog2 = info.MaxPasidLog2;
        command.OutCapabilities = (ulong)info.Capabilities;
        return call.Respond();
    }

    public static Refusal? SetDirtyTracking(ref IoctlCall call)
    {
        ref IommuHwptSetDirtyTracking command = ref call.As<IommuHwptSetDirtyTracking>();
        return call.Context.HwptSetDirtyTracking(command.HwptId, (SetDirtyFlags)command.Flags);
    }

    /// <summary>Bits are added to the caller's bitmap; those that cannot be stored are lost without an error.</summary>
    public static Refusal? GetDirtyBitmap(ref IoctlCall call)
    {
        ref IommuHwptGetDirtyBitmap command = ref call.As<IommuHwptGetDirtyBitmap>();
        if (command.Reserved != 0)
            return AbiRefusals.Unsupported;
        int shift = command.PageSize == 0 ? 0 : BitOperations.TrailingZeroCount(command.PageSize);
        ulong bytes = command.PageSize == 0 || command.Length == 0 ? 0 : (((command.Length - 1) >> shift) / 8) + 1;
        byte[] rented = ArrayPool<byte>.Shared.Rent((int)Math.Min(bytes, MaxBitmapBytes));
        Span<byte> bits = rented.AsSpan(0, (int)Math.Min(bytes, MaxBitmapBytes));
        bits.Clear();
        Refusal? refusal = call.Context.HwptGetDirtyBitmap(command.HwptId, (GetDirtyFlags)command.Flags, command.Iova, command.Length, command.PageSize, bits);
        if (refusal is null)
            AddBits(call.Caller, command.Data, bits);
        ArrayPool<byte>.Shared.Return(rented);
        return refusal;
    }

    /// <summary>The number of entries done goes back whatever the outcome.</summary>
    public static Refusal? Invalidate(ref IoctlCall call)
    {
        ref IommuHwptInvalidate command = ref call.As<IommuHwptInvalidate>();
        uint done = 0;
        Refusal? refusal = AbiRefusals.Unsupported;
        if (command.Reserved == 0)
        {
            ulong bytes = Math.Min((ulong)command.EntryLen * command.EntryNum, MaxArrayBytes);
            byte[] rented = ArrayPool<byte>.Shared.Rent((int)bytes);
            ReadOnlySpan<byte> readable = call.Caller.ReadPrefix(command.DataUptr, (uint)bytes, rented.AsSpan(0, (int)bytes));
            var array = new GuestArray(command.DataType, command.EntryLen, command.EntryNum, readable, command.DataUptr == 0);
            refusal = call.Context.HwptInvalidate(command.HwptId, array, out done);
            ArrayPool<byte>.Shared.Return(rented);
        }
        command.EntryNum = done;
        return call.Respond() ?? refusal;
    }

    public static Refusal? FaultQueueAlloc(ref IoctlCall call)
    {
        const int FdOffset = 12;
        ref IommuFaultAlloc command = ref call.As<IommuFaultAlloc>();
        if (call.Context.FaultQueueAlloc(command.Flags, out FaultQueue? queue) is { } refusal)
            return refusal;
        command.OutFaultId = queue!.Id;
        return call.RespondWithFile(queue, FdOffset);
    }

    private static bool TryClear(IUserMemory memory, ulong address, uint length)
    {
        Span<byte> zeroes = stackalloc byte[ZeroBytes];
        zeroes.Clear();
        while (length != 0)
        {
            uint bytes = Math.Min(length, ZeroBytes);
            if (!memory.TryWrite(address, zeroes[..(int)bytes]))
                return false;
            address += bytes;
            length -= bytes;
        }
        return true;
    }

    // Only pieces with something to add are touched, so a clean read costs no copy.
    private static void AddBits(IUserMemory memory, ulong address, ReadOnlySpan<byte> bits)
    {
        const int PieceBytes = 4096;
        Span<byte> theirs = stackalloc byte[PieceBytes];
        for (int at = 0; at < bits.Length; at += PieceBytes)
        {
            ReadOnlySpan<byte> ours = bits[at..Math.Min(bits.Length, at + PieceBytes)];
            if (!ours.ContainsAnyExcept((byte)0))
                continue;
            Span<byte> piece = theirs[..ours.Length];
            if (!memory.TryRead(address + (ulong)at, piece))
                continue;
            for (int i = 0; i < piece.Length; i++)
                piece[i] |= ours[i];
            memory.TryWrite(address + (ulong)at, piece);
        }
    }
}
