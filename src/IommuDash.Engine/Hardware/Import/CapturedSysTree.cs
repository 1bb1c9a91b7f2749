// A /sys tree out of text: lines `path:content` as grep prints them, bare paths as ls or find print them. docs/dev/hosts.md has the command that makes one.
// Several lines with one path are the lines of that file, in order.
using System.Text.RegularExpressions;

namespace IommuDash.Engine.Hardware.Import;

internal sealed partial class CapturedSysTree : ISysTree
{
    private readonly Dictionary<string, List<(string Content, int Line)>> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _directories = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _bare = new(StringComparer.Ordinal);

    /// <summary>Whether a text is such a capture rather than a listing.</summary>
    public static bool Recognises(string text) => Mark().IsMatch(text);

    /// <summary>Takes a line in; false if it is of another kind. A path repeated without content is an error in the report.</summary>
    public bool TryAdd(int number, string raw, LineReport report)
    {
        Match match = CaptureLine().Match(raw);
        if (!match.Success)
            return false;
        string path = match.Groups["path"].Value.TrimEnd('/');
        if (match.Groups["content"] is { Success: true } content)
        {
            if (!_files.TryGetValue(path, out List<(string, int)>? lines))
                _files.Add(path, lines = []);
            lines.Add((content.Value.Trim(), number));
        }
        else if (!_bare.TryAdd(path, number))
        {
            report.Error(number, raw, $"the same path stands in line {_bare[path]}");
            return true;
        }
        AddNames(path);
        report.Accept();
        return true;
    }

    public IReadOnlyCollection<string> Names(string directory) => _directories.TryGetValue(directory, out HashSet<string>? names) ? names : [];

    public IReadOnlyList<string>? Read(string file) => _files.TryGetValue(file, out List<(string Content, int Line)>? lines) ? [.. lines.Select(l => l.Content)] : null;

    public int LineNumber(string path, int index)
    {
        if (_files.TryGetValue(path, out List<(string Content, int Line)>? lines) && index < lines.Count)
            return lines[index].Line;
        return _bare.GetValueOrDefault(path);
    }

    private void AddNames(string path)
    {
        for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            string directory = path[..slash];
            int end = path.IndexOf('/', slash + 1);
            if (!_directories.TryGetValue(directory, out HashSet<string>? names))
                _directories.Add(directory, names = new HashSet<string>(StringComparer.Ordinal));
            if (!names.Add(end < 0 ? path[(slash + 1)..] : path[(slash + 1)..end]))
                return;
        }
    }

    // Only paths the importer reads, each with a line of its own. PCI addresses hold colons, so the colon that ends a path comes after a name that holds none.
    [GeneratedRegex(
        @"^\s*(\S{0,200}?/)?(?<path>kernel/iommu_groups/(0|[1-9][0-9]{0,6})(/(type|reserved_regions|name|devices(/[^\s/]+)?))?"
        + @"|class/iommu/[^\s/]+(/((intel|amd)-iommu/[a-z_]+|devices(/[^\s/]+)?))?|bus/pci/devices/[0-9a-f:.]+(/[a-z_0-9]+)?)/?(:(?<content>.*))?\s*$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex CaptureLine();

    [GeneratedRegex(@"iommu_groups/[0-9]+/(type|reserved_regions):|class/iommu/[^\s/]+/(intel|amd)-iommu/[a-z_]+:|bus/pci/devices/[0-9a-fA-F:.]+/[a-z_]+:", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Mark();
}
