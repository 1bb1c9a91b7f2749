// A host with mock, Intel and AMD units, one context and one IOAS in it, ready in the variants the kernel selftest's fixtures have; and a picture of everything a refused call must leave alone.
using System.Globalization;
using System.Text;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests.Iommufd;

/// <summary>Which domains the rig's IOAS has from the start.</summary>
public enum Domains
{
    None,

    /// <summary>One automatic mock domain, 2 KiB granule.</summary>
    Mock,

    /// <summary>Two manual mock domains.</summary>
    TwoMock,

    Intel,
    Amd,

    /// <summary>One automatic domain of each: the granule is the larger, the aperture the intersection.</summary>
    MockAndIntel,
}

internal sealed class Rig : IDisposable
{
    public const ulong Page = 4096;
    public const MapFlags ReadWrite = MapFlags.Readable | MapFlags.Writeable;

    /// <summary>Same user as <see cref="TestHosts.Pid"/>, memory at the same addresses.</summary>
    public const int Sibling = 200;

    /// <summary>Another user with CAP_IPC_LOCK but without CAP_SYS_RESOURCE.</summary>
    public const int Privileged = 300;

    /// <summary>A private mapping of 16 pages of a file.</summary>
    public const ulong PrivateFile = 0x7b00_0000_0000;

    /// <summary>Two pages, a hole of one page, two pages.</summary>
    public const ulong Holed = 0x7a00_0000_0000;

    public Rig(Domains domains = Domains.None, ulong memoryBytes = 256UL << 20, ulong memlockBytes = ulong.MaxValue, EngineLimits? limits = null, IEngineEventSink? events = null, ReferenceLevel? level = null)
    {
        Host = new EmulatedHost(Describe(memoryBytes, memlockBytes), limits, events, level);
        Assert.Null(Host.OpenContext(TestHosts.Pid, out IommufdContext? context));
        Context = context!;
        Process = Host.FindProcess(TestHosts.Pid)!;
        FramesAtStart = Host.Memory.FramesInUse;
        Ioas = NewIoas();
        switch (domains)
        {
            case Domains.Mock:
                Attached("mock0");
                break;
            case Domains.TwoMock:
                NewHwpt(Bound("mock0"));
                NewHwpt(Bound("mock1"));
                break;
            case Domains.Intel:
                Attached("intel0");
                break;
            case Domains.Amd:
                Attached("amd0");
                break;
            case Domains.MockAndIntel:
                Attached("mock0");
                Attached("intel0");
                break;
        }
    }

    public EmulatedHost Host { get; }

    public IommufdContext Context { get; }

    public EmulatedProcess Process { get; }

    public uint FramesAtStart { get; }

    public uint Ioas { get; }

    /// <summary>An IOVA inside every aperture.</summary>
    public static ulong Base => 1UL << 24;

    public Ioas Object => Context.Objects.Find<Ioas>(Ioas)!;

    public ulong Alignment => Object.Pagetable.IovaAlignment;

    public uint Pinned => Host.Memory.PinnedFrames;

    public uint NewIoas()
    {
        Assert.Null(Context.IoasAlloc(out uint id));
        return id;
    }

    public Device Bound(string address)
    {
        Assert.Null(Context.Bind(Host.FindDevice(address)!, out Device? device));
        return device!;
    }

    public Device Attached(string address, uint? target = null)
    {
        Device device = Bound(address);
        Assert.Null(Context.Attach(device.Id, target ?? Ioas, out _));
        return device;
    }

    public uint NewHwpt(Device device, uint? ioas = null, HwptFlags flags = HwptFlags.None)
    {
        Assert.Null(Context.HwptAlloc(device.Id, ioas ?? Ioas, flags, 0, out uint id));
        return id;
    }

    public Refusal? Map(ulong userAddress, ulong length, ulong? at = null, MapFlags flags = ReadWrite, uint? ioas = null, EmulatedProcess? by = null)
    {
        ulong iova = at ?? 0;
        return Context.IoasMap(by ?? Process, ioas ?? Ioas, flags | (at is null ? 0 : MapFlags.FixedIova), userAddress, length, ref iova);
    }

    public ulong Mapped(ulong userAddress, ulong length, ulong? at = null, MapFlags flags = ReadWrite, uint? ioas = null, EmulatedProcess? by = null)
    {
        ulong iova = at ?? 0;
        Assert.Null(Context.IoasMap(by ?? Process, ioas ?? Ioas, flags | (at is null ? 0 : MapFlags.FixedIova), userAddress, length, ref iova));
        if (at is not null)
            Assert.Equal(at, iova);
        return iova;
    }

    public ulong Unmapped(ulong iova, ulong length, uint? ioas = null)
    {
        Assert.Null(Context.IoasUnmap(ioas ?? Ioas, iova, length, out ulong bytes));
        return bytes;
    }

