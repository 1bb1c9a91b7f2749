using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Pages;

namespace IommuDash.Abi.Tests;

/// <summary>An emulated process as a caller: its memory is the emulated machine's, its descriptors a list.</summary>
internal sealed class TestCaller(EmulatedProcess process) : ICaller
{
    private readonly List<object> _files = [];

    public EmulatedProcess Process => process;

    /// <summary>Files delivered so far; the descriptor of the first is <see cref="FirstFd"/>.</summary>
    public IReadOnlyList<object> Files => _files;

    public const int FirstFd = 10;

    public bool TryRead(ulong address, Span<byte> bytes) => bytes.IsEmpty || process.Memory.Read(address, bytes) is null;

    /// <summary>Every store fails from now on.</summary>
    public bool RefusesWrites { get; set; }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes) => !RefusesWrites && (bytes.IsEmpty || process.Memory.Write(address, bytes) is null);

    /// <summary>Whether the descriptor of the newest file closes on exec.</summary>
    public bool ClosesOnExec { get; private set; }

    public bool TryDeliver(object file, ulong address, bool closeOnExec)
    {
        ClosesOnExec = closeOnExec;
        _files.Add(file);
        return address == 0 || TryWrite(address, BitConverter.GetBytes(FirstFd + _files.Count - 1));
    }

    public object? FindFile(int fd) => fd >= FirstFd && fd - FirstFd < _files.Count ? _files[fd - FirstFd] : null;

    public MemoryFile? FindMemoryFile(int fd) => FindFile(fd) as MemoryFile;
}

/// <summary>A host of the mock IOMMU with one process, an open /dev/iommu, and a place in the process's memory for commands.</summary>
internal sealed class AbiRig : IDisposable
{
    public const ulong Command = 0x10000;
    public const ulong CommandBytes = 64 << 10;
    public const ulong Buffer = 0x7f00_0000_0000;
    public const ulong BufferBytes = 1 << 20;

    public AbiRig(Engine.Iommufd.ReferenceLevel? level = null)
    {
        Host = new EmulatedHost(
            new HostDescription
            {
                Name = "abi",
                MemoryBytes = 256UL << 20,
                Units = [new IommuUnitDescription { Name = "mock", Vendor = IommuVendor.Mock }],
                Processes =
                [
                    new ProcessDescription
                    {
                        Pid = 1, Name = "caller", CapIpcLock = false, CapSysResource = true, MemlockBytes = 64UL << 20,
                        Memory = [new MemoryDescription { Start = Command, LengthBytes = CommandBytes }, new MemoryDescription { Start = Buffer, LengthBytes = BufferBytes }],
                    },
                ],
            },
            level: level);
        Caller = new TestCaller(Host.FindProcess(1)!);
        File = Open();
    }

    public EmulatedHost Host { get; }

    public TestCaller Caller { get; }

    public IommuFile File { get; }

    public IommuFile Open() => Host.OpenContext(1, out Engine.Iommufd.IommufdContext? context) is { } refusal
        ? throw new InvalidOperationException(refusal.Reason)
        : new IommuFile(context!);

    /// <summary>Makes a call; the structure comes back as the call left it.</summary>
    public Errno Call<T>(uint number, ref T command, uint? size = null) where T : unmanaged
    {
        Errno errno = CallRaw(number, ref command, size);
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<T>(ref command));
        Caller.TryRead(Command, bytes);
        return errno;
    }

    /// <summary>Makes a call with a structure put into the caller's memory from outside.</summary>
    public Errno CallRaw<T>(uint number, ref T command, uint? size = null) where T : unmanaged
    {
        byte[] bytes = new byte[Math.Max(Unsafe.SizeOf<T>(), (int)(size ?? 0))];
        MemoryMarshal.Write(bytes, in command);
        BitConverter.TryWriteBytes(bytes, size ?? (uint)bytes.Length);
        if (Caller.Process.Memory.Write(Command, bytes) is { } refusal)
            throw new InvalidOperationException(refusal.Reason);
        long value = File.Ioctl(Caller, 0x3b00 + number, Command).Value;
        return value < 0 ? (Errno)(-value) : Errno.None;
    }

    public void WriteWords(ulong address, params ReadOnlySpan<ulong> words)
    {
        if (!Caller.TryWrite(address, MemoryMarshal.AsBytes(words)))
            throw new InvalidOperationException($"Nothing can be written at 0x{address:x}.");
    }

    public void Dispose() => Host.Dispose();
}

/// <summary>IOMMU_TEST_CMD with one member of its union.</summary>
internal struct TestCall<T>(TestOp op, uint id) where T : unmanaged
{
    public uint Size = 72;
    public TestOp Op = op;
    public uint Id = id;
    public uint Reserved = 0;
    public T Union = default;
}
