using IommuDash.Abi.Layout;
using IommuDash.Engine;

namespace IommuDash.Abi.Tests;

/// <summary>Calls that succeed and leave nothing new behind allocate nothing, however often a program makes them.</summary>
public sealed class AllocationTests
{
    private const ulong SecondCommand = AbiRig.Command + 0x1000;
    private const ulong Iova = 0x100_0000;

    [Fact]
    public void IovaRanges_Succeeds_AllocatesNothing()
    {
        using var rig = new AbiRig();
        (uint ioas, _) = Domain(rig);
        var command = new IommuIoasIovaRanges { IoasId = ioas, NumIovas = 4, AllowedIovas = AbiRig.Buffer };
        AssertFree(rig, 0x84, ref command);
        Assert.Equal(1u, command.NumIovas);
    }

    [Fact]
    public void GetHwInfo_Succeeds_AllocatesNothing()
    {
        using var rig = new AbiRig();
        (_, uint device) = Domain(rig);
        var command = new IommuHwInfo { DevId = device, DataLen = 64, DataUptr = AbiRig.Buffer };
        AssertFree(rig, 0x8a, ref command);
        Assert.Equal(8u, command.DataLen);
    }

    [Fact]
    public void CopyAndUnmap_Succeed_AllocateNothing()
    {
        using var rig = new AbiRig();
        (uint ioas, _) = Domain(rig);
        var map = new IommuIoasMap { Flags = 7, IoasId = ioas, UserVa = AbiRig.Buffer, Length = 0x4000, Iova = Iova };
        Assert.Equal(Errno.None, rig.Call(0x85, ref map));
        rig.WriteWords(SecondCommand, 24 | ((ulong)ioas << 32), Iova + 0x10_0000, 0x4000);
        var command = new IommuIoasCopy { Flags = 7, DstIoasId = ioas, SrcIoasId = ioas, Length = 0x4000, SrcIova = Iova, DstIova = Iova + 0x10_0000 };
        AssertFree(rig, 0x83, ref command, undo: 0x3b86);
    }

    private static (uint Ioas, uint Device) Domain(AbiRig rig)
    {
        var alloc = new IommuIoasAlloc();
        Assert.Equal(Errno.None, rig.Call(0x81, ref alloc));
        var mock = new TestCall<TestMockDomain>(TestOp.MockDomain, alloc.OutIoasId);
        Assert.Equal(Errno.None, rig.Call(0xa0, ref mock, 72));
        return (alloc.OutIoasId, mock.Union.OutIdevId);
    }

    // Makes the call many times, each followed by the undoing call at SecondCommand if there is one.
    private static void AssertFree<T>(AbiRig rig, uint number, ref T command, uint undo = 0) where T : unmanaged
    {
        Assert.Equal(Errno.None, rig.Call(number, ref command));
        long refused = 0;
        long Spend(int calls)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < calls; i++)
            {
                refused |= undo == 0 ? 0 : rig.File.Ioctl(rig.Caller, undo, SecondCommand).Value;
                refused |= rig.File.Ioctl(rig.Caller, 0x3b00 + number, AbiRig.Command).Value;
            }
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // As many calls to warm up, so that what is made once per process or when code is optimised is made by then.
        Spend(5_000);
        Assert.Equal(0, Spend(5_000));
        Assert.Equal(0, refused);
    }
}
