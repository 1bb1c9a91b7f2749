// The words of a trace file. One event a line:
//
//   SECONDS PID process NAME uid=N memlock=N caps=N          a program appears (caps: 1 = IPC_LOCK, 2 = SYS_RESOURCE), or may do other things than before
//   SECONDS PID mem FIRST-LAST rws OBJECT+OFFSET [huge]      what its memory was when it decided about a call; --- = nothing mapped
//   SECONDS PID file OBJECT size=N                           how long a memory file was when it decided about a pin, if that was not told before
//   SECONDS PID open FILE iommu|vfio [= -ERRNO]
//   SECONDS PID FILE NAME field=value … [facts] = RESULT [ERRNO] field=value …
//   SECONDS PID read|write FILE count=N offset=N [facts] = RESULT
//   SECONDS PID mmap FILE length=N offset=N sx = WINDOW      a driver's window; munmap WINDOW ends it
//   SECONDS PID close FILE
//   SECONDS PID exit
//
// FILE is #1, #2, … in order of opening. Facts are what a call met outside its structure: @ADDRESS=bytes read there, @ADDRESS!LENGTH a read that failed, w!ADDRESS!LENGTH a store that failed,
// The selftest's command: TraceFields.cs. fd:N=FILE a descriptor, mf:N=OBJECT,SIZE,KIND,NAME a memory file, nth:N the count of a fail-nth node before the call, room:N bytes that can be stored, =>FILE a file delivered.
using System.Buffers;
using System.Globalization;

namespace IommuDash.Bridge.Trace;

internal static class TraceText
{
    private static readonly SearchValues<char> s_noWord = SearchValues.Create("% \t\r\n=");

    public const string Header = "# iommudash trace 1";

    /// <summary>Most bytes of one read that are written down; of a longer one only the length (it replays as zeroes).</summary>
    public const int MaxReadBytes = 16 << 10;

    public static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>A name as one word: what would end the word is written %XX.</summary>
    public static string Word(string name) => name.AsSpan().ContainsAny(s_noWord) ? Uri.EscapeDataString(name) : name;

    public static string Name(string word) => Uri.UnescapeDataString(word);

    public static ulong Number(ReadOnlySpan<char> text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? ulong.Parse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : unchecked((ulong)long.Parse(text, CultureInfo.InvariantCulture));
}
