using System.Globalization;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Components.Domains;

/// <summary>Paths into a page table, as <see cref="PageTableQuery.Path"/> reads them.</summary>
public static class TablePath
{
    /// <summary>Indexes from the top down to the entry at <paramref name="level"/> that answers for an IOVA; empty above the top level.</summary>
    /// <param name="levels">Top first.</param>
    public static string ToEntry(IReadOnlyList<LevelTables> levels, ulong iova, int level) =>
        string.Join('.', levels.Where(at => at.Level >= level).Select(at => ((iova >> at.LowBit) & ((1UL << at.Bits) - 1)).ToString(CultureInfo.InvariantCulture)));

    /// <summary>First IOVA that the entry at the end of a path answers for.</summary>
    /// <param name="levels">Top first.</param>
    public static ulong IovaOf(IReadOnlyList<LevelTables> levels, string path) =>
        path.Split('.').Zip(levels, static (index, at) => ulong.Parse(index, CultureInfo.InvariantCulture) << at.LowBit).Aggregate(0UL, static (iova, bits) => iova | bits);
}
