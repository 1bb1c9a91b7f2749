namespace IommuDash.Bridge.Live;

/// <summary>Settings of real programs on workspaces, section <c>Programs</c>.</summary>
public sealed class ProgramOptions
{
    public const string SectionName = "Programs";

    /// <summary>Processes of programs on one workspace at a time, default 64.</summary>
    public int PerWorkspace { get; set; } = 64;

    /// <summary>Processes of programs on all workspaces together, default 256.</summary>
    public int Total { get; set; } = 256;

    /// <summary>Descriptors kept for the programs of one workspace, default 2,048: what they have open, one per thread that calls, one per process.</summary>
    public int DescriptorsPerWorkspace { get; set; } = 2_048;

    /// <summary>One sentence per value that cannot be.</summary>
    public IReadOnlyList<string> Faults()
    {
        List<string> faults = [];
        Check(nameof(PerWorkspace), PerWorkspace, 1, 10_000);
        Check(nameof(Total), Total, 1, 100_000);
        Check(nameof(DescriptorsPerWorkspace), DescriptorsPerWorkspace, 16, 1 << 20);
        return faults;

        void Check(string option, long value, long least, long most)
        {
            if (value < least || value > most)
                faults.Add($"{SectionName}:{option} is {value}; it must be {least} to {most}.");
        }
    }
}

/// <summary>How many processes of programs there are on all workspaces.</summary>
internal sealed class ProgramCount
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public void Add(int change) => Interlocked.Add(ref _count, change);
}
