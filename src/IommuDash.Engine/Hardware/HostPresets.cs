namespace IommuDash.Engine.Hardware;

/// <summary>A host shipped as a file.</summary>
/// <param name="Id">File name without <c>.json</c>; what a client of the API asks for.</param>
public sealed record HostPreset(string Id, HostDescription Host);

/// <summary>A preset file that cannot be used.</summary>
public sealed record HostPresetProblem(string File, string Path, string Reason);

/// <summary>The presets of a directory, in order of their ids, and what is wrong with the files that are none.</summary>
public sealed record HostPresets(IReadOnlyList<HostPreset> Presets, IReadOnlyList<HostPresetProblem> Problems)
{
    /// <summary>Most files read from a directory.</summary>
    public const int MaxFiles = 256;

    /// <summary>Reads every <c>*.json</c> of a directory, not of those below it.</summary>
    public static HostPresets Load(string directory, HostLimits? limits = null)
    {
        var presets = new List<HostPreset>();
        var problems = new List<HostPresetProblem>();
        if (!Directory.Exists(directory))
            return new([], [new(directory, "", "There is no such directory.")]);
        string[] files = Directory.GetFiles(directory, "*.json");
        Array.Sort(files, StringComparer.Ordinal);
        if (files.Length > MaxFiles)
            problems.Add(new(directory, "", $"It holds {files.Length:N0} files; only the first {MaxFiles} were read."));
        foreach (string file in files.Take(MaxFiles))
        {
            string name = Path.GetFileName(file);
            if (!TryReadText(file, out string text, out string reason))
            {
                problems.Add(new(name, "", reason));
                continue;
            }
            HostDescription? host = HostJson.Read(text, out IReadOnlyList<HostProblem> found, limits);
            problems.AddRange(found.Select(p => new HostPresetProblem(name, p.Path, p.Reason)));
            if (host is not null)
                presets.Add(new(Path.GetFileNameWithoutExtension(file), host));
        }
        return new(presets, problems);
    }

    private static bool TryReadText(string file, out string text, out string reason)
    {
        (text, reason) = ("", "");
        try
        {
            if (new FileInfo(file).Length <= HostJson.MaxBytes)
                text = File.ReadAllText(file);
            else
                reason = $"It is larger than {HostJson.MaxBytes:N0} bytes.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reason = e.Message;
        }
        return reason.Length == 0;
    }
}
