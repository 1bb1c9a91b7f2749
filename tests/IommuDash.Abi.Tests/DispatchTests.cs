using IommuDash.Abi.Layout;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Abi.Tests;

public sealed class DispatchTests
{
    private const ulong Nowhere = 0x1000;

    [Theory]
    [InlineData(0x3b7fu, Nowhere, Errno.ENOTTY)]
    [InlineData(0x3b95u, Nowhere, Errno.EFAULT)]
    [InlineData(0x3b95u, AbiRig.Command, Errno.ENOTTY)]
    [InlineData(0x3ba1u, Nowhere, Errno.ENOTTY)]
    [InlineData(0x3b80u, Nowhere, Errno.EFAULT)]
    [InlineData(0x1234u, AbiRig.Command, Errno.ENOTTY)]
    public void Ioctl_UnknownNumberOrPointer_AnswersInOrder(uint request, ulong argument, Errno expected)
    {
        using var rig = new AbiRig();
        Assert.Equal(-(long)expected, rig.File.Ioctl(rig.Caller, request, argument).Value);
    }

    [Theory]
    [InlineData(0x8fu)]
    [InlineData(0x90u)]
    [InlineData(0x94u)]
    public void Ioctl_NewerThanTheLevel_IsEnotty(uint number)
    {
        using var old = new AbiRig(ReferenceLevel.Linux612);
        using var current = new AbiRig();
        var command = new IommuHwQueueAlloc();
        Assert.Equal(Errno.ENOTTY, old.Call(number, ref command));
        Assert.NotEqual(Errno.ENOTTY, current.Call(number, ref command));
    }

    [Fact]
    public void Ioctl_ShorterThanTheFirstVersion_IsEinval()
    {
        using var rig = new AbiRig();
        foreach (IoctlInfo info in IoctlTable.AllNative)
        {
            var command = new IommuTest();
            Assert.Equal(Errno.EINVAL, rig.Call(info.Number - 0x3b00, ref command, (uint)info.MinBytes - 1));
        }
    }

    [Fact]
    public void Ioctl_LongerThanKnown_TakesZeroesAndRefusesRubbish()
    {
        using var rig = new AbiRig();
        var zeroes = new Longer { Command = new IommuDestroy { Id = 9 } };
        Assert.Equal(Errno.ENOENT, rig.Call(0x80, ref zeroes));
        var rubbish = zeroes with { Tail = 1 };
        Assert.Equal(Errno.E2BIG, rig.Call(0x80, ref rubbish));
    }

    [Fact]
    public void Ioctl_RubbishBeforeAnUnreadablePage_IsE2big()
    {
        using var rig = new AbiRig();
        ulong end = AbiRig.Command + AbiRig.CommandBytes;
        Span<byte> bytes = stackalloc byte[16];
        BitConverter.TryWriteBytes(bytes, 4096u);
        rig.Caller.TryWrite(end - 16, bytes);
        Assert.Equal(-(long)Errno.EFAULT, rig.File.Ioctl(rig.Caller, 0x3b80, end - 16).Value);
        bytes[12] = 1;
        rig.Caller.TryWrite(end - 16, bytes);
        Assert.Equal(-(long)Errno.E2BIG, rig.File.Ioctl(rig.Caller, 0x3b80, end - 16).Value);
    }

    [Fact]
    public void IoasAlloc_AnswerCannotBeDelivered_LeavesNothing()
    {
        using var rig = new AbiRig();
        var command = new IommuIoasAlloc();
        rig.Caller.RefusesWrites = true;
        Assert.Equal(Errno.EFAULT, rig.CallRaw(0x81, ref command));
        Assert.Empty(rig.File.Context.Objects.All);
        rig.Caller.RefusesWrites = false;
        Assert.Equal(Errno.None, rig.Call(0x81, ref command));
        Assert.Equal(1u, command.OutIoasId);
    }

    [Fact]
    public void IoasAlloc_UndoneWhileALookupIsMadeToFail_StillLeavesNothing()
    {
        using var rig = new AbiRig();
        rig.Host.FailurePoints = new FailsLookups();
        rig.Caller.RefusesWrites = true;
        var command = new IommuIoasAlloc();
        Assert.Equal(Errno.EFAULT, rig.CallRaw(0x81, ref command));
        Assert.Empty(rig.File.Context.Objects.All);
        Assert.NotNull(rig.Host.FailurePoints);
    }

    private sealed class FailsLookups : IFailurePoints
    {
        public bool ShouldFail(FailurePoint point) => point == FailurePoint.ObjectLookup;
    }

