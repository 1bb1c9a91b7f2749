using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Tests.Hardware;

public sealed class HostDescriptionValidatorTests
{
    private static readonly HostDescription Good = new()
    {
        Name = "Host",
        Units = [new() { Name = "dmar0", Vendor = IommuVendor.Intel }, new() { Name = "mock", Vendor = IommuVendor.Mock }],
        Groups = [new() { Id = 0, ReservedRegions = [new(0, ulong.MaxValue, ReservedRegionKind.Reserved)] }, new() { Id = 5 }],
        Devices = [new() { Address = "0000:01:00.0", Unit = "dmar0", Group = 0 }, new() { Address = "mock0", Unit = "mock", Group = 5, MockFlags = 4 }],
        Processes = [new() { Pid = 1, Name = "a", Memory = [new() { Start = 0x20_0000, LengthBytes = 0x20_0000, Layout = FrameLayout.Huge }, new() { Start = 0x40_0000, LengthBytes = 0x1000 }] }],
    };

    private static readonly DeviceDescription Device = Good.Devices[0];
    private static readonly ProcessDescription Process = Good.Processes[0];

    public static TheoryData<string, string> Faults => new()
    {
        { "empty name", "name" },
        { "control character", "summary" },
        { "no memory", "memoryBytes" },
        { "odd memory", "memoryBytes" },
        { "too much memory", "memoryBytes" },
        { "unit twice", "units[2].name" },
        { "unit without vendor", "units[2].vendor" },
        { "unit width", "units[2].inputBits" },
        { "unit page size", "units[2].largestPageShift" },
        { "amd width", "units[2].inputBits" },
        { "group twice", "groups[2].id" },
        { "negative group", "groups[2].id" },
        { "group type", "groups[2].type" },
        { "region upside down", "groups[2].reservedRegions[0]" },
        { "null group", "groups[2]" },
        { "device twice", "devices[2].address" },
        { "device short address", "devices[2].address" },
        { "device without unit", "devices[2].unit" },
        { "device without group", "devices[2].group" },
        { "device class", "devices[2].classCode" },
        { "device flags", "devices[2].mockFlags" },
        { "mock flags", "devices[2].mockFlags" },
        { "group behind two units", "devices[2].unit" },
        { "pid", "processes[1].pid" },
        { "pid twice", "processes[1].pid" },
        { "uid", "processes[1].uid" },
        { "null memory", "processes[1].memory" },
        { "misaligned", "processes[1].memory[0].start" },
        { "misaligned huge", "processes[1].memory[0].start" },
        { "empty mapping", "processes[1].memory[0].lengthBytes" },
        { "kernel address", "processes[1].memory[0].start" },
        { "low address", "processes[1].memory[0].start" },
        { "wrapping mapping", "processes[1].memory[0].start" },
        { "overlap", "processes[1].memory[0]" },
        { "offset", "processes[1].memory[0].fileOffset" },
        { "offset of nothing", "processes[1].memory[0].fileOffset" },
    };

    [Fact]
    public void Validate_GoodHost_HasNoProblem() => Assert.Empty(HostDescriptionValidator.Validate(Good));

    [Theory]
    [MemberData(nameof(Faults))]
    public void Validate_OneFault_NamesItsField(string fault, string path)
    {
        IReadOnlyList<HostProblem> problems = HostDescriptionValidator.Validate(WithFault(fault));
        HostProblem problem = Assert.Single(problems);
        Assert.Equal(path, problem.Path);
        Assert.NotEmpty(problem.Reason);
    }

    [Fact]
    public void Validate_ManyFaults_ReturnsAllAtOnce()
    {
        HostDescription host = Good with { Name = "", MemoryBytes = 1, Devices = [Device with { Unit = "x", Group = 9 }] };
        Assert.Equal(["name", "memoryBytes", "devices[0].unit", "devices[0].group"], HostDescriptionValidator.Validate(host).Select(p => p.Path));
    }

    [Theory]
    [InlineData(nameof(HostLimits.MaxUnits), "units")]
    [InlineData(nameof(HostLimits.MaxGroups), "groups")]
    [InlineData(nameof(HostLimits.MaxDevices), "devices")]
    [InlineData(nameof(HostLimits.MaxMappings), "processes[0].memory")]
    public void Validate_MoreThanALimit_NamesTheOption(string option, string path)
    {
        HostLimits limits = option switch
        {
            nameof(HostLimits.MaxUnits) => new() { MaxUnits = 1 },
            nameof(HostLimits.MaxGroups) => new() { MaxGroups = 1 },
            nameof(HostLimits.MaxDevices) => new() { MaxDevices = 1 },
            _ => new() { MaxMappings = 1 },
        };
        Assert.Contains(HostDescriptionValidator.Validate(Good, limits), p => p.Path == path && p.Reason.Contains(option, StringComparison.Ordinal));
    }

