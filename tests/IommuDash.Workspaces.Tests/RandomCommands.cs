using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Selftest;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests;

/// <summary>A seeded stream of commands on a host, most of them plausible, many of them wrong on purpose.</summary>
internal sealed class RandomCommands(int seed, HostDescription host)
{
    private readonly Random _random = new(seed);
    private readonly string[] _devices = [.. host.Devices.Where(d => !d.IsBridge).Select(d => d.Address).Take(6), "ffff:00:00.0"];
    private readonly ProcessDescription[] _processes = [.. host.Processes];

    public Command Next() => _random.Next(166) switch
    {
        < 3 => new ContextOpen { Pid = Pid() },
        // Seldom the context that most commands are about: an open access would keep its number.
        < 4 => new ContextClose { Fd = Chance(6) ? 1 : 2 },
        < 11 => new IoasAlloc { Context = Context() },
        < 17 => new DeviceBind { Context = Context(), Address = _devices[_random.Next(_devices.Length)] },
        < 18 => new DeviceUnbind { Context = Context(), Device = Id() },
        < 28 => new DeviceAttach { Context = Context(), Device = Id(), Pt = Id(), Pasid = Pasid() },
        < 32 => new DeviceReplace { Context = Context(), Device = Id(), Pt = Id(), Pasid = Pasid() },
        < 34 => new DeviceDetach { Context = Context(), Device = Id(), Pasid = Pasid() },
        < 37 => new HwptAlloc { Context = Context(), Device = Id(), Pt = Id(), NestParent = Chance(5), DirtyTracking = Chance(5), Pasid = Chance(9), Fault = Chance(9) ? Id() : null },
        < 65 => new IoasMap { Context = Context(), Ioas = Id(), UserAddress = UserAddress(), Length = Length(), Iova = Chance(2) ? Iova() : null, Readable = !Chance(9), Writeable = !Chance(4), Pid = Chance(5) ? Pid() : null },
        < 75 => new IoasUnmap { Context = Context(), Ioas = Id(), Iova = Iova(), Length = Length() },
        < 76 => new IoasUnmapAll { Context = Context(), Ioas = Id() },
        < 82 => new IoasCopy { Context = Context(), Ioas = Id(), SourceIoas = Id(), SourceIova = Iova(), Length = Length(), Iova = Chance(2) ? Iova() : null, Writeable = !Chance(4) },
        < 85 => new IoasAllow { Context = Context(), Ioas = Id(), Ranges = [.. Enumerable.Range(0, _random.Next(3)).Select(_ => Range())] },
        < 86 => new IoasRanges { Context = Context(), Ioas = Id(), MaxRanges = _random.Next(4) },
        < 88 => new ObjectDestroy { Context = Context(), Id = Id() },
        < 90 => new OptionSet { Context = Context(), Option = (Engine.Iommufd.IommufdOption)_random.Next(3), Object = Chance(2) ? 0 : Id(), Value = (ulong)_random.Next(3) },
        < 91 => new OptionGet { Context = Context(), Option = (Engine.Iommufd.IommufdOption)_random.Next(3), Object = Id() },
        < 93 => new ProcessMmap { Pid = Pid(), Start = UserAddress() & ~0xfffUL, LengthBytes = Length(), Write = !Chance(4), Layout = (FrameLayout)_random.Next(3), File = Chance(3) ? "f" + _random.Next(2) : null, Shared = Chance(2) },
        < 94 => new ProcessMunmap { Pid = Pid(), Start = _processes.Length == 0 ? 0 : Mapping().Start },
        < 98 => new ProcessWrite { Pid = Pid(), Address = UserAddress(), Bytes = Bytes() },
        < 99 => new ProcessMemlock { Pid = Pid(), Bytes = (ulong)_random.Next(4096) << 12 },
        < 100 when Chance(8) => new ProcessExit { Pid = Pid() },
        < 100 => new ProcessCreate { Pid = 5_000 + _random.Next(6), Name = "extra", CapIpcLock = Chance(2), Memory = [new MemoryDescription { Start = 0x10_0000, LengthBytes = 0x8000 }] },
        < 103 => new AccessCreate { Context = Context(), Ioas = Id(), Pins = !Chance(3), Pid = Chance(5) ? Pid() : null },
        < 104 => new AccessClose { Context = Context(), Access = Id() },
        < 105 => new AccessReplace { Context = Context(), Access = Id(), Ioas = Id() },
        < 108 => new AccessPin { Context = Context(), Access = Id(), Iova = Iova(), Length = Length(), Write = Chance(2) },
        < 109 => new AccessUnpin { Context = Context(), Access = Id(), Item = (uint)_random.Next(4) },
        < 111 => new AccessRead { Context = Context(), Access = Id(), Iova = Iova(), Length = _random.Next(9_000), Slow = Chance(2) },
        < 113 => new AccessWrite { Context = Context(), Access = Id(), Iova = Iova(), Bytes = Bytes(), Slow = Chance(2) },
        < 115 => new FileCreate { Name = File(), SizeBytes = Length(), Layout = (FrameLayout)_random.Next(3) },
        < 116 => new FileTruncate { Name = File(), SizeBytes = Length() },
        < 117 => new FileClose { Name = File() },
        < 121 => new IoasMapFile { Context = Context(), Ioas = Id(), File = File(), Start = (ulong)_random.Next(8) << 11, Length = Length(), Iova = Chance(2) ? Iova() : null, Writeable = !Chance(4), Pid = Chance(5) ? Pid() : null },
        < 122 => new IoasChangeProcess { Context = Context(), Pid = Pid() },
        < 124 => new VfioSetIoas { Context = Context(), Ioas = Chance(5) ? null : Id() },
        < 125 => new VfioSetIommu { Context = Context(), Type = (uint)_random.Next(1, 5) },
        < 126 when Chance(2) => new VfioCheckExtension { Context = Context(), Extension = (uint)_random.Next(11) },
        < 126 => new VfioGetInfo { Context = Context() },
        < 128 => new VfioMapDma { Context = Context(), UserAddress = UserAddress(), Iova = Iova(), Size = Length(), Read = !Chance(5), Write = Chance(2), Pid = Chance(5) ? Pid() : null },
        < 130 => new VfioUnmapDma { Context = Context(), Iova = Iova(), Size = Length(), All = Chance(8) },
        < 133 => new HwptAlloc { Context = Context(), Device = Id(), Pt = Id(), Pasid = Chance(9), Fault = Chance(3) ? Id() : null, DataType = Chance(9) ? 1 : MockConstants.HwptDataType, Data = new byte[Chance(9) ? 3 : 8] },
        < 134 => new HwptInvalidate { Context = Context(), Id = Id(), DataType = Chance(9) ? 1 : MockConstants.HwptInvalidateType, EntryBytes = Chance(3) ? 12u : 8u, Entries = new byte[24] },
        < 136 => new FaultAlloc { Context = Context() },
        < 142 => new DevicePageRequest { Context = Context(), Device = Id(), Pasid = Pasid(), Group = (uint)_random.Next(3), Perm = (uint)_random.Next(16), Address = Iova(), Last = !Chance(3) },
        < 144 => new FaultRead { Context = Context(), Fault = Id(), Count = Chance(2) ? null : _random.Next(4) * 20 },
        < 146 => new FaultAnswer { Context = Context(), Fault = Id(), Responses = [.. Enumerable.Range(1, _random.Next(3)).Select(i => new FaultResponse((uint)i, (Engine.Iommufd.PageResponse)_random.Next(3)))] },
        < 147 when Chance(3) => new FaultClose { Context = Context(), Fault = Id() },
        < 149 => new ViommuAlloc { Context = Context(), Device = Id(), Hwpt = Id(), Type = Chance(9) ? 1 : MockConstants.ViommuType, Data = new byte[Chance(2) ? 0 : 24] },
        < 151 => new VdeviceAlloc { Context = Context(), Viommu = Id(), Device = Id(), VirtualId = (ulong)_random.Next(3) },
        < 152 => new HwQueueAlloc { Context = Context(), Viommu = Id(), Type = MockConstants.HwQueueType, Index = (uint)_random.Next(3), Iova = Iova(), Length = Length() },
        < 153 => new VeventqAlloc { Context = Context(), Viommu = Id(), Type = Chance(9) ? 0 : MockConstants.VeventqType, Depth = (uint)_random.Next(4) },
        < 155 => new VeventqRead { Context = Context(), Veventq = Id(), Count = Chance(2) ? null : _random.Next(40) },
        < 156 when Chance(3) => new VeventqClose { Context = Context(), Veventq = Id() },
        < 158 => new TestTriggerVevent { Context = Context(), Device = Id() },
        < 160 => new TestMockDomain { Context = Context(), Pt = Id(), Flags = Chance(3) ? 4u : Chance(9) ? 2u : 0u },
        < 161 => new TestAddReserved { Context = Context(), Ioas = Id(), Start = Iova(), Length = Length() },
        < 162 => new HwptSetDirtyTracking { Context = Context(), Hwpt = Id(), Enable = !Chance(3) },
        < 164 => new HwptGetDirty { Context = Context(), Hwpt = Id(), Iova = Iova(), Length = Length(), PageSize = Chance(4) ? (ulong)_random.Next(9) << 11 : 4096, NoClear = Chance(3) },
        _ => new DeviceDmaWrite { Context = Context(), Device = Id(), Iova = Iova(), Length = Length(), Writes = Chance(2) ? (uint)_random.Next(50) : null, Seed = (ulong)_random.Next() },
    };

