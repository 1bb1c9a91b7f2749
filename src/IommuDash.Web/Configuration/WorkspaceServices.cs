using IommuDash.Bridge.Live;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Views;

using Microsoft.Extensions.Options;

namespace IommuDash.Web.Configuration;

/// <summary>Workspaces, presets and their limits: sections <c>Workspaces</c>, <c>Limits</c> and <c>Limits:Import</c> of the settings, all checked at start.</summary>
internal static partial class WorkspaceServices
{
    private const string LimitsSection = "Limits";

    public static void AddWorkspaces(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<WorkspaceOptions>().Bind(configuration.GetSection(WorkspaceOptions.SectionName)).ValidateOnStart();
        services.AddOptions<EngineLimits>().Bind(configuration.GetSection(LimitsSection)).ValidateOnStart();
        services.AddOptions<ImportOptions>().Bind(configuration.GetSection(LimitsSection + ":Import")).ValidateOnStart();
        services.AddOptions<ProgramOptions>().Bind(configuration.GetSection(ProgramOptions.SectionName)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<WorkspaceOptions>, ValidateWorkspaceOptions>();
        services.AddSingleton<IValidateOptions<ProgramOptions>, ValidateProgramOptions>();
        services.AddSingleton<IValidateOptions<EngineLimits>, ValidateEngineLimits>();
        services.AddSingleton<IValidateOptions<ImportOptions>, ValidateImportOptions>();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(ViewCatalog.Default);
        services.AddSingleton(static provider => new WorkspaceRegistry(
            provider.GetRequiredService<IOptions<WorkspaceOptions>>().Value,
            provider.GetRequiredService<IOptions<EngineLimits>>().Value,
            provider.GetRequiredService<TimeProvider>(),
            WorkspaceId.Random));
        services.AddSingleton(static provider => MakeBridges(provider));
        services.AddSingleton(static provider => LoadPresets(provider));
    }

    private static ProgramBridges MakeBridges(IServiceProvider provider)
    {
        ILogger log = provider.GetRequiredService<ILogger<ProgramBridges>>();
        // Doors close before the workspaces behind them go.
        _ = provider.GetRequiredService<WorkspaceRegistry>();
        return new ProgramBridges(provider.GetRequiredService<IOptions<ProgramOptions>>().Value, (workspace, broken) => LogDoorBroke(log, workspace, broken));
    }

    [LoggerMessage(LogLevel.Error, "The door of workspace {Workspace} for programs broke; those on it got errors.")]
    private static partial void LogDoorBroke(ILogger log, string workspace, Exception broken);

    private static HostPresets LoadPresets(IServiceProvider provider)
    {
        HostPresets presets = HostPresets.Load(Path.Combine(provider.GetRequiredService<IHostEnvironment>().ContentRootPath, "hosts"));
        ILogger log = provider.GetRequiredService<ILogger<HostPresets>>();
        foreach (HostPresetProblem problem in presets.Problems)
            LogPresetLeftOut(log, problem.File, problem.Path, problem.Reason);
        return presets;
    }

    [LoggerMessage(LogLevel.Warning, "Preset {File} is left out: {Path} {Reason}")]
    private static partial void LogPresetLeftOut(ILogger log, string file, string path, string reason);

    private sealed class ValidateWorkspaceOptions : IValidateOptions<WorkspaceOptions>
    {
        public ValidateOptionsResult Validate(string? name, WorkspaceOptions options) => Result(options.Faults());
    }

    private sealed class ValidateProgramOptions : IValidateOptions<ProgramOptions>
    {
        public ValidateOptionsResult Validate(string? name, ProgramOptions options) => Result(options.Faults());
    }

    private sealed class ValidateEngineLimits : IValidateOptions<EngineLimits>
    {
        public ValidateOptionsResult Validate(string? name, EngineLimits options) => Result(
        [
            .. Positive(nameof(options.ObjectsPerContext), options.ObjectsPerContext),
            .. Positive(nameof(options.AreasPerIoas), options.AreasPerIoas),
            .. Positive(nameof(options.RangesPerIoas), options.RangesPerIoas),
            .. Positive(nameof(options.Contexts), options.Contexts),
            .. Positive(nameof(options.Processes), options.Processes),
            .. Positive(nameof(options.ExitedProcesses), options.ExitedProcesses),
            .. Positive(nameof(options.MappingsPerProcess), options.MappingsPerProcess),
            .. Positive(nameof(options.ProcessMemoryBytes), (long)Math.Min(options.ProcessMemoryBytes, long.MaxValue)),
            .. Positive(nameof(options.MachineWrittenBytes), (long)Math.Min(options.MachineWrittenBytes, long.MaxValue)),
        ]);
    }

    private sealed class ValidateImportOptions : IValidateOptions<ImportOptions>
    {
        public ValidateOptionsResult Validate(string? name, ImportOptions options) => Result(
        [
            .. Positive("Import:" + nameof(options.MaxTextBytes), options.MaxTextBytes),
            .. Positive("Import:" + nameof(options.MaxDevices), options.MaxDevices),
            .. Positive("Import:" + nameof(options.MaxLineLength), options.MaxLineLength),
            .. Positive("Import:" + nameof(options.MaxReportedLines), options.MaxReportedLines),
        ]);
    }

    private static IEnumerable<string> Positive(string option, long value) =>
        value > 0 ? [] : [$"{LimitsSection}:{option} is {value}; it must be at least 1."];

    private static ValidateOptionsResult Result(IReadOnlyList<string> faults) => faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
}
