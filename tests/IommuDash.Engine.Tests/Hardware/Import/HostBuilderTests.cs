using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

public sealed class HostBuilderTests
{
    private static readonly ParsedDevice IntelBridge = Parsed("00:00.0", 1, 0x060000, 0x8086);
    private static readonly ParsedDevice IntelGraphics = Parsed("00:02.0", 0, 0x030000, 0x8086);
    private static readonly ParsedDevice Card = Parsed("01:00.0", 2, 0x030000, 0x10de);

    [Fact]
    public void Build_IntelWithGraphics_GivesItAUnitOfItsOwn()
    {
        HostDescription host = Build(IntelBridge, IntelGraphics, Card);
        Assert.Equal([("dmar0", 39, false), ("dmar1", 39, true)], host.Units.Select(u => (u.Name, u.InputBits, u.SnoopControl)));
        Assert.Equal(["dmar1", "dmar0", "dmar1"], host.Devices.Select(d => d.Unit));
        Assert.All(host.Groups, g => Assert.Equal([HostBuilder.MsiWindow], g.ReservedRegions));
    }

    [Fact]
    public void Build_GraphicsSharingItsGroup_StaysBehindTheOneUnit()
    {
        HostDescription host = Build(IntelBridge, IntelGraphics with { Group = 1 });
        Assert.Equal("dmar0", Assert.Single(host.Units).Name);
        Assert.True(host.Units[0].SnoopControl);
    }

    [Theory]
    [InlineData("00:00.0", 0x060000, 39)]
    [InlineData("7f:05.0", 0x088000, 48)]
    [InlineData("80:00.0", 0x060000, 48)]
    [InlineData("80:05.0", 0x020000, 39)]
    [InlineData("10000:e0:06.0", 0x088000, 39)]
    public void Build_IntelWithoutGraphics_TellsServersByTheirUncore(string address, int classCode, int bits)
    {
        ParsedDevice part = Parsed(address, 5, classCode, 0x8086);
        HostDescription host = part.Address == IntelBridge.Address ? Build(part) : Build(IntelBridge, part);
        Assert.Equal(bits, Assert.Single(host.Units).InputBits);
    }

    [Fact]
    public void Build_AmdServer_HasAUnitPerRangeOfBuses()
    {
        HostDescription host = Build(
            Parsed("00:01.0", 0, 0x060000, 0x1022), Parsed("40:01.0", 1, 0x060000, 0x1022), Parsed("80:01.0", 2, 0x060000, 0x1d94),
            Parsed("01:00.0", 3, 0x020000, 0x8086), Parsed("7f:00.0", 4, 0x010802, 0x144d), Parsed("c1:00.0", 5, 0x030000, 0x10de), Parsed("02:00.0", 5, 0x040300, 0x10de));
        Assert.Equal(["ivhd0", "ivhd1", "ivhd2"], host.Units.Select(u => u.Name));
        Assert.All(host.Units, u => Assert.Equal(64, u.InputBits));
        Assert.Equal("ivhd1", ImportAssert.Device(host, "0000:7f:00.0").Unit);
        // The group's lowest device decides for all of it.
        Assert.Equal("ivhd0", ImportAssert.Device(host, "0000:c1:00.0").Unit);
        Assert.All(host.Groups, g => Assert.Equal([HostBuilder.MsiWindow, HostBuilder.HyperTransportHole], g.ReservedRegions));
    }

    [Fact]
    public void Build_NoBridgeTells_AsksAndTakesTheAnswer()
    {
        HostImport asked = HostBuilder.Build(new ParsedHost { Devices = [Card] }, new ImportChoices());
        ImportAssert.Whole(asked);
        Assert.Equal(["Intel", "Amd"], Assert.Single(asked.Questions).Choices);
        Assert.Equal("ivhd0", Assert.Single(ImportAssert.Ready(HostBuilder.Build(new ParsedHost { Devices = [Card] }, new ImportChoices { Vendor = IommuVendor.Amd })).Units).Name);
        Assert.Equal("dmar0", Assert.Single(ImportAssert.Ready(HostBuilder.Build(new ParsedHost { Devices = [Card] }, new ImportChoices { Vendor = IommuVendor.Intel })).Units).Name);
    }

    [Fact]
    public void Build_BridgesOfBothMakes_Asks() =>
        Assert.NotEmpty(HostBuilder.Build(new ParsedHost { Devices = [IntelBridge, Parsed("00:03.0", 4, 0x060000, 0x1022)] }, new ImportChoices()).Questions);

    [Fact]
    public void Build_KnownUnits_KeepsThemAndPutsTheRestBehindTheLast()
    {
        IommuUnitDescription[] units = [new() { Name = "dmar0", Vendor = IommuVendor.Intel, InputBits = 42 }, new() { Name = "dmar1", Vendor = IommuVendor.Intel }];
        HostImport import = HostBuilder.Build(new ParsedHost { Units = units, Devices = [Card, Card with { Address = Card.Address with { Function = 1 }, Unit = "dmar0" }, IntelBridge] }, new ImportChoices());
        HostDescription host = ImportAssert.Ready(import);
        Assert.Equal(units, host.Units);
        Assert.Equal(["dmar1", "dmar0", "dmar0"], host.Devices.Select(d => d.Unit));
        Assert.Contains("dmar1", Assert.Single(import.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Build_StarterProcesses_LetANewcomerMapAtOnce()
    {
        HostDescription host = Build(IntelBridge);
        ProcessDescription qemu = host.Processes[0];
        Assert.Equal((4711, "qemu-system-x86", 1000), (qemu.Pid, qemu.Name, qemu.Uid));
        MemoryDescription[] ram = [.. qemu.Memory.Where(m => m.Start >= 0x7f5a_4000_0000)];
        Assert.Equal(1UL << 30, (ulong)ram.Sum(m => (long)m.LengthBytes));
        for (int i = 1; i < ram.Length; i++)
            Assert.Equal(ram[i - 1].Start + ram[i - 1].LengthBytes, ram[i].Start);
        Assert.Contains(qemu.Memory, m => m is { Write: false, File: not null });
        Assert.Contains(host.Processes, p => p.CapIpcLock && p.Memory.Any(m => m.Layout == FrameLayout.Huge));
        Assert.Contains(host.Processes, p => p.Memory.Any(m => m.LengthBytes > p.MemlockBytes));
    }

    [Fact]
    public void FromText_NameTooLong_IsAnErrorAndNoHost()
    {
        HostImport import = HostImporter.FromText("Group 0 00:00.0 0600: 8086:3ec2", new ImportChoices { Name = new string('n', 1000) });
        ImportAssert.Whole(import);
        Assert.Equal("name", Assert.Single(import.Errors).Text);
    }

    private static HostDescription Build(params ParsedDevice[] devices) => ImportAssert.Ready(HostBuilder.Build(new ParsedHost { Devices = devices }, new ImportChoices()));

    private static ParsedDevice Parsed(string address, int group, int classCode, int vendor) =>
        new(PciAddress.TryParse(address, out PciAddress parsed) ? parsed : throw new ArgumentException(address), group) { ClassCode = classCode, VendorId = vendor };
}
