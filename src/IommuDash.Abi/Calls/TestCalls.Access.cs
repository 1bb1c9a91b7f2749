// Test operations on emulated devices: the id of the command is the descriptor of an access file.
using System.Buffers;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Abi;

internal static partial class TestCalls
{
    private static Refusal? CreateAccess(ref IoctlCall call, MockTests tests)
    {
        ref TestCreateAccess union = ref Union<TestCreateAccess>(ref call);
        if (tests.CreateAccess(call.Caller.Process, call.As<IommuTest>().Id, union.Flags, out AccessFile? file) is { } refusal)
            return refusal;
        Refusal? failed = call.Respond() ?? (call.Caller.TryDeliver(file!, call.Argument + IommuTest.UnionOffset) ? null : AbiRefusals.NoDescriptor);
        if (failed is not null)
            file!.Close();
        return failed;
    }

    private static Refusal? AccessPages(ref IoctlCall call)
    {
        ref TestAccessPages union = ref Union<TestAccessPages>(ref call);
        AccessFile? file = FindAccess(ref call);
        (uint flags, ulong iova) = (union.Flags, union.Iova);
        SyzIova.Resolve(file?.Access.Ioas, ref flags, ref iova);
        if (MockTests.AccessPages(file, call.Caller.Process, (AccessFlags)flags, iova, union.Length, union.Uptr, out union.OutAccessPagesId) is { } refusal)
            return refusal;
        if (call.Respond() is not { } fault)
            return null;
        if (file!.Unpin(union.OutAccessPagesId) is { } stuck)
            throw new InvalidOperationException($"Pages just pinned cannot be unpinned: {stuck.Reason}");
        return fault;
    }

    private static Refusal? DestroyAccessPages(ref IoctlCall call) => MockTests.DestroyAccessPages(FindAccess(ref call), Union<TestDestroyAccessPages>(ref call).AccessPagesId);

    private static Refusal? AccessReplaceIoas(ref IoctlCall call) => MockTests.AccessReplaceIoas(FindAccess(ref call), Union<TestAccessReplaceIoas>(ref call).IoasId);

    private static Refusal? AccessRw(ref IoctlCall call)
    {
        ref TestAccessRw union = ref Union<TestAccessRw>(ref call);
        AccessFile? file = FindAccess(ref call);
        SyzIova.Resolve(file?.Access.Ioas, ref union.Flags, ref union.Iova);
        var flags = (AccessFlags)union.Flags;
        if (MockTests.CheckAccessRw(file, union.Length, flags) is { } bad)
            return bad;
        bool write = flags.HasFlag(AccessFlags.Write);
        byte[] rented = ArrayPool<byte>.Shared.Rent((int)union.Length);
        Span<byte> buffer = rented.AsSpan(0, (int)union.Length);
        Refusal? refusal = write && !call.Caller.TryRead(union.Uptr, buffer) ? AbiRefusals.Fault
            : MockTests.AccessRw(file, call.Caller.Process, union.Iova, buffer, flags);
        if (refusal is null && !write && !call.Caller.TryWrite(union.Uptr, buffer))
            refusal = AbiRefusals.Fault;
        ArrayPool<byte>.Shared.Return(rented);
        return refusal;
    }

    private static AccessFile? FindAccess(ref IoctlCall call) => call.Caller.FindFile((int)call.As<IommuTest>().Id) as AccessFile;
}
