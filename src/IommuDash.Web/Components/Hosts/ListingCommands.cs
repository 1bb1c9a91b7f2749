namespace IommuDash.Web.Components.Hosts;

/// <summary>What to type on the machine that is to be imported, bash. docs/dev/hosts.md says what the importer makes of it.</summary>
public static class ListingCommands
{
    /// <summary>Groups and devices, one line each; needs lspci.</summary>
    public const string Listing =
        """for d in /sys/kernel/iommu_groups/*/devices/*; do n=${d#*/iommu_groups/}; printf 'IOMMU Group %s ' "${n%%/*}"; lspci -nns "${d##*/}"; done""";

    /// <summary>All that the importer understands: reserved regions, units and their capabilities too.</summary>
    public const string Capture =
        "{ grep -s . /sys/kernel/iommu_groups/*/{type,reserved_regions} /sys/class/iommu/*/{intel,amd}-iommu/* /sys/bus/pci/devices/*/{vendor,device,class,revision}; ls -d /sys/kernel/iommu_groups/*/devices/* /sys/class/iommu/*/devices/*; lspci -Dnn; } > host.txt";
}