    private uint Pasid() => Chance(6) ? Chance(2) ? 7u : MockConstants.FailingPasid : 0u;

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private int Context() => Chance(8) ? 2 : 1;

    private string File() => "f" + _random.Next(4);

    private uint Id() => (uint)_random.Next(1, 10);

    private int Pid() => _processes.Length == 0 || Chance(15) ? 5_000 + _random.Next(6) : _processes[_random.Next(_processes.Length)].Pid;

    private MemoryDescription Mapping()
    {
        MemoryDescription[] all = [.. _processes.SelectMany(p => p.Memory)];
        return all[_random.Next(all.Length)];
    }

    private ulong UserAddress()
    {
        MemoryDescription mapping = Mapping();
        ulong offset = (ulong)_random.Next((int)Math.Min(mapping.LengthBytes, 4UL << 20));
        return mapping.Start + (Chance(6) ? offset : offset & ~0xfffUL);
    }

    private ulong Iova() => _random.Next(12) switch
    {
        0 => 0xfee0_0000,
        1 => 1UL << 47,
        2 => ulong.MaxValue - 0xfff,
        3 => (ulong)_random.Next(1 << 20),
        _ => (ulong)_random.Next(256) << 14,
    };

    private ulong Length() => _random.Next(10) switch
    {
        0 => 0,
        1 => (ulong)_random.Next(1 << 14),
        2 => 2UL << 20,
        3 => 1UL << 24,
        _ => (ulong)_random.Next(1, 32) << 12,
    };

    private IovaRange Range()
    {
        ulong start = (ulong)_random.Next(1 << 12) << 16;
        return new IovaRange(start, start + (ulong)_random.Next(1 << 26));
    }

    private byte[] Bytes()
    {
        var bytes = new byte[_random.Next(64)];
        _random.NextBytes(bytes);
        return bytes;
    }
}
