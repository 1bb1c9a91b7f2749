// A C program that makes a call again, with the calls it stands on: compiles by itself with any C11 compiler, and exits with 0 if the answer is the same.
// Ids and descriptors are taken from the calls that gave them, so it does not matter which numbers the kernel chooses. What the program did to its memory in between is not known.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Engine;

namespace IommuDash.Workspaces.Calls;

/// <summary>Writes the program of one call.</summary>
internal sealed class CProgram
{
    private const int MaxBufferBytes = 64 << 20;

    private readonly CallChain _chain;
    private readonly CallRecord _call;
    private readonly CMemory _memory;
    private readonly StringBuilder _main = new();
    private readonly Dictionary<uint, string> _ids = [];
    private readonly Dictionary<uint, string> _files = [];
    private readonly SortedDictionary<string, string> _types = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _requests = new(StringComparer.Ordinal);
    private int _devices;
    private bool _needsMemfd;
    private bool _needsMust = true;

    private CProgram(CallChain chain, CallRecord call)
    {
        _chain = chain;
        _call = call;
        _memory = new CMemory([.. chain.Calls, call]);
    }

    /// <summary>The program, or null and why there is none.</summary>
    public static string? Write(CallChain chain, CallRecord call, out string reason)
    {
        reason = call.Kind switch
        {
            CallKind.Munmap => "a mapping cannot be told from another by the call that ends it.",
            CallKind.Ioctl or CallKind.Open => "",
            CallKind.Close or CallKind.Mmap when call.FileObjects.Count == 0 => "",
            _ when call.FileObjects is [var id, ..] && chain.Calls.Any(c => CallObjects.Given(c).Contains(id)) => "",
            _ => "the call that made its file is no longer kept.",
        };
        if (reason.Length == 0 && CallTypes.IsOnDevice(call.Name) && call.Name != CallTypes.Bind && !(call.FileObjects is [var device] && chain.Calls.Any(c => CallObjects.Given(c).Contains(device))))
            reason = "the call that bound the device is no longer kept.";
        return reason.Length == 0 ? new CProgram(chain, call).Write() : null;
    }

    private string Write()
    {
        bool opens = _call.Kind != CallKind.Open;
        if (opens)
            _main.Append(CultureInfo.InvariantCulture, $"\tint iommu = must(\"open\", open({CStructures.Quoted(_chain.Open?.FileName ?? "/dev/iommu")}, O_RDWR | O_CLOEXEC));\n");
        for (int i = 0; i < _memory.Regions.Count; i++)
            _main.Append(_memory.Make(i));
        foreach (CallRecord before in _chain.Calls)
        {
            _main.Append('\n').Append(CultureInfo.InvariantCulture, $"\t/* call {before.Number}: {CStructures.Comment(CallText.NameOf(before))} */\n");
            string expression = Prepare(before);
            _main.Append(CultureInfo.InvariantCulture, $"\tmust({CStructures.Quoted(CallText.NameOf(before))}, {expression});\n");
            Learn(before);
        }
        _needsMust = opens || _chain.Calls.Count > 0 || _needsMemfd;
        _main.Append('\n').Append(CultureInfo.InvariantCulture, $"\t/* call {_call.Number}: {CStructures.Comment(CallText.NameOf(_call))}{(_call.Refusal is { } refusal ? ", refused: " + CStructures.Comment(refusal.Reason) : "")} */\n");
        string last = Prepare(_call);
        _main.Append(CultureInfo.InvariantCulture, $"\tlong result = {last};\n");
        Compare();
        return Head() + _main + "}\n";
    }