    public ulong Copied(ulong source, ulong length, ulong? at = null, uint? from = null, uint? to = null, MapFlags flags = ReadWrite)
    {
        ulong iova = at ?? 0;
        Assert.Null(Context.IoasCopy(to ?? Ioas, from ?? Ioas, flags | (at is null ? 0 : MapFlags.FixedIova), source, length, ref iova));
        return iova;
    }

    /// <summary>Expects this errno, and that nothing at all changed but pages the process has now touched.</summary>
    public void Refused(Errno errno, Func<Refusal?> call)
    {
        string before = State();
        Refusal refusal = Assert.IsType<Refusal>(call());
        Assert.True(errno == refusal.Errno, $"Expected {errno}, got {refusal.Errno}: {refusal.Rule}, {refusal.Reason}");
        Assert.NotEmpty(refusal.Rule);
        Assert.NotEmpty(refusal.Reason);
        Assert.Equal(before, State());
    }

    /// <summary>Frames that neither a process, a page table, a pin of what was unmapped, nor the reserved frame 0 accounts for: always 0.</summary>
    public long StrayFrames()
    {
        long owned = 1 + Host.Memory.OrphanedFrames;
        foreach (MemoryMapping mapping in Host.Processes.SelectMany(p => p.Memory.Mappings))
            owned += (long)mapping.TouchedPages;
        foreach (EmulatedFile file in Host.Files)
            owned += (long)file.Frames.TouchedPages;
        foreach (Dmabuf buffer in Host.Dmabufs)
            owned += (long)buffer.Pages;
        foreach (HwptPaging hwpt in Host.Contexts.SelectMany(c => c.Objects.All).OfType<HwptPaging>())
            owned += (long)(hwpt.Domain.TableBytes / Page);
        return Host.Memory.FramesInUse - owned;
    }

