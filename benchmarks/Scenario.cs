using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Benchmarks;

/// <summary>Something timed: a host brought into the state it needs, and one invocation that leaves that state as it found it.</summary>
/// <param name="Name">Stable name, as the table of results lists it.</param>
/// <param name="Operations">Operations in one invocation; results are per operation.</param>
/// <param name="Start">Makes the host and returns the invocation. Some scenarios time only a part of it, through the clock they are given.</param>
internal sealed record Scenario(string Name, int Operations, Func<Bench, Action<Clock>> Start);

/// <summary>Lets an invocation leave preparation out of its time. Counts nothing unless told otherwise.</summary>
internal sealed class Clock
{
    private long _begun;

    public long Ticks { get; private set; }

    public long AllocatedBytes { get; private set; }

    private long _allocatedBefore;

    public void Begin()
    {
        _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        _begun = System.Diagnostics.Stopwatch.GetTimestamp();
    }

    public void End()
    {
        Ticks += System.Diagnostics.Stopwatch.GetTimestamp() - _begun;
        AllocatedBytes += GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore;
    }
}

/// <summary>A host with one IOMMU of a vendor, one context with one IOAS, and a process with 2 GiB of small and 2 GiB of scattered pages, all touched.</summary>
internal sealed class Bench : IDisposable
{
    public const ulong Contiguous = 0x7f00_0000_0000;
    public const ulong Scattered = 0x7e00_0000_0000;
    public const MapFlags ReadWrite = MapFlags.Readable | MapFlags.Writeable;
    private const ulong BufferBytes = 1UL << 30;

    public static HostDescription Describe(IommuVendor vendor) => new()
    {
        Name = "bench",
        MemoryBytes = 8UL << 30,
        Units = [new IommuUnitDescription { Name = "unit0", Vendor = vendor, InputBits = vendor == IommuVendor.Amd ? 64 : 48, SnoopControl = vendor != IommuVendor.Mock, DirtyTracking = true }],
        Groups = [new GroupDescription { Id = 1 }],
        Devices = [new DeviceDescription { Address = "0000:01:00.0", Unit = "unit0", Group = 1 }],
        Processes =
        [
            new ProcessDescription
            {
                Pid = 1, Name = "bench", MemlockBytes = ulong.MaxValue,
                Memory =
                [
                    new MemoryDescription { Start = Contiguous, LengthBytes = BufferBytes },
                    new MemoryDescription { Start = Scattered, LengthBytes = BufferBytes, Layout = FrameLayout.Scattered },
                ],
            },
        ],
    };

    public Bench(IommuVendor vendor, int domains)
    {
        Host = new EmulatedHost(Describe(vendor));
        Must(Host.OpenContext(1, out IommufdContext? context));
        Context = context!;
        Process = Host.FindProcess(1)!;
        Must(Context.IoasAlloc(out uint ioas));
        Ioas = ioas;
        Must(Context.Bind(Host.FindDevice("0000:01:00.0")!, out Device? device));
        for (int i = 0; i < domains; i++)
            Must(Context.HwptAlloc(device!.Id, ioas, HwptFlags.None, 0, out _));
    }

    public EmulatedHost Host { get; }

    public IommufdContext Context { get; }

    public EmulatedProcess Process { get; }

    public uint Ioas { get; }

    public ulong Map(ulong userAddress, ulong length, ulong? iova)
    {
        ulong at = iova ?? 0;
        Must(Context.IoasMap(Process, Ioas, ReadWrite | (iova is null ? 0 : MapFlags.FixedIova), userAddress, length, ref at));
        return at;
    }

    public void Unmap(ulong iova, ulong length) => Must(Context.IoasUnmap(Ioas, iova, length, out _));

    public AccessFile OpenAccess()
    {
        Must(AccessFile.Open(Context, Process, Ioas, needsPinPages: true, out AccessFile? file));
        return file!;
    }

    public void UnmapAll() => Unmap(0, ulong.MaxValue);

    public void Dispose() => Host.Dispose();

    public static void Must(Refusal? refusal)
    {
        if (refusal is not null)
            throw new InvalidOperationException($"{refusal.Errno} {refusal.Reason}");
    }
}
