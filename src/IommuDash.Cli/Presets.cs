using IommuDash.Engine.Hardware;

namespace IommuDash.Cli;

/// <summary>The hosts shipped beside the program.</summary>
internal static class Presets
{
    public const string Default = "kernel-selftest-mock";

    /// <summary>A preset by its id, or by a part of it that no other has. Null: there is none; <paramref name="problem"/> says what there is.</summary>
    public static HostDescription? Find(string name, out string problem)
    {
        problem = "";
        HostPresets all = HostPresets.Load(Path.Combine(AppContext.BaseDirectory, "hosts"));
        HostPreset[] found = [.. all.Presets.Where(p => p.Id == name)];
        if (found.Length == 0)
            found = [.. all.Presets.Where(p => p.Id.Contains(name, StringComparison.Ordinal))];
        if (found.Length == 1)
            return found[0].Host;
        problem = $"No host preset is called '{name}'; there are {string.Join(", ", all.Presets.Select(p => p.Id))}.";
        return null;
    }
}