    [Theory]
    [InlineData(0u, 0u, Errno.None)]
    [InlineData(1u, 0x1000u, Errno.None)]
    [InlineData(1u, 0x2000u, Errno.ENOENT)]
    [InlineData(2u, 0u, Errno.ENOENT)]
    public void IoasCopy_WithAFuzzersAddress_MeansTheNthArea(uint ordinal, uint offset, Errno expected)
    {
        using var rig = new AbiRig();
        var alloc = new IommuIoasAlloc();
        rig.Call(0x81, ref alloc);
        foreach (ulong iova in (ulong[])[0x10000, 0x20000])
        {
            var map = new IommuIoasMap { Flags = 7, IoasId = alloc.OutIoasId, UserVa = AbiRig.Buffer, Length = 0x2000, Iova = iova };
            Assert.Equal(Errno.None, rig.Call(0x85, ref map));
        }
        var copy = new IommuIoasCopy { Flags = 6 | 1 << 16, DstIoasId = alloc.OutIoasId, SrcIoasId = alloc.OutIoasId, Length = 0x1000, SrcIova = (ulong)offset << 32 | ordinal };
        Assert.Equal(expected, rig.Call(0x83, ref copy));
        copy.Flags = 6 | 1 << 16;
        copy.SrcIoasId = 9;
        Assert.Equal(Errno.ENOENT, rig.Call(0x83, ref copy));
    }

    [Fact]
    public void AccessOps_WithAFuzzersAddress_LeaveItInTheCommand()
    {
        using var rig = new AbiRig();
        var alloc = new IommuIoasAlloc();
        rig.Call(0x81, ref alloc);
        var map = new IommuIoasMap { Flags = 7, IoasId = alloc.OutIoasId, UserVa = AbiRig.Buffer, Length = 0x2000, Iova = 0x10000 };
        Assert.Equal(Errno.None, rig.Call(0x85, ref map));
        var create = new TestCall<TestCreateAccess>(TestOp.CreateAccess, alloc.OutIoasId) { Union = { Flags = 1 } };
        Assert.Equal(Errno.None, rig.Call(0xa0, ref create, 72));
        var pages = new TestCall<TestAccessPages>(TestOp.AccessPages, TestCaller.FirstFd) { Union = { Flags = 1 << 16, Iova = 0x1000UL << 32, Length = 0x1000 } };
        Assert.Equal(Errno.None, rig.Call(0xa0, ref pages, 72));
        Assert.Equal((1u << 16, 0x1000UL << 32), (pages.Union.Flags, pages.Union.Iova));
        // The descriptor is looked up before the address.
        var rw = new TestCall<TestAccessRw>(TestOp.AccessRw, 999) { Union = { Flags = 1 << 16, Length = 1 } };
        Assert.Equal(Errno.EBADFD, rig.Call(0xa0, ref rw, 72));
    }

    [Fact]
    public void GetDirtyBitmap_BeyondWhatOneCallFills_IsStillCheckedWhole()
    {
        using var rig = new AbiRig(ReferenceLevel.Linux612);
        var alloc = new IommuIoasAlloc();
        rig.Call(0x81, ref alloc);
        var mock = new TestCall<TestMockDomain>(TestOp.MockDomain, alloc.OutIoasId);
        Assert.Equal(Errno.None, rig.Call(0xa0, ref mock, 72));
        var hwpt = new IommuHwptAlloc { Flags = 2, DevId = mock.Union.OutIdevId, PtId = alloc.OutIoasId };
        Assert.Equal(Errno.None, rig.Call(0x89, ref hwpt));
        var get = new IommuHwptGetDirtyBitmap { HwptId = hwpt.OutHwptId, Iova = 1 << 24, Length = long.MaxValue, PageSize = 2048, Data = AbiRig.Buffer };
        Assert.Equal(Errno.EINVAL, rig.Call(0x8c, ref get));
        get.Length = 1UL << 62;
        Assert.Equal(Errno.None, rig.Call(0x8c, ref get));
    }

    [Fact]
    public void Option_Get_WritesOnlyTheValue()
    {
        using var rig = new AbiRig();
        var command = new IommuOption { Op = 1, Val64 = 7 };
        Assert.Equal(Errno.None, rig.Call(0x87, ref command));
        Assert.Equal((0ul, (ushort)1), (command.Val64, command.Op));
    }

    [Fact]
    public void Option_UnknownOperation_ComesAfterTheObject()
    {
        using var rig = new AbiRig();
        var command = new IommuOption { OptionId = 1, Op = 2, ObjectId = 5 };
        Assert.Equal(Errno.ENOENT, rig.Call(0x87, ref command));
        var alloc = new IommuIoasAlloc();
        rig.Call(0x81, ref alloc);
        command.ObjectId = alloc.OutIoasId;
        Assert.Equal(Errno.EOPNOTSUPP, rig.Call(0x87, ref command));
    }

