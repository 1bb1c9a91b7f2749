using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware;

public sealed class HostJsonTests
{
    [Fact]
    public void Read_WhatWriteWrote_IsTheSame()
    {
        foreach (HostPreset preset in HostPresets.Load(HostPresetsTests.HostsDirectory()).Presets)
        {
            string json = HostJson.Write(preset.Host);
            HostDescription? again = HostJson.Read(json, out IReadOnlyList<HostProblem> problems);
            Assert.Empty(problems);
            Assert.Equal(json, HostJson.Write(again!));
            Assert.Equal(preset.Host.Devices, again!.Devices);
            Assert.Equal(preset.Host.Units, again.Units);
            Assert.Equal(preset.Host.Processes.SelectMany(p => p.Memory), again.Processes.SelectMany(p => p.Memory));
        }
    }

    [Fact]
    public void Read_FieldLeftOut_KeepsItsDefault()
    {
        HostDescription host = HostJson.Read("""{ "name": "x", "processes": [{ "pid": 1, "name": "p", "memory": [{ "start": "0x100000", "lengthBytes": 4096, }] }] } // end""", out _)!;
        Assert.Equal(16UL << 30, host.MemoryBytes);
        Assert.Equal((1000, 8UL << 20), (host.Processes[0].Uid, host.Processes[0].MemlockBytes));
        Assert.True(host.Processes[0].Memory[0] is { Read: true, Write: true });
    }

    [Theory]
    [InlineData("\"0x10000000\"", 0x1000_0000UL)]
    [InlineData("268435456", 0x1000_0000UL)]
    [InlineData("\"268435456\"", 0x1000_0000UL)]
    [InlineData("\"262144 KiB\"", 0x1000_0000UL)]
    [InlineData("\"256MiB\"", 0x1000_0000UL)]
    [InlineData("\"1 GiB\"", 1UL << 30)]
    [InlineData("\"1 TiB\"", 1UL << 40)]
    public void Read_Bytes_TakesEveryForm(string written, ulong expected) =>
        Assert.Equal(expected, HostJson.Read($$"""{ "name": "x", "memoryBytes": {{written}} }""", out _)!.MemoryBytes);

    [Fact]
    public void Read_Unlimited_IsTheLargestNumber() =>
        Assert.Equal(ulong.MaxValue, HostJson.Read("""{ "name": "x", "processes": [{ "pid": 1, "name": "p", "memlockBytes": "unlimited" }] }""", out _)!.Processes[0].MemlockBytes);

    [Theory]
    [InlineData("", "$")]
    [InlineData("null", "$")]
    [InlineData("{", "$")]
    [InlineData("[]", "$")]
    [InlineData("{}", "$")]
    [InlineData("""{ "name": null }""", "$.name")]
    [InlineData("""{ "name": "x", "name": "y" }""", "$")]
    [InlineData("""{ "name": "x", "colour": 1 }""", "$.colour")]
    [InlineData("""{ "Name": "x" }""", "$.Name")]
    [InlineData("""{ "name": "x", "memoryBytes": -1 }""", "$.memoryBytes")]
    [InlineData("""{ "name": "x", "memoryBytes": "99999999999 TiB" }""", "$.memoryBytes")]
    [InlineData("""{ "name": "x", "memoryBytes": "0x" }""", "$.memoryBytes")]
    [InlineData("""{ "name": "x", "memoryBytes": "one GiB" }""", "$.memoryBytes")]
    [InlineData("""{ "name": "x", "memoryBytes": [] }""", "$.memoryBytes")]
    [InlineData("""{ "name": "x", "units": [{ "name": "u", "vendor": "via" }] }""", "$.units[0].vendor")]
    [InlineData("""{ "name": "x", "units": [{ "name": "u", "vendor": 1 }] }""", "$.units[0].vendor")]
    [InlineData("""{ "name": "x", "groups": [{ "id": "0x80000000" }] }""", "$.groups[0].id")]
    [InlineData("""{ "name": "x", "groups": [null] }""", "groups[0]")]
    [InlineData("""{ "name": "x", "groups": [{ "id": 1, "isBridge": true }] }""", "$.groups[0].isBridge")]
    public void Read_BadText_NamesThePlaceAndGivesNoHost(string json, string path)
    {
        Assert.Null(HostJson.Read(json, out IReadOnlyList<HostProblem> problems));
        Assert.StartsWith(path, Assert.Single(problems).Path, StringComparison.Ordinal);
        Assert.NotEmpty(problems[0].Reason);
    }

    [Fact]
    public void Read_TooLarge_IsRefused() => Assert.Contains("larger", Assert.Single(ProblemsOf(new string(' ', HostJson.MaxBytes + 1))).Reason, StringComparison.Ordinal);

    [Fact]
    public void Write_ImportedHost_CanBeReadAgain()
    {
        HostDescription host = HostImporter.FromText(Import.SysfsImporterTests.Capture).Host!;
        Assert.Empty(ProblemsOf(HostJson.Write(host)));
    }

    private static IReadOnlyList<HostProblem> ProblemsOf(string json)
    {
        HostJson.Read(json, out IReadOnlyList<HostProblem> problems);
        return problems;
    }
}
