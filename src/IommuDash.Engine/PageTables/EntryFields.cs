namespace IommuDash.Engine.PageTables;

/// <summary>Collects the fields of one raw word for <see cref="IPageTableFormat.Describe"/>, lowest bit first.</summary>
internal sealed class EntryFields(ulong raw)
{
    private readonly List<EntryField> _fields = [];

    public void Flag(string name, int bit, string whenSet, string whenClear)
    {
        ulong value = (raw >> bit) & 1;
        _fields.Add(new EntryField(name, bit, bit, value, value != 0 ? whenSet : whenClear));
    }

    public void Add(string name, int lowBit, int highBit, string meaning)
    {
        ulong value = (raw >> lowBit) & (ulong.MaxValue >> (63 - highBit + lowBit));
        _fields.Add(new EntryField(name, lowBit, highBit, value, meaning));
    }

    /// <summary>The whole word as one field that says nothing is mapped.</summary>
    public List<EntryField> Empty()
    {
        Add("–", 0, 63, "empty: nothing mapped here, an access faults");
        return _fields;
    }

    public List<EntryField> ToList() => _fields;

    /// <summary>A power of two in the largest unit it fills: <c>2 MiB</c>.</summary>
    public static string Bytes(int shift)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        return $"{1 << (shift % 10)} {units[shift / 10]}";
    }
}
