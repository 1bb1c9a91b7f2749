using System.Runtime.InteropServices;
using IommuDash.Engine.PageTables;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Iova;

/// <summary>
/// What an area is besides its range [iova, last] in the tree (struct iopt_area): a slice of a pages object, the access it grants, and where its frames can be read back from.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public struct IopArea
{
    public IoptPages Pages { get; internal set; }

    /// <summary>The domain whose page table holds the area's frames, or null while it is in no domain.</summary>
    public IommuDomain? StorageDomain { get; internal set; }

    /// <summary>Index in <see cref="Pages"/> of the page with the area's first byte.</summary>
    public ulong FirstIndex { get; internal set; }

    /// <summary>Offset of the area's first byte in that page.</summary>
    public ushort PageOffset { get; internal set; }

    /// <summary>Access granted; cached always.</summary>
    public IommuProt Prot { get; internal set; }

    /// <summary>Pins that accesses hold on it; each must go before it can be unmapped.</summary>
    public int NumAccesses { get; internal set; }

    /// <summary>How many of those belong to hardware queues, which no unmap can take away.</summary>
    public ushort NumLocks { get; internal set; }

    /// <summary>An unmap waits for its accesses: no new ones.</summary>
    public bool PreventAccess { get; internal set; }

    /// <summary>Its node in the pages object's tree of areas, once that has one.</summary>
    internal int HolderSlot { get; set; }
}

/// <summary>Part of a pages object, as a map call or a copy takes it.</summary>
/// <param name="Pages">The pages object.</param>
/// <param name="StartByte">Offset from the start of its first page.</param>
/// <param name="LengthBytes">Never 0.</param>
internal readonly record struct PagesSlice(IoptPages Pages, ulong StartByte, ulong LengthBytes);
