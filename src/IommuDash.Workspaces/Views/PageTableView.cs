// A page table as Miller columns: the top table, and below it the table that the chosen entry points to, and so on. Entries are folded to runs of equal kind, so that a column of 512 is short
// where the table is regular. The chosen entry comes raw and taken apart by the manual's fields.
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.PageTables;

namespace IommuDash.Workspaces.Views;

/// <summary>Tables of one hw_pagetable along a path.</summary>
/// <param name="Path">Chosen indexes from the top, with dots: <c>0.3.511</c>; empty = only the top table; <c>first</c> = the first entry in use of each table. What leads nowhere is left out of the answer.</param>
public sealed record PageTableQuery(int Context, uint Hwpt, string Path = "");

/// <summary>Neighbouring entries of one kind; leaves also of one size, with targets that follow one another.</summary>
/// <param name="First">Index of the first entry.</param>
/// <param name="Last">Index of the last, inclusive.</param>
/// <param name="PageShift">For leaves, log2 of the size.</param>
/// <param name="Raw">The first entry's word.</param>
/// <param name="Target">Where the first entry points.</param>
/// <param name="StartIova">First IOVA the run answers for.</param>
public sealed record EntryRun(int First, int Last, EntryKind Kind, int PageShift, ulong Raw, ulong Target, ulong StartIova);

/// <summary>The chosen entry of a table.</summary>
/// <param name="Iova">IOVAs it answers for.</param>
public sealed record ChosenEntry(int Index, ulong Raw, EntryKind Kind, ulong Target, int PageShift, IovaRange Iova, IReadOnlyList<EntryField> Fields);

/// <summary>One table.</summary>
/// <param name="Level">0 = leaf-most.</param>
/// <param name="Iova">IOVAs the whole table answers for.</param>
public sealed record TableColumn(int Level, ulong TablePhysical, IovaRange Iova, int EntryCount, int EmptyCount, int TableCount, int LeafCount, IReadOnlyList<EntryRun> Runs, ChosenEntry? Chosen);

/// <param name="Exists">False: there is no such hw_pagetable.</param>
/// <param name="Levels">Index bits of each level, top first.</param>
/// <param name="Columns">Top first; at most one per level.</param>
public sealed record PageTableSnapshot(bool Exists, uint Hwpt, string Format, string Unit, IovaRange Aperture, IReadOnlyList<LevelTables> Levels, IReadOnlyList<TableColumn> Columns);

public sealed class PageTableView : IView<PageTableQuery, PageTableSnapshot>
{
    /// <summary>The path along the first entry in use of each table.</summary>
    public const string FirstPath = "first";

    public static string Name => "domains.table";

    public static PageTableSnapshot Project(EmulatedHost host, PageTableQuery query)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.FindContext(query.Context)?.Objects.Find<HwptPaging>(query.Hwpt) is not { } hwpt)
            return new PageTableSnapshot(false, query.Hwpt, "", "", IovaRange.Whole, [], []);
        IommuDomain domain = hwpt.Domain;
        List<int> path = ParsePath(query.Path);
        var columns = new List<TableColumn>();
        ulong table = domain.RootPhysical;
        ulong iova = 0;
        for (int level = domain.Levels - 1; level >= 0; level--)
        {
            int depth = columns.Count;
            ReadOnlySpan<ulong> words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(host.Memory.Read((uint)(table >> PhysicalMemory.FrameShift)))[..domain.EntryCount(level)];
            int? index = query.Path == FirstPath && words.ContainsAnyExcept(0UL) ? words.IndexOfAnyExcept(0UL)
                : depth < path.Count && path[depth] < words.Length ? path[depth]
                : null;
            TableColumn column = Column(words, domain, level, table, iova, index);
            columns.Add(column);
            if (column.Chosen is not { Kind: EntryKind.Table } chosen)
                break;
            table = chosen.Target;
            iova = chosen.Iova.Start;
        }
        return new PageTableSnapshot(true, hwpt.Id, domain.FormatName, hwpt.Unit.Name, domain.Aperture, LevelsOf(domain), columns);
    }

    /// <summary>Index bits of a domain's levels, top first.</summary>
    internal static IReadOnlyList<LevelTables> LevelsOf(IommuDomain domain) =>
        [.. Enumerable.Range(0, domain.Levels).Reverse().Select(level => new LevelTables(level, domain.IndexBits(level).LowBit, domain.IndexBits(level).Bits, domain.TableCount(level)))];

    private static List<int> ParsePath(string path)
    {
        var indexes = new List<int>();
        foreach (string part in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!int.TryParse(part, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int index))
                break;
            indexes.Add(index);
        }
        return indexes;
    }

    private static TableColumn Column(ReadOnlySpan<ulong> words, IommuDomain domain, int level, ulong table, ulong baseIova, int? chosenIndex)
    {
        int shift = domain.IndexBits(level).LowBit;
        var runs = new List<EntryRun>();
        Span<int> counts = stackalloc int[3];
        ulong expected = 0;
        for (int i = 0; i < words.Length; i++)
        {
            EntryKind kind = domain.Decode(level, words[i], out ulong target, out int pageShift);
            counts[(int)kind]++;
            bool follows = runs.Count != 0 && runs[^1].Kind == kind && runs[^1].PageShift == pageShift && (kind != EntryKind.Leaf || target == expected || target == runs[^1].Target);
            if (follows)
                runs[^1] = runs[^1] with { Last = i };
            else
                runs.Add(new EntryRun(i, i, kind, pageShift, words[i], target, baseIova + ((ulong)i << shift)));
            // A leaf larger than one entry repeats itself: its target moves on only once per leaf.
            ulong nextIova = baseIova + ((ulong)(i + 1) << shift);
            expected = kind == EntryKind.Leaf && (nextIova & ((1UL << pageShift) - 1)) == 0 ? target + (1UL << pageShift) : target;
        }
        ChosenEntry? chosen = null;
        if (chosenIndex is { } index)
        {
            EntryKind kind = domain.Decode(level, words[index], out ulong target, out int pageShift);
            chosen = new ChosenEntry(index, words[index], kind, target, pageShift, Span(baseIova + ((ulong)index << shift), shift), domain.DescribeEntry(level, words[index]));
        }
        return new TableColumn(level, table, Span(baseIova, shift + domain.IndexBits(level).Bits), words.Length, counts[(int)EntryKind.Empty], counts[(int)EntryKind.Table], counts[(int)EntryKind.Leaf], runs, chosen);
    }

    private static IovaRange Span(ulong start, int shift) => new(start, shift >= 64 ? ulong.MaxValue : start + ((1UL << shift) - 1));
}
