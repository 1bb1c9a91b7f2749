// Which commands stand for which ioctls. To add one: a line in its family's file; the tests hold that the door answers it as the command was answered, and that command → call → command comes back to the same.
// Leaves out commands that no ioctl on these files does: processes and their memory, files, what devices do by themselves, and the emulated drivers' accesses.
using System.Collections.Frozen;
using IommuDash.Abi;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

/// <summary>The table of <see cref="CommandCall"/>.</summary>
internal static partial class CommandCallTable
{
    private static readonly CommandCall[] s_all = [.. Objects(), .. Ioas(), .. Hwpts(), .. Viommus(), .. Devices(), .. Vfio()];

    private static readonly FrozenDictionary<Type, CommandCall> s_byCommand = s_all.ToFrozenDictionary(line => line.Command);

    private static readonly FrozenDictionary<string, CommandCall[]> s_byIoctl = s_all.GroupBy(line => line.Ioctl).ToFrozenDictionary(lines => lines.Key, lines => lines.ToArray(), StringComparer.Ordinal);

    /// <summary>Commands that stand for an ioctl.</summary>
    public static IEnumerable<Type> Commands => s_byCommand.Keys;

    /// <summary>The line of a command; null if it stands for no ioctl.</summary>
    public static CommandCall? Find(Command command) => s_byCommand.GetValueOrDefault(command.GetType());

    /// <summary>Lines that may say what an ioctl asks for, in the order in which to try them.</summary>
    public static ReadOnlySpan<CommandCall> OfIoctl(string name) => s_byIoctl.GetValueOrDefault(name);

    private static ulong PointerTo(ReadOnlyMemory<byte> bytes) => bytes.IsEmpty ? 0 : CommandCall.StandInAddress;

    private static IReadOnlyList<CallBuffer> BuffersOf(ReadOnlyMemory<byte> bytes, bool isWrite) =>
        bytes.IsEmpty ? [] : [new CallBuffer(CommandCall.StandInAddress, isWrite, bytes.Length, Failed: false, bytes[..Math.Min(bytes.Length, CallCapture.MaxBufferBytes)])];

    // What the call read at an address; null if not all of it was kept.
    private static byte[]? BytesAt(CallRecord call, ulong address, ulong count)
    {
        if (count == 0)
            return [];
        foreach (CallBuffer buffer in call.Buffers)
        {
            if (!buffer.IsWrite && buffer.Address == address && (ulong)buffer.Bytes.Length >= count)
                return buffer.Bytes[..(int)count].ToArray();
        }
        return null;
    }
}
