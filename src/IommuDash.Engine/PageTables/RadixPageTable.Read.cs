// Reading back: one address, or a range as maximal physically contiguous runs.
namespace IommuDash.Engine.PageTables;

public sealed unsafe partial class RadixPageTable<TFormat>
{
    public override bool TryTranslate(ulong iova, out ulong physical)
    {
        int level = 0;
        ulong raw = Tag(iova) == _cursorTag ? _cursorTable[Index(0, iova)] : FindItem(iova, out level);
        if (raw == 0)
        {
            physical = 0;
            return false;
        }
        ulong target = TFormat.LeafTarget(level, raw, out int pageShift);
        physical = target | (iova & LastOfBits(pageShift));
        return true;
    }

    public override int ReadRuns(ulong iova, ulong last, Span<PhysicalRun> runs)
    {
        if (runs.IsEmpty || iova > last)
            return 0;
        var reader = new RunReader(runs, iova, last);
        if (Tag(iova) == _cursorTag && Tag(last) == _cursorTag)
            ReadItems(_cursorTable, ref reader);
        else if (iova <= LastOfBits(SpanShift(_levels - 1)))
            ReadTable(_root, _levels - 1, ref reader);
        return reader.Finish();
    }

    /// <summary>The leaf's word for an address, or 0; leaves the cursor on the level-0 table it passed.</summary>
    private ulong FindItem(ulong iova, out int level)
    {
        level = _levels - 1;
        if (iova > LastOfBits(SpanShift(level)))
            return 0;
        ulong* table = _root;
        while (true)
        {
            ulong raw = table[Index(level, iova)];
            if (raw == 0 || !TFormat.IsTable(level, raw))
                return raw;
            table = Table(TFormat.TableTarget(raw));
            if (--level == 0)
                SetCursor(table, iova);
        }
    }

    /// <summary>Reads on in a table. False: a hole, the end of the range or of the buffer.</summary>
    private bool ReadTable(ulong* table, int level, ref RunReader reader)
    {
        if (level == 0)
        {
            SetCursor(table, reader.Next);
            return ReadItems(table, ref reader);
        }
        while (true)
        {
            int index = Index(level, reader.Next);
            ulong raw = table[index];
            if (raw == 0)
                return false;
            if (!TFormat.IsTable(level, raw))
            {
                if (!reader.TryAdd(TFormat.LeafTarget(level, raw, out int pageShift), pageShift))
                    return false;
            }
            else if (!ReadTable(Table(TFormat.TableTarget(raw)), level - 1, ref reader))
            {
                return false;
            }
            if (Index(level, reader.Next) <= index)
                return true;
        }
    }

    private static bool ReadItems(ulong* table, ref RunReader reader)
    {
        // A copy, so that the loop keeps the reader's fields in registers.
        RunReader local = reader;
        int index = Index(0, local.Next);
        bool more = true;
        while (index < Entries)
        {
            ulong raw = table[index];
            if (raw == 0 || !local.TryAdd(TFormat.LeafTarget(0, raw, out int pageShift), pageShift))
            {
                more = false;
                break;
            }
            index = (index | ((1 << (pageShift - TFormat.GranuleShift)) - 1)) + 1;
        }
        reader = local;
        return more;
    }
}