    private void Compare()
    {
        string expected = _call.Errno is { } errno ? CErrno.NameOf(errno) : GivesDescriptor(_call) ? "a descriptor" : _call.Result.ToString(CultureInfo.InvariantCulture);
        _main.Append("\tint error = result < 0 ? errno : 0;\n\n");
        _main.Append(CultureInfo.InvariantCulture, $"\tprintf({CStructures.Quoted(CallText.NameOf(_call))} \": %ld %s, recorded was {expected}\\n\", result, error ? strerror(error) : \"\");\n");
        if (StructureOf(_call) is not null)
        {
            foreach (CallField field in CallTypes.FieldsOf(_call).Where(f => f.IsOutput || f.Field.Read(_call.After.Span) != f.Field.Read(_call.Before.Span)))
                _main.Append(CultureInfo.InvariantCulture, $"\tprintf(\"{field.Name}=0x%llx\\n\", (unsigned long long){Variable(_call)}.{field.Name});\n");
        }
        string same = _call.Errno is { } failed ? $"error == {CErrno.NameOf(failed)}" : GivesDescriptor(_call) ? "result >= 0" : string.Create(CultureInfo.InvariantCulture, $"result == {_call.Result}");
        _main.Append(CultureInfo.InvariantCulture, $"\treturn {same} ? 0 : 1;\n");
    }

    private static bool GivesDescriptor(CallRecord call) => call.Kind == CallKind.Open || CallTypes.OperationOf(call) is { Op: TestOp.DmabufGet };

    // Declarations a call needs, and then the expression that makes it.
    private string Prepare(CallRecord call)
    {
        switch (call.Kind)
        {
            case CallKind.Open:
                return $"open({CStructures.Quoted(call.FileName ?? "/dev/iommu")}, O_RDWR | O_CLOEXEC)";
            case CallKind.Close:
                return $"close({FileOf(call)})";
            case CallKind.Mmap:
                return $"(long)mmap(NULL, {CStructures.Number(call.LengthBytes)}, PROT_READ | PROT_WRITE, MAP_SHARED, {FileOf(call)}, {CStructures.Number(call.Offset)}) == -1 ? -1 : 0";
            case CallKind.Read or CallKind.Write:
                string buffer = Buffer(call, 0, call.LengthBytes, call.Kind == CallKind.Write && call.Buffers is [var written, ..] ? written : null);
                return $"{call.Kind.ToString().ToLowerInvariant()}({FileOf(call)}, {buffer}, {CStructures.Number(call.LengthBytes)})";
        }
        IoctlInfo? info = CallTypes.Find(call.Name);
        string request = info is null ? CallText.Hex(call.Request) : CStructures.RequestOf(call.Name);
        if (info is not null)
            _requests[request] = CStructures.Request(info);
        string file = CallTypes.IsOnDevice(call.Name) ? DeviceOf(call) : "iommu";
        if (info is { Structure: null })
            return $"ioctl({file}, {request}, {CStructures.Number(call.Argument)}ul)".Replace("ullul", "ul", StringComparison.Ordinal);
        if (StructureOf(call) is { } type)
        {
            _types[type] = CStructures.Type(call);
            Structure(call, type);
            return $"ioctl({file}, {request}, &{Variable(call)})";
        }
        if (call.Before.Length < sizeof(uint) || call.Refusal?.Rule == "abi.fault")
            return $"ioctl({file}, {request}, (void *){CStructures.Number(call.Argument)})";
        // The structure's length is wrong, so it is passed as bytes.
        _main.Append(CultureInfo.InvariantCulture, $"\tstatic uint8_t {Variable(call)}[] = {CStructures.Bytes(Whole(call))};\n");
        return $"ioctl({file}, {request}, {Variable(call)})";
    }

    // The type a call's structure is written as; null where only its bytes say what was passed.
    private static string? StructureOf(CallRecord call) =>
        call.Kind == CallKind.Ioctl && CallTypes.Find(call.Name) is { Structure: not null } info && call.Before.Length > sizeof(uint)
        && MemoryMarshal.Read<uint>(call.Before.Span) <= Math.Max(info.KnownBytes, call.Name.StartsWith("VFIO_IOMMU", StringComparison.Ordinal) ? uint.MaxValue : 0)
        && !(call.Refusal is { } refusal && refusal.Rule is "abi.size.short" or "abi.fault")
        && (call.Name != CallTypes.Test || CallTypes.OperationOf(call) is not null)
            ? CStructures.TypeOf(call) : null;

