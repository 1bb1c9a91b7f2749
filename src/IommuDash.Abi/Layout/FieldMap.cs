// Names, offsets and widths of a structure's fields, read from its type once. For traces and pictures; calls never come by here.
using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace IommuDash.Abi.Layout;

/// <summary>One field. <paramref name="Name"/> is the header file's, e.g. <c>out_ioas_id</c>.</summary>
public readonly record struct StructField(string Name, int Offset, int Bytes, bool IsSigned)
{
    /// <summary>The field's value in the bytes of a structure; fields a shorter structure lacks read as 0.</summary>
    public ulong Read(ReadOnlySpan<byte> structure)
    {
        ulong value = 0;
        for (int i = Math.Min(Bytes, structure.Length - Offset) - 1; i >= 0; i--)
            value = value << 8 | structure[Offset + i];
        return value;
    }

    /// <summary>Stores a value, low bytes first; what does not fit the field or the structure is cut off.</summary>
    public void Write(Span<byte> structure, ulong value)
    {
        for (int i = 0; i < Bytes && Offset + i < structure.Length; i++)
            structure[Offset + i] = (byte)(value >> 8 * i);
    }
}

public static class FieldMap
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<StructField>> s_maps = [];

    /// <summary>Fields of a sequential structure in order.</summary>
    public static IReadOnlyList<StructField> Of(Type structure) => s_maps.GetOrAdd(structure, static type =>
        [.. type.GetFields(BindingFlags.Instance | BindingFlags.Public).Select(field => new StructField(
            KernelName(field.Name), (int)Marshal.OffsetOf(type, field.Name), Marshal.SizeOf(field.FieldType), field.FieldType == typeof(int)))]);

    /// <summary>A name as the header file spells it: <c>IommuIoasMap</c> is <c>iommu_ioas_map</c>.</summary>
    public static string KernelName(string name)
    {
        var text = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsUpper(c) && text.Length != 0)
                text.Append('_');
            text.Append(char.ToLowerInvariant(c));
        }
        return name.StartsWith("Reserved", StringComparison.Ordinal) ? "__" + text : text.ToString();
    }
}
