using System.Globalization;

namespace IommuDash.Web.Model;

/// <summary>How long ago something was, in the largest unit that fits.</summary>
public static class RelativeTime
{
    /// <summary><c>now</c> below a second and for what lies ahead (clocks differ), else <c>42 s ago</c>, <c>3 min ago</c>, <c>5 h ago</c>, <c>12 d ago</c>.</summary>
    public static string Text(TimeSpan age) => age switch
    {
        { TotalSeconds: < 1 } => "now",
        { TotalMinutes: < 1 } => Ago(age.TotalSeconds, "s"),
        { TotalHours: < 1 } => Ago(age.TotalMinutes, "min"),
        { TotalDays: < 1 } => Ago(age.TotalHours, "h"),
        _ => Ago(age.TotalDays, "d"),
    };

    private static string Ago(double count, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(count):0} {unit} ago");
}