    private static byte[] Whole(CallRecord call)
    {
        ulong end = call.Argument + (ulong)call.Before.Length;
        return [.. call.Before.Span, .. call.Buffers.FirstOrDefault(b => b.Address == end && !b.IsWrite) is { } tail ? tail.Bytes.Span : default];
    }

    private void Structure(CallRecord call, string type)
    {
        var fields = new StringBuilder();
        int buffers = 0;
        foreach (CallField field in CallTypes.FieldsOf(call))
        {
            ulong value = field.Field.Read(call.Before.Span);
            if (field.Role == FieldRole.Size)
            {
                fields.Append(CultureInfo.InvariantCulture, $"\t\t.{field.Name} = {(value == (ulong)CallTypes.Find(call.Name)!.KnownBytes ? $"sizeof({Variable(call)})" : CStructures.Number(value))},\n");
                continue;
            }
            if (value == 0 || (field.IsOutput && field.Role != FieldRole.Choice))
                continue;
            (string text, string comment) = Value(call, field, value, ref buffers);
            fields.Append(CultureInfo.InvariantCulture, $"\t\t.{field.Name} = {text},{(comment.Length == 0 ? "" : $" /* {comment} */")}\n");
        }
        _main.Append(CultureInfo.InvariantCulture, $"\tstruct {type} {Variable(call)} = {{\n{fields}\t}};\n");
    }

    private (string Text, string Comment) Value(CallRecord call, CallField field, ulong value, ref int buffers)
    {
        switch (field.Role)
        {
            case FieldRole.ObjectId:
                return _ids.TryGetValue((uint)value, out string? id) ? (id, "") : (CStructures.Number(value), "");
            case FieldRole.Flags or FieldRole.Choice:
                return (CStructures.Number(value), CallText.Value(field, value));
            case FieldRole.Memory:
                return _memory.Find(value) is { } memory ? (memory, "") : (CStructures.Number(value), "nothing is there");
            case FieldRole.Buffer:
                ulong bytes = FieldMeanings.PointedBytes(field.Namesake, field.Name, name => CallTypes.Read(call, name, call.Before.Span));
                CallBuffer? read = call.Buffers.FirstOrDefault(b => b.Address == value && !b.IsWrite);
                return bytes == 0 || read is { Failed: true } || call.Buffers.Any(b => b.Address == value && b.Failed) ? (CStructures.Number(value), "nothing is there") : ($"(uintptr_t){Buffer(call, buffers++, bytes, read)}", read is { IsCut: true } ? "only its beginning is known" : "");
            case FieldRole.Descriptor when field.Name == "iommufd":
                return ("iommu", "");
            case FieldRole.Descriptor when field.Name == "id":
                return call.FileObjects is [var access, ..] && _files.TryGetValue(access, out string? made) ? (made, "") : (((int)value).ToString(CultureInfo.InvariantCulture), "");
            case FieldRole.Descriptor when call.Name == "IOAS_MAP_FILE" && call.Errno != Errno.EBADF:
                _needsMemfd = true;
                ulong size = CallTypes.Read(call, "start", call.Before.Span) + CallTypes.Read(call, "length", call.Before.Span);
                return ($"memfd({CStructures.Number(size)})", "stands for the caller's own file");
            case FieldRole.Descriptor:
                return (((int)value).ToString(CultureInfo.InvariantCulture), "");
            default:
                return (CStructures.Number(value), "");
        }
    }