    public string State()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"pinned {Host.Memory.PinnedFrames} orphaned {Host.Memory.OrphanedFrames} stray {StrayFrames()}\n");
        foreach (EmulatedProcess process in Host.Processes)
            text.Append(CultureInfo.InvariantCulture, $"pid {process.Pid} user {process.User.LockedPages} VmPin {process.Memory.PinnedPages} VmLck {process.Memory.LockedPages}\n");
        foreach (IommufdContext context in Host.Contexts)
        {
            text.Append(CultureInfo.InvariantCulture, $"context {context.Fd} {context.AccountMode} ids {context.Objects.TakenIds} groups {string.Join(',', context.Groups.Keys)}\n");
            foreach (IommufdObject each in context.Objects.All)
                Describe(text, each);
        }
        return text.ToString();
    }

    /// <summary>Closes the context and ends its processes; nothing may be left.</summary>
    public void AssertNothingLeftAfterClose()
    {
        foreach (int fd in Host.Contexts.Select(c => c.Fd).ToArray())
            Assert.Null(Host.CloseContext(fd));
        Assert.Equal(0u, Host.Memory.PinnedFrames);
        Assert.All(Host.Users, user => Assert.Equal(0UL, user.LockedPages));
        Assert.All(Host.Processes, process => Assert.Equal((0UL, 0UL), (process.Memory.PinnedPages, process.Memory.LockedPages)));
        Assert.All(Host.Groups, group => Assert.Null(group.Owner));
        Assert.All(Host.Devices, device => Assert.Null(device.Owner));
        Assert.Equal(0, StrayFrames());
        foreach (EmulatedProcess process in Host.Processes.Where(p => p.Memory.IsAlive).ToArray())
            Assert.Null(Host.ExitProcess(process.Pid));
        Assert.Equal(0u, Host.Memory.OrphanedFrames);
        Assert.Equal(1u, Host.Memory.FramesInUse);
    }

    public void Dispose() => Host.Dispose();

    private static void Describe(StringBuilder text, IommufdObject each)
    {
        text.Append(CultureInfo.InvariantCulture, $"{each.Type} {each.Id} users {each.Users}");
        if (each is Device device)
            text.Append(CultureInfo.InvariantCulture, $" on {device.Hwpt?.Id}");
        if (each is HwptPaging hwpt)
            text.Append(CultureInfo.InvariantCulture, $" of {hwpt.Ioas.Id} maps {hwpt.Domain.MappedBytes}");
        if (each is Ioas ioas)
        {
            Engine.Iova.IoPagetable table = ioas.Pagetable;
            text.Append(CultureInfo.InvariantCulture, $" align {table.IovaAlignment} large {!table.LargePagesDisabled} bytes {table.MappedBytes} hwpts {string.Join(',', ioas.Hwpts.Select(h => h.Id))}\n areas");
            for (int slot = table.Areas.First; slot >= 0; slot = table.Areas.Next(slot))
                text.Append(CultureInfo.InvariantCulture, $" {table.Areas.Range(slot)} pinned {table.Area(slot).Pages.PinnedPages} by {table.Area(slot).Pages.AreaCount} in {(table.Area(slot).StorageDomain is { } domain ? table.Domains.ToList().IndexOf(domain) : -1)}");
            text.Append("\n reserved");
            for (int slot = table.Reserved.First; slot >= 0; slot = table.Reserved.Next(slot))
                text.Append(CultureInfo.InvariantCulture, $" {table.Reserved.Range(slot)} by {Engine.Iova.IoPagetable.OwnerName(table.Reserved.Payload(slot))}");
            text.Append("\n allowed");
            for (int slot = table.Allowed.First; slot >= 0; slot = table.Allowed.Next(slot))
                text.Append(CultureInfo.InvariantCulture, $" {table.Allowed.Range(slot)}");
        }
        text.Append('\n');
    }

    private static HostDescription Describe(ulong memoryBytes, ulong memlockBytes)
    {
        var groups = new List<GroupDescription>();
        var devices = new List<DeviceDescription>();
        void Add(string unit, string address, uint mockFlags, params ReservedRegion[] regions)
        {
            groups.Add(new GroupDescription { Id = groups.Count, ReservedRegions = regions });
            devices.Add(new DeviceDescription { Address = address, Unit = unit, Group = groups.Count - 1, MockFlags = mockFlags });
        }

        var msi = new ReservedRegion(0xfee0_0000, 0xfeef_ffff, ReservedRegionKind.Msi);
        foreach (string name in (string[])["mock0", "mock1", "mock2"])
            Add("mock", name, 0);
        Add("mock", "pair0", 0, new ReservedRegion(0x1f00_0000, 0x1f00_ffff, ReservedRegionKind.Reserved));
        devices.Add(new DeviceDescription { Address = "pair1", Unit = "mock", Group = groups.Count - 1 });
        Add("mock", "nodirty", 1);
        Add("mock", "mixed0", 0);
        devices.Add(new DeviceDescription { Address = "mixed1", Unit = "mock", Group = groups.Count - 1, MockFlags = 1 });
        Add("intel", "intel0", 0, msi, new ReservedRegion(0x7000_0000, 0x7000_ffff, ReservedRegionKind.DirectRelaxable));
        Add("intel", "intel1", 0, msi);
        Add("intel-narrow", "narrow0", 0, msi);
        Add("amd", "amd0", 0, msi);
        Add("amd", "amd1", 0, msi);
        Add("intel", "direct0", 0, msi, new ReservedRegion(0x8000_0000, 0x8000_ffff, ReservedRegionKind.Direct));
        Add("mock", "badmsi", 0, new ReservedRegion(0x1800_0000, 0x1800_ffff, ReservedRegionKind.SoftwareMsi), new ReservedRegion(0x1900_0000, 0x1900_ffff, ReservedRegionKind.Msi));
        Add("mock", "softmsi", 0, new ReservedRegion(0x1800_0000, 0x1800_ffff, ReservedRegionKind.SoftwareMsi));
        Add("intel", "bridge", 0);
        devices[^1] = devices[^1] with { ClassCode = 0x060400 };
        MemoryDescription[] memory =
        [
            new() { Start = TestHosts.Buffer, LengthBytes = 4096 * Page },
            new() { Start = TestHosts.ReadOnly, LengthBytes = 4 * Page, Write = false },
            new() { Start = TestHosts.Scattered, LengthBytes = 4096 * Page, Layout = FrameLayout.Scattered },
            new() { Start = TestHosts.Huge, LengthBytes = 8UL << 20, Layout = FrameLayout.Huge },
            new() { Start = PrivateFile, LengthBytes = 16 * Page, File = "library" },
            new() { Start = Holed, LengthBytes = 2 * Page },
            new() { Start = Holed + (3 * Page), LengthBytes = 2 * Page },
        ];
        return new HostDescription
        {
            Name = "rig",
            MemoryBytes = memoryBytes,
            Units =
            [
                new IommuUnitDescription { Name = "mock", Vendor = IommuVendor.Mock, SnoopControl = false, DirtyTracking = true },
                new IommuUnitDescription { Name = "intel", Vendor = IommuVendor.Intel, InputBits = 48 },
                new IommuUnitDescription { Name = "intel-narrow", Vendor = IommuVendor.Intel, InputBits = 39, SnoopControl = false },
                new IommuUnitDescription { Name = "amd", Vendor = IommuVendor.Amd, InputBits = 64 },
            ],
            Groups = groups,
            Devices = devices,
            Processes =
            [
                new ProcessDescription { Pid = TestHosts.Pid, Name = "test", MemlockBytes = memlockBytes, CapSysResource = true, Memory = memory },
                new ProcessDescription { Pid = Sibling, Name = "sibling", MemlockBytes = memlockBytes, Memory = memory },
                new ProcessDescription { Pid = Privileged, Name = "privileged", Uid = 0, MemlockBytes = 0, CapIpcLock = true, Memory = memory },
            ],
        };
    }
}
