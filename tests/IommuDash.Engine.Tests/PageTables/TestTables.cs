using IommuDash.Engine.Hardware;
using IommuDash.Engine.PageTables;

namespace IommuDash.Engine.Tests.PageTables;

/// <summary>Domains as the tests of this folder want them.</summary>
internal static class TestTables
{
    public const IommuProt ReadWrite = IommuProt.Read | IommuProt.Write;
    public const ulong MiB = 1UL << 20;
    public const ulong GiB = 1UL << 30;

    public static IommuUnitDescription Unit(IommuVendor vendor, int inputBits = 48, int largestPageShift = 0, bool snoopControl = true) =>
        new() { Name = "unit0", Vendor = vendor, InputBits = inputBits, LargestPageShift = largestPageShift, SnoopControl = snoopControl };

    public static IommuDomain Create(PhysicalMemory memory, IommuUnitDescription unit, MockTableKind kind = MockTableKind.Default)
    {
        IommuDomain? domain = DomainFactory.Create(unit, memory, out Refusal? refusal, kind);
        Assert.Null(refusal);
        Assert.NotNull(domain);
        return domain;
    }

    /// <summary>The four kinds the property tests run over.</summary>
    public static IommuDomain Create(PhysicalMemory memory, string kind) => kind switch
    {
        "vtd" => Create(memory, Unit(IommuVendor.Intel)),
        "amd" => Create(memory, Unit(IommuVendor.Amd, 64)),
        "mock" => Create(memory, Unit(IommuVendor.Mock)),
        "mock-huge" => Create(memory, Unit(IommuVendor.Mock), MockTableKind.Huge),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Takes table frames until the next one is <paramref name="pfn"/>: tables are then made at known, falling addresses.</summary>
    public static void PlaceNextTable(PhysicalMemory memory, uint pfn)
    {
        uint taken = uint.MaxValue;
        while (taken != pfn + 1)
            Assert.True(memory.TryAllocateTable(out taken));
    }

    public static ulong Word(PhysicalMemory memory, ulong table, int index) =>
        BitConverter.ToUInt64(memory.Read((uint)(table >> PhysicalMemory.FrameShift))[(index * 8)..]);
}
