using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json.Serialization;

namespace IommuDash.Workspaces.Commands;

/// <summary>Names of the commands, as the JSON field <c>op</c> has them.</summary>
public static class CommandOps
{
    /// <summary>Type of a command by its name.</summary>
    public static FrozenDictionary<string, Type> Types { get; } = typeof(Command).GetCustomAttributes<JsonDerivedTypeAttribute>().ToFrozenDictionary(a => (string)a.TypeDiscriminator!, a => a.DerivedType);

    private static FrozenDictionary<Type, string> Names { get; } = Types.ToFrozenDictionary(p => p.Value, p => p.Key);

    /// <summary>The command's name, e.g. <c>ioas.map</c>.</summary>
    public static string NameOf(Command command) => (command as RecordedCommand)?.Op ?? Names[command.GetType()];
}
