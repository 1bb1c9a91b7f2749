// Which answers a trace has of which calls: says whether a long trace has seen much or the same thing often.
using System.Globalization;
using System.Text;
using IommuDash.Engine;

namespace IommuDash.Bridge.Trace;

public sealed class TraceCoverage
{
    private readonly SortedDictionary<string, SortedDictionary<long, int>> _answers = new(StringComparer.Ordinal);

    /// <summary>Number of different (call, answer) pairs; all successes of a call are one.</summary>
    public int Pairs => _answers.Values.Sum(answers => answers.Count);

    /// <param name="result">0 or more, or a negative errno.</param>
    internal void Count(string call, long result)
    {
        if (!_answers.TryGetValue(call, out SortedDictionary<long, int>? answers))
            _answers.Add(call, answers = []);
        long key = Math.Min(result, 0);
        answers[key] = answers.GetValueOrDefault(key) + 1;
    }

    /// <summary>A line for each call: how often it was answered how, success first.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach ((string call, SortedDictionary<long, int> answers) in _answers)
        {
            text.Append(CultureInfo.InvariantCulture, $"{call,-28}");
            foreach ((long result, int count) in answers.Reverse())
                text.Append(CultureInfo.InvariantCulture, $" {(result == 0 ? "ok" : ((Errno)(-result)).ToString())} {count}");
            text.Append('\n');
        }
        return text.ToString();
    }
}
