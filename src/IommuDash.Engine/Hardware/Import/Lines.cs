namespace IommuDash.Engine.Hardware.Import;

/// <summary>Splits text at LF, CRLF or a lone CR. A line end at the very end starts no further line; an empty text has no line.</summary>
internal static class Lines
{
    public static IEnumerable<string> Split(string text)
    {
        int start = 0;
        while (start < text.Length)
        {
            int end = text.AsSpan(start).IndexOfAny('\n', '\r');
            if (end < 0)
            {
                yield return text[start..];
                yield break;
            }
            end += start;
            yield return text[start..end];
            bool pair = text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n';
            start = end + (pair ? 2 : 1);
        }
    }
}
