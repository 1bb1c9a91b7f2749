using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests.Hardware;

public sealed class HostPresetsTests
{
    [Fact]
    public void Load_ShippedPresets_AreAllValid()
    {
        HostPresets loaded = HostPresets.Load(HostsDirectory());
        Assert.Empty(loaded.Problems);
        Assert.Equal(["amd-epyc", "intel-client", "intel-server", "kernel-selftest-mock"], loaded.Presets.Select(p => p.Id));
        HostDescription intel = loaded.Presets[1].Host;
        Assert.All(intel.Units, u => Assert.Equal((IommuVendor.Intel, 39), (u.Vendor, u.InputBits)));
        Assert.Equal("dmar0", Assert.Single(intel.Devices, d => d.Address == "0000:00:02.0").Unit);
        Assert.True(intel.Devices.Count(d => d.Group == 7) > 4);
        Assert.True(loaded.Presets[0].Host.Units.Count > 1);
        HostDescription server = loaded.Presets[2].Host;
        Assert.Equal(3, server.Units.Count);
        DeviceDescription[] virtualFunctions = [.. server.Devices.Where(d => d.Name.EndsWith("Virtual Function", StringComparison.Ordinal))];
        Assert.Equal(8, virtualFunctions.Length);
        Assert.All(virtualFunctions, f => Assert.Single(server.Devices, d => d.Group == f.Group));
        Assert.All(loaded.Presets[3].Host.Units, u => Assert.Equal(IommuVendor.Mock, u.Vendor));
    }

    [Theory]
    [InlineData("intel-client")]
    [InlineData("intel-server")]
    [InlineData("amd-epyc")]
    public void Load_HardwarePreset_StartsWithTheProcessesOfAnImport(string id)
    {
        HostDescription host = Assert.Single(HostPresets.Load(HostsDirectory()).Presets, p => p.Id == id).Host;
        Assert.Equal(HostJson.Write(new() { Name = "", Processes = StarterProcesses.All }), HostJson.Write(new() { Name = "", Processes = host.Processes }));
    }

    [Theory]
    [InlineData("intel-server", "0000:16:00.2")]
    [InlineData("amd-epyc", "0000:c1:01.0")]
    public void Load_ServerPreset_TracksWhatAVirtualFunctionWrites(string id, string virtualFunction)
    {
        using var host = new EmulatedHost(Assert.Single(HostPresets.Load(HostsDirectory()).Presets, p => p.Id == id).Host);
        EmulatedProcess qemu = host.FindProcess(4711)!;
        Assert.Null(host.OpenContext(qemu.Pid, out IommufdContext? context));
        Assert.Null(context!.IoasAlloc(out uint ioas));
        Assert.Null(context.Bind(host.FindDevice(virtualFunction)!, out Device? device));
        ulong iova = 0x100_0000;
        Assert.Null(context.IoasMap(qemu, ioas, MapFlags.Readable | MapFlags.Writeable | MapFlags.FixedIova, 0x7f5a78000000, 8 * 4096, ref iova));
        Assert.Null(context.HwptAlloc(device!.Id, ioas, HwptFlags.DirtyTracking, 0, out uint hwpt));
        Assert.Null(context.Attach(device.Id, hwpt, out _));
        Assert.Null(context.HwptSetDirtyTracking(hwpt, SetDirtyFlags.Enable));
        Assert.Null(context.DmaWrite(device.Id, iova + (2 * 4096), 4096, null, out ulong dirtied));
        byte[] bits = new byte[1];
        Assert.Null(context.HwptGetDirtyBitmap(hwpt, GetDirtyFlags.None, iova, 8 * 4096, 4096, bits));
        Assert.Equal((4096UL, 0b100), (dirtied, bits[0]));
    }

    [Fact]
    public void Load_BadFiles_NamesFilePathAndReason()
    {
        string directory = Directory.CreateTempSubdirectory("iommudash-presets").FullName;
        try
        {
            File.WriteAllText(Path.Combine(directory, "a.json"), "{ \"name\": \"A\", \"colour\": 1 }");
            File.WriteAllText(Path.Combine(directory, "b.json"), "{ \"name\": ");
            File.WriteAllText(Path.Combine(directory, "c.json"), "{ \"name\": \"C\", \"memoryBytes\": \"3 KiB\" }");
            File.WriteAllText(Path.Combine(directory, "d.json"), "{ \"name\": \"D\" }");
            HostPresets loaded = HostPresets.Load(directory);
            Assert.Equal("d", Assert.Single(loaded.Presets).Id);
            Assert.Equal(["a.json", "b.json", "c.json"], loaded.Problems.Select(p => p.File));
            Assert.Contains("colour", loaded.Problems[0].Reason, StringComparison.Ordinal);
            Assert.Equal("memoryBytes", loaded.Problems[2].Path);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Load_NoDirectory_IsAProblem() => Assert.Single(HostPresets.Load(Path.Combine(Path.GetTempPath(), "iommudash-none")).Problems);

    internal static string HostsDirectory()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "IommuDash.sln")))
                return Path.Combine(at.FullName, "hosts");
        }
        throw new InvalidOperationException("The tests run outside the repository.");
    }
}
