// A /sys tree in a directory: the machine's own, or a copy of another's. Links are followed by hand, one component at a time, so that none leads out of the root.
// Leaves out: trees that change their links while being read.
namespace IommuDash.Engine.Hardware.Import;

/// <param name="root">The directory that stands for <c>/sys</c>.</param>
public sealed class DirectorySysTree(string root) : ISysTree
{
    /// <summary>Largest file read; sysfs attributes are at most one page.</summary>
    public const int MaxFileBytes = 64 << 10;

    /// <summary>Most names taken from one directory.</summary>
    public const int MaxNames = 65_536;

    private const int MaxLinks = 40;

    private readonly string _root = Path.GetFullPath(root);

    public IReadOnlyCollection<string> Names(string directory)
    {
        if (Resolve(directory) is not string path || !Directory.Exists(path))
            return [];
        return [.. Directory.EnumerateFileSystemEntries(path).Take(MaxNames).Select(e => Path.GetFileName(e))];
    }

    public IReadOnlyList<string>? Read(string file)
    {
        if (Resolve(file) is not string path || !File.Exists(path))
            return null;
        try
        {
            using var reader = new StreamReader(path);
            var buffer = new char[MaxFileBytes + 1];
            int length = reader.ReadBlock(buffer, 0, buffer.Length);
            return length > MaxFileBytes ? null : [.. Lines.Split(new string(buffer, 0, length))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Attributes may be readable by root only, or fail when read; the caller reports what it misses.
            return null;
        }
    }

    public int LineNumber(string path, int index) => 0;

    // The real path below the root; null if a link leads out, or round in circles.
    private string? Resolve(string relative)
    {
        var done = new List<string>();
        var pending = new Stack<string>(relative.Split('/').Reverse());
        int links = 0;
        while (pending.TryPop(out string? name))
        {
            if (name is "" or ".")
                continue;
            if (name == "..")
            {
                if (done.Count == 0)
                    return null;
                done.RemoveAt(done.Count - 1);
                continue;
            }
            string? target = new FileInfo(Path.Combine([_root, .. done, name])).LinkTarget;
            if (target is null)
            {
                done.Add(name);
                continue;
            }
            if (target.StartsWith('/') || ++links > MaxLinks)
                return null;
            foreach (string part in target.Split('/').Reverse())
                pending.Push(part);
        }
        return Path.Combine([_root, .. done]);
    }
}
