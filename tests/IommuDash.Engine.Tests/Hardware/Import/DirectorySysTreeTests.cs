using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

public sealed class DirectorySysTreeTests : IDisposable
{
    private readonly string _top = Directory.CreateTempSubdirectory("iommudash-sys").FullName;

    private string Root => Path.Combine(_top, "sys");

    public void Dispose() => Directory.Delete(_top, recursive: true);

    [Fact]
    public void FromTree_LinkedDevices_AreFollowedInsideTheTree()
    {
        Write("devices/pci0000:00/0000:00:00.0/vendor", "0x8086\n");
        Write("devices/pci0000:00/0000:00:00.0/device", "0x3ec2\n");
        Write("devices/pci0000:00/0000:00:00.0/class", "0x060000\n");
        Write("kernel/iommu_groups/0/type", "DMA\n");
        Link("kernel/iommu_groups/0/devices/0000:00:00.0", "../../../../devices/pci0000:00/0000:00:00.0");
        Link("bus/pci/devices/0000:00:00.0", "../../../devices/pci0000:00/0000:00:00.0");
        HostDescription host = ImportAssert.Ready(HostImporter.FromTree(new DirectorySysTree(Root)));
        Assert.Equal((0x8086, 0x3ec2, 0x060000), (host.Devices[0].VendorId, host.Devices[0].DeviceId, host.Devices[0].ClassCode));
        Assert.Equal("DMA", host.Groups[0].Type);
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("../../secret")]
    [InlineData("a/../../secret")]
    public void Read_LinkOutOfTheRoot_IsNotThere(string target)
    {
        File.WriteAllText(Path.Combine(_top, "secret"), "0x1\n");
        Directory.CreateDirectory(Path.Combine(Root, "a"));
        Link("link", target);
        Assert.Null(new DirectorySysTree(Root).Read("link"));
        Assert.Null(new DirectorySysTree(Root).Read(target));
    }

    [Fact]
    public void Read_AbsoluteLinkCircleOrLargeFile_IsNotThere()
    {
        Write("file", "0x1\n");
        Write("large", new string('x', DirectorySysTree.MaxFileBytes + 1));
        Link("absolute", Path.Combine(Root, "file"));
        Link("circle", "circle");
        var tree = new DirectorySysTree(Root);
        Assert.Equal(["0x1"], tree.Read("file"));
        Assert.Null(tree.Read("absolute"));
        Assert.Null(tree.Read("circle"));
        Assert.Null(tree.Read("large"));
        Assert.Empty(tree.Names("circle"));
        Assert.Empty(tree.Names("none"));
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    private void Link(string path, string target)
    {
        string full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.CreateSymbolicLink(full, target);
    }
}
