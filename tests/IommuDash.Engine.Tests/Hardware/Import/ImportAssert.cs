using IommuDash.Engine.Hardware;
using IommuDash.Engine.Hardware.Import;

namespace IommuDash.Engine.Tests.Hardware.Import;

/// <summary>What must hold of every import, whatever went in.</summary>
internal static class ImportAssert
{
    public static HostDescription Ready(HostImport import)
    {
        Whole(import);
        Assert.Empty(import.Errors);
        Assert.Empty(import.Questions);
        Assert.Equal(ImportOutcome.Ready, import.Outcome);
        return import.Host!;
    }

    public static void Whole(HostImport import)
    {
        Assert.Equal(import.Outcome == ImportOutcome.Ready, import.Host is not null);
        Assert.Equal(import.Outcome == ImportOutcome.Failed, import.Errors.Count > 0);
        Assert.Equal(import.Outcome == ImportOutcome.NeedsAnswer, import.Questions.Count > 0);
        if (import.Host is not null)
        {
            Assert.Empty(HostDescriptionValidator.Validate(import.Host));
            Assert.Equal(import.DeviceCount, import.Host.Devices.Count);
            Assert.Equal(import.GroupCount, import.Host.Groups.Count);
        }
    }

    public static DeviceDescription Device(HostDescription host, string address) => Assert.Single(host.Devices, d => d.Address == address);
}
