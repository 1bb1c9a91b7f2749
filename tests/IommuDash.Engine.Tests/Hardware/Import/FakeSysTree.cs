using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

/// <summary>A tree out of paths and contents; a path ending in a slash is a directory without content.</summary>
internal sealed class FakeSysTree : ISysTree
{
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);

    public string this[string path]
    {
        set => _files[path] = value;
    }

    public IReadOnlyCollection<string> Names(string directory) =>
        [.. _files.Keys.Where(k => k.StartsWith(directory + "/", StringComparison.Ordinal)).Select(k => k[(directory.Length + 1)..].Split('/')[0]).Where(n => n.Length > 0).Distinct()];

    public IReadOnlyList<string>? Read(string file) => _files.TryGetValue(file, out string? text) ? text.TrimEnd('\n').Split('\n') : null;

    public int LineNumber(string path, int index) => 0;

    public FakeSysTree Device(string address, int group, string vendor, string device, string classCode, string revision = "0x00")
    {
        this[$"kernel/iommu_groups/{group}/devices/{address}/"] = "";
        this[$"kernel/iommu_groups/{group}/type"] = "DMA-FQ\n";
        this[$"kernel/iommu_groups/{group}/reserved_regions"] = "0x00000000fee00000 0x00000000feefffff msi\n";
        this[$"bus/pci/devices/{address}/vendor"] = vendor + "\n";
        this[$"bus/pci/devices/{address}/device"] = device + "\n";
        this[$"bus/pci/devices/{address}/class"] = classCode + "\n";
        this[$"bus/pci/devices/{address}/revision"] = revision + "\n";
        return this;
    }
}
