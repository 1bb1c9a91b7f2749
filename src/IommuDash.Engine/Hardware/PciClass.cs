// Names of PCI base classes and subclasses (PCI Code and ID Assignment Specification), as lspci words them. Used where a source has only the number, or only the name.
using System.Collections.Frozen;

namespace IommuDash.Engine.Hardware;

public static class PciClass
{
    public const int HostBridge = 0x0600;
    public const int IsaBridge = 0x0601;
    public const int Iommu = 0x0806;

    private static readonly FrozenDictionary<int, string> Names = new Dictionary<int, string>
    {
        [0x0000] = "Non-VGA unclassified device",
        [0x0100] = "SCSI storage controller",
        [0x0101] = "IDE interface",
        [0x0104] = "RAID bus controller",
        [0x0106] = "SATA controller",
        [0x0107] = "Serial Attached SCSI controller",
        [0x0108] = "Non-Volatile memory controller",
        [0x0180] = "Mass storage controller",
        [0x0200] = "Ethernet controller",
        [0x0207] = "Infiniband controller",
        [0x0280] = "Network controller",
        [0x0300] = "VGA compatible controller",
        [0x0302] = "3D controller",
        [0x0380] = "Display controller",
        [0x0400] = "Multimedia video controller",
        [0x0401] = "Multimedia audio controller",
        [0x0403] = "Audio device",
        [0x0480] = "Multimedia controller",
        [0x0500] = "RAM memory",
        [0x0502] = "CXL",
        [0x0580] = "Memory controller",
        [HostBridge] = "Host bridge",
        [IsaBridge] = "ISA bridge",
        [0x0604] = "PCI bridge",
        [0x0609] = "Semi-transparent PCI-to-PCI bridge",
        [0x0680] = "Bridge",
        [0x0700] = "Serial controller",
        [0x0703] = "Modem",
        [0x0780] = "Communication controller",
        [0x0800] = "PIC",
        [0x0801] = "DMA controller",
        [0x0805] = "SD Host controller",
        [Iommu] = "IOMMU",
        [0x0880] = "System peripheral",
        [0x0b40] = "Co-processor",
        [0x0c00] = "FireWire (IEEE 1394)",
        [0x0c03] = "USB controller",
        [0x0c04] = "Fibre Channel",
        [0x0c05] = "SMBus",
        [0x0c06] = "InfiniBand",
        [0x0c07] = "IPMI Interface",
        [0x0c80] = "Serial bus controller",
        [0x0d00] = "IRDA controller",
        [0x0d11] = "Bluetooth",
        [0x0e00] = "I2O",
        [0x1000] = "Network and computing encryption device",
        [0x1080] = "Encryption controller",
        [0x1100] = "DPIO module",
        [0x1101] = "Performance counters",
        [0x1180] = "Signal processing controller",
        [0x1200] = "Processing accelerators",
        [0x1300] = "Non-Essential Instrumentation",
    }.ToFrozenDictionary();

    private static readonly (string Name, int Code)[] LongestFirst = [.. Names.Select(n => (n.Value, n.Key)).OrderByDescending(n => n.Value.Length)];

    /// <summary>Name of a 16-bit class code (class, subclass); <c>Class 1234</c> if it has none here.</summary>
    public static string Name(int classCode) => Names.GetValueOrDefault(classCode) ?? $"Class {classCode:x4}";

    /// <summary>Finds the class whose name <paramref name="text"/> begins with, the longest first; false if none.</summary>
    public static bool TryFindPrefix(string text, out string name, out int classCode)
    {
        foreach ((string candidate, int code) in LongestFirst)
        {
            bool wholeWord = text.Length == candidate.Length || (text.Length > candidate.Length && !char.IsAsciiLetterOrDigit(text[candidate.Length]));
            if (wholeWord && text.StartsWith(candidate, StringComparison.OrdinalIgnoreCase))
            {
                (name, classCode) = (candidate, code);
                return true;
            }
        }
        (name, classCode) = ("", 0);
        return false;
    }
}
