// One open /dev/iommu of a mock host and a caller whose structures lie in a flat buffer, so that a row times bytes in, engine, bytes out and nothing of a real process.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Benchmarks.Ioctls;

internal sealed class IoctlBench : ICaller, IDisposable
{
    /// <summary>Calls in one measured batch; what they made is undone outside the clock.</summary>
    public const int Batch = 64;

    public const ulong Page = 4096;
    public const ulong MockBase = 1UL << 24;
    public const uint Mock = 0xdeadbeef;
    public const int MemfdNumber = 100;
    private const ulong CommandBase = 0x1000;
    private const ulong DataBase = 0x8000;
    private const string Memfd = "bench";

    private readonly Bench _bench = new(IommuVendor.Mock, domains: 0);
    private readonly byte[] _memory = new byte[64 << 10];
    private readonly List<object> _files = [];
    private readonly IommuFile _file;

    public IoctlBench()
    {
        Bench.Must(_bench.Host.OpenContext(1, out IommufdContext? context));
        _file = new IommuFile(context!);
        Ioas = Make(0x81, new IommuIoasAlloc { Size = 12 }).OutIoasId;
        TestMockDomain device = MockDomain(Ioas);
        (Stdev, Device) = (device.OutStdevId, device.OutIdevId);
    }

    public IommufdContext Context => _file.Context;

    public EmulatedProcess Process => _bench.Process;

    public uint Ioas { get; }

    public uint Stdev { get; }

    public uint Device { get; }

    /// <summary>Where data of a call lies, in the caller's memory.</summary>
    public static ulong Data => DataBase;

    public uint NestParent() => Make(0x89, new IommuHwptAlloc { Size = 48, Flags = 1, DevId = Device, PtId = Ioas }).OutHwptId;

    public uint Viommu() => Make(0x90, new IommuViommuAlloc { Size = 40, Type = Mock, DevId = Device, HwptId = NestParent() }).OutViommuId;

    public TestMockDomain MockDomain(uint pt)
    {
        var both = Make(0xa0, new TestOf<TestMockDomain> { Header = new IommuTest { Size = 72, Op = (uint)TestOp.MockDomain, Id = pt } });
        return both.Union;
    }

    public void Map(ulong iova, ulong length) => Make(0x85, new IommuIoasMap { Size = 40, Flags = 7, IoasId = Ioas, UserVa = Bench.Contiguous + iova - MockBase, Length = length, Iova = iova });

    public void CreateMemfd() => Bench.Must(_bench.Host.CreateMemfd(Memfd, 1 << 20));

    /// <summary>Puts a command where <see cref="Call"/> finds it; writes through the result change it.</summary>
    public ref T Put<T>(in T command) where T : unmanaged
    {
        ref T place = ref MemoryMarshal.AsRef<T>(_memory.AsSpan((int)CommandBase));
        place = command;
        return ref place;
    }

    public void PutData<T>(in T data) where T : unmanaged => MemoryMarshal.Write(_memory.AsSpan((int)DataBase), in data);

    /// <summary>Makes a call with the command put last. The result, or -errno.</summary>
    public long Call(uint number) => _file.Ioctl(this, IoctlTable.Type + number, CommandBase).Value;

    /// <summary>A call that must succeed; the command as it left it.</summary>
    public T Make<T>(uint number, in T command) where T : unmanaged
    {
        ref T place = ref Put(command);
        return Call(number) >= 0 ? place : throw new InvalidOperationException($"0x{number:x} failed.");
    }

    public void CloseFiles()
    {
        foreach (object file in _files)
            ((EventFile)file).Close();
        _files.Clear();
    }

    public bool TryRead(ulong address, Span<byte> bytes) => InMemory(address, bytes.Length, out Span<byte> own) && own.TryCopyTo(bytes);

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes) => InMemory(address, bytes.Length, out Span<byte> own) && bytes.TryCopyTo(own);

    public bool TryDeliver(object file, ulong address, bool closeOnExec)
    {
        _files.Add(file);
        return TryWrite(address, BitConverter.GetBytes(MemfdNumber + _files.Count));
    }

    public object? FindFile(int fd) => null;

    public MemoryFile? FindMemoryFile(int fd) => fd == MemfdNumber ? _bench.Host.FindFile(Memfd) : null;

    public void Dispose() => _bench.Dispose();

    // An empty copy goes anywhere, as in the kernel.
    private bool InMemory(ulong address, int length, out Span<byte> own)
    {
        bool isInside = address < (ulong)_memory.Length && (ulong)length <= (ulong)_memory.Length - address;
        own = isInside ? _memory.AsSpan((int)address, length) : default;
        return isInside || length == 0;
    }
}

/// <summary>The selftest's command with one shape of its union.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TestOf<T> where T : unmanaged
{
    public HeaderOnly First;
    public T Union;
    private Rest _rest;

    public IommuTest Header
    {
        set => First = Unsafe.As<IommuTest, HeaderOnly>(ref value);
    }
}

/// <summary>The 16 bytes before the union; <see cref="IommuTest"/> itself has the union's room behind them.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HeaderOnly
{
    public uint Size;
    public uint Op;
    public uint Id;
    public uint Reserved;
}

[InlineArray(56)]
internal struct Rest
{
    private byte _first;
}
