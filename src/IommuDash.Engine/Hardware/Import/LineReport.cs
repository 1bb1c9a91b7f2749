using System.Text;

namespace IommuDash.Engine.Hardware.Import;

/// <summary>Counts the lines of a text by what became of them and keeps the first problems. Each line is counted once.</summary>
internal sealed class LineReport(ImportOptions options)
{
    private const int ShownLength = 120;

    private readonly List<ImportProblem> _errors = [];
    private readonly List<ImportProblem> _rejected = [];
    private int _accepted;
    private int _ignored;
    private int _rejectedCount;
    private int _inError;

    public bool HasErrors => _errors.Count > 0;

    public IReadOnlyList<ImportProblem> Errors => _errors;

    /// <summary>In order of line numbers, though a line may be found useless only at the end.</summary>
    public IReadOnlyList<ImportProblem> Rejected => [.. _rejected.OrderBy(p => p.Line).Take(options.MaxReportedLines)];

    public LineCounts Counts => new(_accepted, _ignored, _rejectedCount, _inError);

    public void Accept() => _accepted++;

    public void Ignore() => _ignored++;

    public void Reject(int line, string text, string reason)
    {
        _rejectedCount++;
        if (_rejected.Count < options.MaxReportedLines)
            _rejected.Add(new ImportProblem(line, Shown(text), reason));
    }

    /// <summary>A line accepted before turns out to be of no use.</summary>
    public void Withdraw(int line, string text, string reason)
    {
        _accepted--;
        _rejectedCount++;
        _rejected.Add(new ImportProblem(line, Shown(text), reason));
    }

    public void Error(int line, string text, string reason)
    {
        _inError++;
        if (_errors.Count < options.MaxReportedLines)
            _errors.Add(new ImportProblem(line, Shown(text), reason));
    }

    /// <summary>A line accepted before, or with number 0 a name of a tree, turns out to be an error.</summary>
    public void WithdrawError(int line, string text, string reason)
    {
        if (line != 0)
            _accepted--;
        Error(line, text, reason);
    }

    /// <summary>False, and an error, if a text is too large to be looked at.</summary>
    public bool CheckSize(string text)
    {
        bool fits = text.Length <= options.MaxTextBytes && Encoding.UTF8.GetByteCount(text) <= options.MaxTextBytes;
        if (!fits)
            Fail($"The text is larger than {options.MaxTextBytes:N0} bytes (option MaxTextBytes).");
        return fits;
    }

    /// <summary>An error of the whole text, not of a line.</summary>
    public void Fail(string reason) => _errors.Add(new ImportProblem(0, "", reason));

    private static string Shown(string text)
    {
        ReadOnlySpan<char> cut = text.AsSpan(0, Math.Min(text.Length, ShownLength));
        if (cut.Length > 0 && char.IsHighSurrogate(cut[^1]))
            cut = cut[..^1];
        var shown = new char[cut.Length];
        for (int i = 0; i < cut.Length; i++)
            shown[i] = char.IsControl(cut[i]) ? (cut[i] == '\t' ? ' ' : '�') : cut[i];
        return text.Length > ShownLength ? string.Concat(shown, "…") : new string(shown);
    }
}
