namespace IommuDash.Engine;

/// <summary>Caps on what a user can make an emulated host hold. Reaching one refuses the call with ENOMEM and names the option (section <c>Limits</c> of the settings).</summary>
public sealed record EngineLimits
{
    /// <summary>Objects in one context's table.</summary>
    public int ObjectsPerContext { get; init; } = 4_096;

    /// <summary>Areas in one IOAS.</summary>
    public int AreasPerIoas { get; init; } = 262_144;

    /// <summary>Reserved ranges, and separately allowed ranges, in one IOAS.</summary>
    public int RangesPerIoas { get; init; } = 4_096;

    /// <summary>Groups of page faults that one queue holds, unread and unanswered; more are answered INVALID.</summary>
    public int FaultGroupsPerQueue { get; init; } = 4_096;

    /// <summary>Page faults of one device whose group is not complete; more are answered INVALID.</summary>
    public int PartialFaultsPerDevice { get; init; } = 1_024;

    /// <summary>Events that wait in one queue, whatever depth was asked for; more are lost.</summary>
    public int EventsPerQueue { get; init; } = 65_536;

    /// <summary>PASIDs attached in one group.</summary>
    public int PasidsPerGroup { get; init; } = 4_096;

    /// <summary>Mock devices that test operations have made in one host.</summary>
    public int MockDevices { get; init; } = 256;

    /// <summary>Open contexts of one host.</summary>
    public int Contexts { get; init; } = 64;

    /// <summary>Living processes of one host.</summary>
    public int Processes { get; init; } = 256;

    /// <summary>Exited processes that a host still knows by name; beyond that it forgets the one that exited first. What they had pinned and was charged to them stays, whether known or not.</summary>
    public int ExitedProcesses { get; init; } = 64;

    public int MappingsPerProcess { get; init; } = 1_024;

    /// <summary>Files of one host.</summary>
    public int Files { get; init; } = 256;

    /// <summary>Ranges that one access file keeps pinned.</summary>
    public int PinsPerAccess { get; init; } = 65_536;

    /// <summary>Bytes of address space mapped in one process, and of one memory file.</summary>
    public ulong ProcessMemoryBytes { get; init; } = 1UL << 40;

    /// <summary>Real bytes one machine may write: process memory contents and page tables.</summary>
    public ulong MachineWrittenBytes { get; init; } = 512UL << 20;

    internal static Refusal Reached(string option, object cap, string what) =>
        new(Errno.ENOMEM, "limit." + option, $"This host's cap of {cap} {what} is reached (option Limits:{option}).");
}