    // An array for what a call copies in or out.
    private string Buffer(CallRecord call, int index, ulong bytes, CallBuffer? read)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"buffer_{call.Number}{(index == 0 ? "" : $"_{index}")}");
        ulong room = Math.Clamp(Math.Max(bytes, (ulong)(read?.LengthBytes ?? 0)), 1, MaxBufferBytes);
        _main.Append(CultureInfo.InvariantCulture, $"\tstatic uint8_t {name}[{room}]{(read is { Bytes.IsEmpty: false } ? " = " + CStructures.Bytes(read.Bytes.Span) : "")};\n");
        return name;
    }

    private string FileOf(CallRecord call) => call.FileObjects is [var id, ..] && _files.TryGetValue(id, out string? file) ? file : "iommu";

    // Which file a device has depends on the machine, so the program is told.
    private string DeviceOf(CallRecord call)
    {
        if (call.Name != CallTypes.Bind)
            return FileOf(call);
        string name = string.Create(CultureInfo.InvariantCulture, $"vfio_{call.Number}");
        _main.Append(CultureInfo.InvariantCulture, $"\tint {name} = must(argv[{++_devices}], open(argv[{_devices}], O_RDWR | O_CLOEXEC)); /* {CStructures.Comment(call.FileName ?? "a device")} */\n");
        return name;
    }

    // What later calls may name.
    private void Learn(CallRecord call)
    {
        foreach (CallField field in CallTypes.FieldsOf(call))
        {
            if (CallObjects.IsGiven(call, field))
                _ids[(uint)field.Field.Read(call.After.Span)] = $"{Variable(call)}.{field.Name}";
            if (field.Role == FieldRole.Descriptor && field.IsOutput && call.FileObjects is [var made, ..])
                _files[made] = $"{Variable(call)}.{field.Name}";
        }
        if (call.Name == CallTypes.Bind && CallObjects.Given(call) is [var device, ..])
            _files[device] = string.Create(CultureInfo.InvariantCulture, $"vfio_{call.Number}");
    }

    private static string Variable(CallRecord call) => string.Create(CultureInfo.InvariantCulture, $"call_{call.Number}");

    private string Head()
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"/*\n * {CStructures.Comment(CallText.NameOf(_call))}, as call {_call.Number} made it{(_chain.Calls.Count == 0 ? "" : $", with the {_chain.Calls.Count} calls before it that it stands on")}.\n");
        if (_chain.IsCut)
            head.Append(" * Calls before these were not kept, or are too many: the answer may differ.\n");
        head.Append(" * Exits with 0 if the answer is the same. Build: cc -Wall -o call call.c\n");
        if (_devices > 0)
            head.Append(" * Arguments: the files of its devices in order, e.g. /dev/vfio/devices/vfio0\n");
        head.Append(" */\n#define _GNU_SOURCE\n#include <errno.h>\n#include <fcntl.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <sys/ioctl.h>\n#include <sys/mman.h>\n#include <unistd.h>\n\n");
        foreach (string request in _requests.Values)
            head.Append(request);
        head.Append(_requests.Count > 0 ? "\n" : "");
        foreach (string type in _types.Values)
            head.Append(type).Append('\n');
        if (_needsMust)
            head.Append("static int must(const char *what, long result)\n{\n\tif (result < 0) {\n\t\tperror(what);\n\t\texit(2);\n\t}\n\treturn (int)result;\n}\n\n");
        if (_needsMemfd)
            head.Append("static int memfd(size_t bytes)\n{\n\tint fd = must(\"memfd_create\", memfd_create(\"iommu\", MFD_CLOEXEC));\n\n\tmust(\"ftruncate\", ftruncate(fd, (off_t)bytes));\n\treturn fd;\n}\n\n");
        if (_memory.Regions.Count > 0)
            head.Append(CMemory.Function);
        head.Append(_devices == 0 ? "int main(void)\n{\n" : $"int main(int argc, char **argv)\n{{\n\tif (argc != {_devices + 1}) {{\n\t\tfprintf(stderr, \"The files of %d devices are needed.\\n\", {_devices});\n\t\treturn 2;\n\t}}\n");
        return head.ToString();
    }
}

/// <summary>Names of errors as C has them.</summary>
internal static class CErrno
{
    public static string NameOf(Errno errno) => Enum.IsDefined(errno) ? errno.ToString() : ((int)errno).ToString(CultureInfo.InvariantCulture);
}
