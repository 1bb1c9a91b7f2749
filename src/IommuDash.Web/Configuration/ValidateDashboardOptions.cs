using Microsoft.Extensions.Options;

namespace IommuDash.Web.Configuration;

/// <summary>Stops the start with one sentence per bad value.</summary>
internal sealed class ValidateDashboardOptions : IValidateOptions<DashboardOptions>
{
    public ValidateOptionsResult Validate(string? name, DashboardOptions options)
    {
        List<string> faults = [];
        Check(nameof(options.MaxRequestBytes), options.MaxRequestBytes, 64 << 10, 64 << 20);
        Check(nameof(options.MaxCircuitMessageBytes), options.MaxCircuitMessageBytes, 32 << 10, 64 << 20);
        Check(nameof(options.RequestsPerSecondPerClient), options.RequestsPerSecondPerClient, 1, 1_000_000);
        Check(nameof(options.MaxDisconnectedCircuits), options.MaxDisconnectedCircuits, 0, 10_000);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void Check(string option, long value, long least, long most)
        {
            if (value < least || value > most)
                faults.Add($"{DashboardOptions.SectionName}:{option} is {value}; it must be {least} to {most}.");
        }
    }
}
