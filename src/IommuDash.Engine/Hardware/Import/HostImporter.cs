namespace IommuDash.Engine.Hardware.Import;

/// <summary>The one door for text and trees of a real machine.</summary>
public static class HostImporter
{
    /// <summary>Reads a pasted listing or a text capture of <c>/sys</c>, whichever it is. Never throws for what is in the text.</summary>
    public static HostImport FromText(string text, ImportChoices? choices = null, ImportOptions? options = null)
    {
        options ??= new ImportOptions();
        ParsedHost parsed = CapturedSysTree.Recognises(text)
            ? SysfsImporter.Parse(text, options, out LineReport report)
            : IommuListingParser.Parse(text, options, out report);
        return Finish(parsed, report, choices ?? new ImportChoices());
    }

    /// <summary>Reads a <c>/sys</c> tree, e.g. <c>new DirectorySysTree("/sys")</c>. Problems have line 0 and the path as text.</summary>
    public static HostImport FromTree(ISysTree tree, ImportChoices? choices = null, ImportOptions? options = null)
    {
        ParsedHost parsed = SysfsImporter.Parse(tree, options ?? new ImportOptions(), out LineReport report);
        return Finish(parsed, report, choices ?? new ImportChoices());
    }

    private static HostImport Finish(ParsedHost parsed, LineReport report, ImportChoices choices)
    {
        HostImport result = report.HasErrors
            ? new HostImport { Errors = report.Errors, DeviceCount = parsed.Devices.Count, GroupCount = parsed.Devices.Select(d => d.Group).Distinct().Count() }
            : HostBuilder.Build(parsed, choices);
        if (result.Host is HostDescription host && HostDescriptionValidator.Validate(host) is { Count: > 0 } problems)
            result = result with { Host = null, Errors = [.. problems.Select(p => new ImportProblem(0, p.Path, p.Reason))] };
        return result with { Rejected = report.Rejected, Lines = report.Counts };
    }
}