    [Fact]
    public void IovaRanges_NoRoom_TellsTheTotal()
    {
        using var rig = new AbiRig();
        var alloc = new IommuIoasAlloc();
        rig.Call(0x81, ref alloc);
        var command = new IommuIoasIovaRanges { IoasId = alloc.OutIoasId };
        Assert.Equal(Errno.EMSGSIZE, rig.Call(0x84, ref command));
        Assert.Equal((1u, 1ul), (command.NumIovas, command.OutIovaAlignment));
    }

    [Fact]
    public void AllowIovas_BadRangeBeforeUnreadableOnes_IsEinval()
    {
        using var rig = new AbiRig();
        var alloc = new IommuIoasAlloc();
        rig.Call(0x81, ref alloc);
        ulong list = AbiRig.Buffer + AbiRig.BufferBytes - 32;
        rig.WriteWords(list, 0x1000, 0x2fff, 0x2000, 0x3fff);
        var command = new IommuIoasAllowIovas { IoasId = alloc.OutIoasId, NumIovas = 3, AllowedIovas = list };
        Assert.Equal(Errno.EINVAL, rig.Call(0x82, ref command));
        rig.WriteWords(list, 0x1000, 0x1fff, 0x2000, 0x3fff);
        Assert.Equal(Errno.EFAULT, rig.Call(0x82, ref command));
        command.NumIovas = 2;
        Assert.Equal(Errno.None, rig.Call(0x82, ref command));
    }

    [Fact]
    public void Invalidate_Refused_StillWritesTheCount()
    {
        using var rig = new AbiRig();
        var command = new IommuHwptInvalidate { HwptId = 3, EntryNum = 5, Reserved = 1 };
        Assert.Equal(Errno.EOPNOTSUPP, rig.Call(0x8d, ref command));
        Assert.Equal(0u, command.EntryNum);
    }

    [Fact]
    public void VfioCalls_WithoutIoas_AnswerInTheReferencesOrder()
    {
        using var rig = new AbiRig();
        Assert.Equal(0, rig.File.Ioctl(rig.Caller, 0x3b64, 0).Value);
        Assert.Equal(1, rig.File.Ioctl(rig.Caller, 0x3b65, 3).Value);
        Assert.Equal(-(long)Errno.ENODEV, rig.File.Ioctl(rig.Caller, 0x3b66, 3).Value);
        Assert.Equal(-(long)Errno.EFAULT, rig.File.Ioctl(rig.Caller, 0x3b70, Nowhere).Value);
        Assert.Equal(-(long)Errno.ENOTTY, rig.File.Ioctl(rig.Caller, 0x3b75, Nowhere).Value);
    }

    [Fact]
    public void FaultQueueAlloc_DeliversTheFileLast()
    {
        using var rig = new AbiRig();
        var command = new IommuFaultAlloc();
        Assert.Equal(Errno.None, rig.Call(0x8e, ref command));
        Assert.Equal((1u, (uint)TestCaller.FirstFd), (command.OutFaultId, command.OutFaultFd));
        Assert.IsType<FaultQueue>(Assert.Single(rig.Caller.Files));
    }

    [Theory]
    [InlineData(0x80000u, true)]
    [InlineData(0x80002u, true)]
    [InlineData(2u, false)]
    [InlineData(0u, false)]
    public void DmabufGet_OpenFlags_DecideWhetherTheDescriptorClosesOnExec(uint openFlags, bool closes)
    {
        using var rig = new AbiRig();
        var get = new TestCall<TestDmabufGet>(TestOp.DmabufGet, 0) { Union = { Length = 0x1000, OpenFlags = openFlags } };
        Assert.Equal(Errno.None, rig.Call(0xa0, ref get, 72));
        Assert.Equal(closes, rig.Caller.ClosesOnExec);
        Assert.IsType<Dmabuf>(Assert.Single(rig.Caller.Files)).Close();
    }

    [Fact]
    public void Calls_ThatChangeNothing_AllocateNothing()
    {
        using var rig = new AbiRig();
        var alloc = new IommuIoasAlloc();
        rig.Call(0x81, ref alloc);
        var command = new IommuOption { Size = 24, OptionId = 1, Op = 1, ObjectId = alloc.OutIoasId };
        rig.Call(0x87, ref command);
        long Spend(int calls)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < calls; i++)
                rig.File.Ioctl(rig.Caller, 0x3b87, AbiRig.Command);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Spend(100);
        Assert.Equal(0, Spend(10_000));
    }

    private struct Longer
    {
        public IommuDestroy Command;
        public uint Tail;
    }
}
