// Whether a program can be reached at all: the preload library comes in through the dynamic loader of the program, or of a script's interpreter.
// Leaves out: programs that are started by the program, and those that make their system calls without libc.
using System.Buffers.Binary;
using System.Text;
using IommuDash.Bridge.Native;

namespace IommuDash.Bridge;

public static class ProgramFile
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int MaxProgramHeaders = 128;
    private const byte Class64 = 2;
    private const uint PtInterp = 3;
    private const ushort SetUserBit = 0x800;
    private const ushort SetGroupBit = 0x400;

    /// <summary>Why the library would not be loaded into a program, named as on a command line. Null: nothing speaks against it, or there is no such file, which starting it will say.</summary>
    public static string? WhyNotCovered(string program)
    {
        if (Resolve(program) is not { } path)
            return null;
        if (IsSetId(path))
            return $"{path} is a set-user-id or set-group-id program of somebody else, into which no library can be loaded: it would see the real machine. Run it as its owner, or a copy without that bit.";
        Span<byte> header = stackalloc byte[HeaderBytes];
        try
        {
            using var file = File.OpenHandle(path);
            int got = RandomAccess.Read(file, header, 0);
            if (header[..got].StartsWith("#!"u8))
                return Interpreter(header[2..got]) is { } interpreter && interpreter != program ? WhyNotCovered(interpreter) : null;
            if (got < HeaderBytes || !header.StartsWith("\u007fELF"u8))
                return null;
            if (header[4] != Class64)
                return $"{path} is a 32-bit program; only programs of 64 bits are covered.";
            return HasLoader(file, header) ? null : $"{path} is a static program: it has no dynamic loader by which the library could come in, so it would see the real machine. Link it dynamically.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool HasLoader(Microsoft.Win32.SafeHandles.SafeFileHandle file, ReadOnlySpan<byte> header)
    {
        long at = BinaryPrimitives.ReadInt64LittleEndian(header[32..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(header[54..]);
        int count = Math.Min((int)BinaryPrimitives.ReadUInt16LittleEndian(header[56..]), MaxProgramHeaders);
        Span<byte> one = stackalloc byte[ProgramHeaderBytes];
        for (int i = 0; i < count; i++)
        {
            if (at >= 0 && RandomAccess.Read(file, one, at + ((long)i * size)) == one.Length && BinaryPrimitives.ReadUInt32LittleEndian(one) == PtInterp)
                return true;
        }
        return false;
    }

    private static string? Interpreter(ReadOnlySpan<byte> line)
    {
        string[] words = Encoding.UTF8.GetString(line).Split('\n')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? null : words[0];
    }

    private static string? Resolve(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal))
            return File.Exists(program) ? program : null;
        string[] directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return directories.Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);
    }

    private static unsafe bool IsSetId(string path)
    {
        const int AtFdcwd = -100;
        const uint StatxBasic = 0x7ff;
        byte* stat = stackalloc byte[256];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            if (Libc.Statx(AtFdcwd, name, 0, StatxBasic, stat) != 0)
                return false;
        }
        // Offsets in struct statx.
        uint uid = *(uint*)(stat + 20);
        uint gid = *(uint*)(stat + 24);
        ushort mode = *(ushort*)(stat + 28);
        return ((mode & SetUserBit) != 0 && uid != Libc.Geteuid()) || ((mode & SetGroupBit) != 0 && gid != Libc.Getegid());
    }
}
