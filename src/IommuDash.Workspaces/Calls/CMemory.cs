// The memory of a C program that makes calls again: one region for each stretch of the caller's memory that the calls map, at another address but with the same low bits,
// since they decide where automatic allocation places a map.
using IommuDash.Abi.Layout;
using IommuDash.Engine;

namespace IommuDash.Workspaces.Calls;

internal sealed class CMemory
{
    /// <summary>Longest region that is really made; beyond, the address is passed as it was.</summary>
    public const ulong MaxBytes = 1UL << 32;

    private const int KeptBits = 30;
    private readonly List<IovaRange> _regions = [];

    /// <summary>Regions for all calls; of the last one nothing if it could not read its memory.</summary>
    public CMemory(IEnumerable<CallRecord> calls)
    {
        foreach (CallRecord call in calls)
        {
            if (call.Errno == Errno.EFAULT)
                continue;
            foreach (CallField field in CallTypes.FieldsOf(call))
            {
                if (field.Role == FieldRole.Memory && RangeOf(call, field) is { } range)
                    Add(range);
            }
        }
    }

    public IReadOnlyList<IovaRange> Regions => _regions;

    /// <summary>The C expression for an address; null if no region has it.</summary>
    public string? Find(ulong address)
    {
        for (int i = 0; i < _regions.Count; i++)
        {
            if (_regions[i].Contains(address))
                return address == _regions[i].Start ? $"(uintptr_t){NameOf(i)}" : $"(uintptr_t)({NameOf(i)} + {CStructures.Number(address - _regions[i].Start)})";
        }
        return null;
    }

    public static string NameOf(int region) => $"memory_{region + 1}";

    /// <summary>The statement that makes a region.</summary>
    public string Make(int region) =>
        $"\tchar *{NameOf(region)} = memory({CStructures.Number(_regions[region].Start & ((1UL << KeptBits) - 1))}, {CStructures.Number((ulong)_regions[region].LengthBytes)});\n";

    /// <summary>The function behind <see cref="Make"/>.</summary>
    public const string Function = """
        /* Memory whose address ends in the given 30 bits: they decide where a map without a fixed IOVA goes. */
        static char *memory(uintptr_t low, size_t length)
        {
        	uintptr_t unit = 1ul << 30;
        	char *start = mmap(NULL, low + length + unit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        	if (start == MAP_FAILED) {
        		perror("mmap");
        		exit(2);
        	}
        	return (char *)(((uintptr_t)start + unit - 1) / unit * unit + low);
        }


        """;

    private static IovaRange? RangeOf(CallRecord call, CallField field)
    {
        ulong start = field.Field.Read(call.Before.Span);
        ulong length = FieldMeanings.PointedBytes(field.Namesake, field.Name, name => CallTypes.Read(call, name, call.Before.Span));
        return length is 0 or > MaxBytes || start + (length - 1) < start ? null : new IovaRange(start, start + (length - 1));
    }

    private void Add(IovaRange range)
    {
        int at = 0;
        while (at < _regions.Count)
        {
            // Neighbours may be one mapping too.
            if (_regions[at].Start > range.Last && _regions[at].Start - 1 != range.Last || range.Start > _regions[at].Last && range.Start - 1 != _regions[at].Last)
            {
                at++;
                continue;
            }
            var whole = new IovaRange(Math.Min(range.Start, _regions[at].Start), Math.Max(range.Last, _regions[at].Last));
            if (whole.LengthBytes > MaxBytes)
                return;
            range = whole;
            _regions.RemoveAt(at);
            at = 0;
        }
        _regions.Add(range);
    }
}