    private static HostDescription WithFault(string fault) => fault switch
    {
        "empty name" => Good with { Name = "" },
        "control character" => Good with { Summary = "a\u001bb" },
        "no memory" => Good with { MemoryBytes = 0 },
        "odd memory" => Good with { MemoryBytes = (1UL << 30) + 4096 },
        "too much memory" => Good with { MemoryBytes = 2UL << 40 },
        "unit twice" => Unit(new() { Name = "dmar0", Vendor = IommuVendor.Intel }),
        "unit without vendor" => Unit(new() { Name = "u", Vendor = IommuVendor.Unknown }),
        "unit width" => Unit(new() { Name = "u", Vendor = IommuVendor.Intel, InputBits = 64 }),
        "unit page size" => Unit(new() { Name = "u", Vendor = IommuVendor.Intel, LargestPageShift = 39 }),
        "amd width" => Unit(new() { Name = "u", Vendor = IommuVendor.Amd, InputBits = 65 }),
        "group twice" => Group(new() { Id = 5 }),
        "negative group" => Group(new() { Id = -1 }),
        "group type" => Group(new() { Id = 6, Type = "auto" }),
        "region upside down" => Group(new() { Id = 6, ReservedRegions = [new(2, 1, ReservedRegionKind.Msi)] }),
        "null group" => Group(null!),
        "device twice" => Add(Device),
        "device short address" => Add(Device with { Address = "01:00.0" }),
        "device without unit" => Add(Device with { Address = "0000:02:00.0", Group = 6, Unit = "none" }),
        "device without group" => Add(Device with { Address = "0000:02:00.0", Group = 7 }),
        "device class" => Add(Device with { Address = "0000:02:00.0", ClassCode = 1 << 24 }),
        "device flags" => Add(Device with { Address = "0000:02:00.0", MockFlags = 1 }),
        "mock flags" => Add(new DeviceDescription { Address = "mock1", Unit = "mock", Group = 5, MockFlags = 2 }),
        "group behind two units" => Add(new DeviceDescription { Address = "mock1", Unit = "mock", Group = 0 }),
        "pid" => Add(Process with { Pid = 0 }),
        "pid twice" => Add(Process),
        "uid" => Add(Process with { Pid = 2, Uid = -1 }),
        "null memory" => Add(Process with { Pid = 2, Memory = null! }),
        "misaligned" => Map(new MemoryDescription { Start = 0x10_0800, LengthBytes = 0x1000 }),
        "misaligned huge" => Map(new MemoryDescription { Start = 0x30_0000, LengthBytes = 0x20_0000, Layout = FrameLayout.Huge }),
        "empty mapping" => Map(new MemoryDescription { Start = 0x10_0000, LengthBytes = 0 }),
        "kernel address" => Map(new MemoryDescription { Start = 0x7fff_ffff_f000, LengthBytes = 0x1000 }),
        "low address" => Map(new MemoryDescription { Start = 0, LengthBytes = 0x1000 }),
        "wrapping mapping" => Map(new MemoryDescription { Start = 0x10_0000, LengthBytes = 0xffff_ffff_ffff_f000 }),
        "overlap" => Map(new MemoryDescription { Start = 0x10_1000, LengthBytes = 0x1000 }, new MemoryDescription { Start = 0x10_0000, LengthBytes = 0x2000 }),
        "offset" => Map(new MemoryDescription { Start = 0x10_0000, LengthBytes = 0x1000, File = "f", FileOffset = 1 }),
        "offset of nothing" => Map(new MemoryDescription { Start = 0x10_0000, LengthBytes = 0x1000, FileOffset = 0x1000 }),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
    };

    private static HostDescription Unit(IommuUnitDescription unit) => Good with { Units = [.. Good.Units, unit] };

    private static HostDescription Group(GroupDescription group) => Good with { Groups = [.. Good.Groups, group] };

    private static HostDescription Add(DeviceDescription device) => Good with { Devices = [.. Good.Devices, device], Groups = device.Group == 6 ? [.. Good.Groups, new() { Id = 6 }] : Good.Groups };

    private static HostDescription Add(ProcessDescription process) => Good with { Processes = [.. Good.Processes, process] };

    private static HostDescription Map(params MemoryDescription[] memory) => Add(new ProcessDescription { Pid = 2, Name = "b", Memory = memory });
}
