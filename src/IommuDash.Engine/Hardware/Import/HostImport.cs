// What comes out of reading a real machine's text: a whole host, a question to answer first, or errors. There is never half a host.
namespace IommuDash.Engine.Hardware.Import;

/// <summary>Limits of an import; bound from the configuration section <c>Limits:Import</c>.</summary>
public sealed record ImportOptions
{
    /// <summary>Largest text, in bytes of UTF-8.</summary>
    public int MaxTextBytes { get; init; } = 1 << 20;

    public int MaxDevices { get; init; } = 4096;

    /// <summary>Longest line looked at, in characters.</summary>
    public int MaxLineLength { get; init; } = 4096;

    /// <summary>How many lines each list of problems shows; the rest is counted.</summary>
    public int MaxReportedLines { get; init; } = 1000;
}

/// <summary>What the person importing says beside the text.</summary>
public sealed record ImportChoices
{
    /// <summary>Name of the host.</summary>
    public string Name { get; init; } = "Imported host";

    /// <summary>Whose IOMMU it is; <see cref="IommuVendor.Unknown"/> = find out from the bridges, and ask if they do not tell.</summary>
    public IommuVendor Vendor { get; init; }
}

/// <summary>Something that cannot be used.</summary>
/// <param name="Line">Line number from 1; 0 = the text as a whole.</param>
/// <param name="Text">The line, cut to 120 characters and with control characters replaced; for a captured tree the file's path.</param>
/// <param name="Reason">One sentence.</param>
public sealed record ImportProblem(int Line, string Text, string Reason);

/// <summary>Something only the person can know. Answered by importing again with the choice set.</summary>
/// <param name="Field">Name of the property of <see cref="ImportChoices"/>.</param>
/// <param name="Text">The question.</param>
/// <param name="Choices">Possible values of the property.</param>
public sealed record ImportQuestion(string Field, string Text, IReadOnlyList<string> Choices);

public enum ImportOutcome
{
    /// <summary><see cref="HostImport.Host"/> is there and valid.</summary>
    Ready,

    /// <summary>No host yet: <see cref="HostImport.Questions"/> come first.</summary>
    NeedsAnswer,

    /// <summary>No host: see <see cref="HostImport.Errors"/>.</summary>
    Failed,
}

/// <summary>
/// Result of an import. Every line of the text is counted once: accepted (used), ignored (blank, prompt, script, a detail not needed), rejected (not understood) or in error.
/// </summary>
public sealed record HostImport
{
    /// <summary>The host; null unless the outcome is <see cref="ImportOutcome.Ready"/>.</summary>
    public HostDescription? Host { get; init; }

    public ImportOutcome Outcome => Errors.Count > 0 ? ImportOutcome.Failed : Host is null ? ImportOutcome.NeedsAnswer : ImportOutcome.Ready;

    /// <summary>What forbids making a host. First <see cref="ImportOptions.MaxReportedLines"/> of them.</summary>
    public IReadOnlyList<ImportProblem> Errors { get; init; } = [];

    /// <summary>Lines not understood, by number. First <see cref="ImportOptions.MaxReportedLines"/> of <see cref="RejectedLines"/>.</summary>
    public IReadOnlyList<ImportProblem> Rejected { get; init; } = [];

    public IReadOnlyList<ImportQuestion> Questions { get; init; } = [];

    /// <summary>What was assumed, for the person to know.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Devices found, also when there is no host.</summary>
    public int DeviceCount { get; init; }

    /// <summary>Groups found, also when there is no host.</summary>
    public int GroupCount { get; init; }

    public LineCounts Lines { get; init; }

    public int RejectedLines => Lines.Rejected;
}

/// <summary>How the lines of a text were used; their sum is the number of lines.</summary>
public readonly record struct LineCounts(int Accepted, int Ignored, int Rejected, int InError)
{
    public int Total => Accepted + Ignored + Rejected + InError;
}
