// Ioctls by name as the pictures know them: those of the door, and those of a VFIO device's own file, whose numbers mean something else on other files.
using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using IommuDash.Abi;
using IommuDash.Abi.Layout;

namespace IommuDash.Workspaces.Calls;

/// <summary>A field of a call's structure and what it stands for.</summary>
/// <param name="Namesake">Whose flag names the field has: the ioctl, or the operation of TEST.</param>
public sealed record CallField(StructField Field, FieldRole Role, string Namesake)
{
    public string Name => Field.Name;

    /// <summary>Whether it is one that the call fills.</summary>
    public bool IsOutput { get; } = Field.Name.StartsWith("out_", StringComparison.Ordinal);
}

/// <summary>Names, structures and fields of calls.</summary>
public static class CallTypes
{
    public const string Bind = "VFIO_DEVICE_BIND_IOMMUFD";
    public const string Attach = "VFIO_DEVICE_ATTACH_IOMMUFD_PT";
    public const string Detach = "VFIO_DEVICE_DETACH_IOMMUFD_PT";
    public const string Test = "TEST";

    private static readonly StructField s_op = FieldMap.Of(typeof(IommuTest)).Single(field => field.Name == "op");

    private static readonly FrozenDictionary<string, IoctlInfo> s_byName = new[]
    {
        OfDevice<VfioDeviceBindIommufd>(Bind, 0x76),
        OfDevice<VfioDeviceAttachIommufdPt>(Attach, 0x77),
        OfDevice<VfioDeviceDetachIommufdPt>(Detach, 0x78),
    }.Concat(IoctlTable.AllNative).Concat(IoctlTable.AllVfio).ToFrozenDictionary(info => info.Name, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, CallField[]> s_fields = s_byName.Values.ToFrozenDictionary(info => info.Name, FieldsOf, StringComparer.Ordinal);

    // By number, from 1.
    private static readonly CallField[][] s_testFields = [.. TestFields.All.Select(FieldsOf)];

    /// <summary>The ioctl of a name; null for system calls of another kind and for unknown numbers.</summary>
    public static IoctlInfo? Find(string name) => s_byName.GetValueOrDefault(name);

    /// <summary>Whether an ioctl is made on the file of a device, not of a context.</summary>
    public static bool IsOnDevice(string name) => name is Bind or Attach or Detach;

    /// <summary>Every name by alphabet.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_byName.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The operation of a TEST call; null for other calls and unknown operations.</summary>
    public static TestOperation? OperationOf(CallRecord call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return call.Name == Test ? TestFields.Find(s_op.Read(call.Before.Span)) : null;
    }

    /// <summary>The fields that mean something in a call, in order: of TEST those of its operation too. None for a call without a structure that is known.</summary>
    public static IReadOnlyList<CallField> FieldsOf(CallRecord call) =>
        OperationOf(call) is { } operation ? s_testFields[(int)operation.Op - 1] : s_fields.GetValueOrDefault(call.Name) ?? [];

    /// <summary>A field of a call by name, read from bytes of its structure; 0 if it has none of this name.</summary>
    public static ulong Read(CallRecord call, string field, ReadOnlySpan<byte> bytes)
    {
        foreach (CallField one in FieldsOf(call))
        {
            if (one.Name == field)
                return one.Field.Read(bytes);
        }
        return 0;
    }

    private static CallField[] FieldsOf(IoctlInfo info) => info.Structure is null ? []
        : [.. FieldMap.Of(info.Structure).Select(field => new CallField(field, info.Name == Test && field.Name == "id" ? FieldRole.Number : FieldMeanings.RoleOf(info.Name, field), info.Name))];

    private static CallField[] FieldsOf(TestOperation operation)
    {
        FieldRole id = operation.IdIs switch { "" => FieldRole.Number, "access_fd" => FieldRole.Descriptor, _ => FieldRole.ObjectId };
        return
        [
            .. s_fields[Test].Select(field => field.Name == "id" ? field with { Role = id } : field),
            .. operation.Fields.Select(field => new CallField(field, FieldMeanings.RoleOf(operation.Name, field), operation.Name)),
        ];
    }

    private static IoctlInfo OfDevice<T>(string name, uint number) where T : unmanaged
    {
        int bytes = Unsafe.SizeOf<T>();
        return new(IoctlTable.Type + number, name, typeof(T), bytes, bytes);
    }
}
