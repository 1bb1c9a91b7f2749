// TEST: devices of the mock IOMMU and looks behind the scenes (drivers/iommu/iommufd/selftest.c). What an operation does is the engine's; here are its bytes.
using System.Buffers;
using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Pages;
using IommuDash.Engine.Selftest;

namespace IommuDash.Abi;

internal static partial class TestCalls
{
    private const ulong MaxDirtyBits = 1UL << 27;

    // O_CLOEXEC on x86-64.
    private const uint CloseOnExec = 0x80000;

    public static Refusal? Test(ref IoctlCall call)
    {
        ref IommuTest command = ref call.As<IommuTest>();
        var tests = new MockTests(call.Context);
        return tests.CheckOp(command.Op) ?? (TestOp)command.Op switch
        {
            TestOp.AddReserved => AddReserved(ref call, tests),
            TestOp.MockDomain => MockDomain(ref call, tests, hasFlags: false),
            TestOp.MockDomainFlags => MockDomain(ref call, tests, hasFlags: true),
            TestOp.MockDomainReplace => Replace(ref call, tests),
            TestOp.MdCheckMap => CheckMap(ref call, tests),
            TestOp.MdCheckRefs => CheckRefs(ref call),
            TestOp.CreateAccess => CreateAccess(ref call, tests),
            TestOp.AccessPages => AccessPages(ref call),
            TestOp.DestroyAccessPages => DestroyAccessPages(ref call),
            TestOp.AccessRw => AccessRw(ref call),
            TestOp.AccessReplaceIoas => AccessReplaceIoas(ref call),
            TestOp.SetTempMemoryLimit => call.Context.Host.SetTempMemoryLimit(Union<TestMemoryLimit>(ref call).Limit),
            TestOp.Dirty => Dirty(ref call, tests),
            TestOp.MdCheckIotlb => tests.CheckIotlb(command.Id, Union<TestCheckCache>(ref call).Id, Union<TestCheckCache>(ref call).Value),
            TestOp.TriggerIopf => TriggerFault(ref call, tests),
            TestOp.DevCheckCache => tests.CheckDeviceCache(command.Id, Union<TestCheckCache>(ref call).Id, Union<TestCheckCache>(ref call).Value),
            TestOp.TriggerVevent => tests.TriggerVevent(Union<TestTriggerVevent>(ref call).DevId),
            TestOp.PasidAttach => tests.PasidAttach(command.Id, Union<TestPasid>(ref call).Pasid, Union<TestPasid>(ref call).PtId, out _),
            TestOp.PasidReplace => tests.PasidReplace(command.Id, Union<TestPasid>(ref call).Pasid, Union<TestPasid>(ref call).PtId, out _),
            TestOp.PasidDetach => tests.PasidDetach(command.Id, Union<TestPasid>(ref call).Pasid),
            TestOp.PasidCheckHwpt => tests.PasidCheckHwpt(command.Id, Union<TestPasid>(ref call).Pasid, Union<TestPasid>(ref call).PtId),
            TestOp.DmabufGet => DmabufGet(ref call, tests),
            TestOp.DmabufRevoke => MockTests.DmabufRevoke(call.Caller.FindMemoryFile(Union<TestDmabufRevoke>(ref call).Fd), Union<TestDmabufRevoke>(ref call).Revoked != 0),
            _ => AbiRefusals.UnknownOp,
        };
    }

    private static ref T Union<T>(ref IoctlCall call) where T : unmanaged => ref call.At<T>(IommuTest.UnionOffset);

    private static Refusal? AddReserved(ref IoctlCall call, MockTests tests)
    {
        ref TestAddReserved union = ref Union<TestAddReserved>(ref call);
        return tests.AddReserved(call.As<IommuTest>().Id, union.Start, union.Length);
    }

    private static Refusal? MockDomain(ref IoctlCall call, MockTests tests, bool hasFlags)
    {
        ref TestMockDomain union = ref Union<TestMockDomain>(ref call);
        return tests.MockDomain(call.As<IommuTest>().Id, hasFlags ? union.DevFlags : 0, out union.OutStdevId, out union.OutHwptId, out union.OutIdevId)
            ?? call.RespondOrDestroy(union.OutStdevId);
    }

    private static Refusal? Replace(ref IoctlCall call, MockTests tests)
    {
        ref TestMockDomainReplace union = ref Union<TestMockDomainReplace>(ref call);
        return tests.Replace(call.As<IommuTest>().Id, union.PtId, out union.PtId) ?? call.Respond();
    }

    private static Refusal? CheckMap(ref IoctlCall call, MockTests tests)
    {
        ref TestCheckMap union = ref Union<TestCheckMap>(ref call);
        return tests.CheckMap(call.Caller.Process, call.As<IommuTest>().Id, union.Iova, union.Length, union.Uptr);
    }

    private static Refusal? CheckRefs(ref IoctlCall call)
    {
        ref TestCheckRefs union = ref Union<TestCheckRefs>(ref call);
        return MockTests.CheckRefs(call.Caller.Process, call.Context.Host.Memory, union.Uptr, union.Length, union.Refs);
    }

    private static Refusal? Dirty(ref IoctlCall call, MockTests tests)
    {
        ref TestDirty union = ref Union<TestDirty>(ref call);
        ulong bits = union.PageSize == 0 ? 0 : union.Length / union.PageSize;
        int bytes = bits > MaxDirtyBits ? 0 : (int)((bits + 7) / 8);
        byte[] rented = ArrayPool<byte>.Shared.Rent(bytes);
        ReadOnlySpan<byte> readable = call.Caller.ReadPrefix(union.Uptr, (uint)bytes, rented.AsSpan(0, bytes));
        Refusal? refusal = tests.Dirty(call.As<IommuTest>().Id, union.Iova, union.Length, union.PageSize, readable, union.Uptr == 0, out ulong marked);
        ArrayPool<byte>.Shared.Return(rented);
        if (refusal is not null)
            return refusal;
        union.OutNrDirty = marked;
        return call.Respond();
    }

    // The descriptor is the call's result. Of its open_flags only O_CLOEXEC means something to a descriptor; the files of all other calls always have it.
    private static Refusal? DmabufGet(ref IoctlCall call, MockTests tests)
    {
        ref TestDmabufGet union = ref Union<TestDmabufGet>(ref call);
        if (tests.DmabufGet(union.Length, out Dmabuf? buffer) is { } refusal)
            return refusal;
        if (call.Caller.TryDeliver(buffer!, 0, closeOnExec: (union.OpenFlags & CloseOnExec) != 0))
            return null;
        buffer!.Close();
        return AbiRefusals.NoDescriptor;
    }

    private static Refusal? TriggerFault(ref IoctlCall call, MockTests tests)
    {
        ref TestTriggerIopf union = ref Union<TestTriggerIopf>(ref call);
        return tests.TriggerFault(union.DevId, union.Pasid, union.Grpid, union.Perm, union.Addr);
    }
}
