using IommuDash.Abi.Layout;
using IommuDash.Engine;

namespace IommuDash.Abi.Tests;

public sealed class CallCaptureTests
{
    [Fact]
    public void Capture_OfACallWithAnArray_KeepsStructureAndOneBuffer()
    {
        using var rig = new AbiRig();
        var alloc = default(IommuIoasAlloc);
        Assert.Equal(Errno.None, rig.Call(0x81, ref alloc));
        rig.WriteWords(AbiRig.Buffer, 0x1000, 0x1fff, 0x5000, 0x5fff, 0x9000, 0x9fff);
        CallCapture capture = Call(rig, 0x82, new IommuIoasAllowIovas { IoasId = alloc.OutIoasId, NumIovas = 3, AllowedIovas = AbiRig.Buffer }, out long result);
        Assert.Equal(0, result);
        Assert.Equal((24, 24), (capture.Before.Length, capture.After.Length));
        CallBuffer ranges = Assert.Single(capture.Buffers);
        Assert.Equal((AbiRig.Buffer, false, 48, false, 48), (ranges.Address, ranges.IsWrite, ranges.LengthBytes, ranges.IsCut, ranges.Bytes.Length));
    }

    [Fact]
    public void Capture_OfABadPointer_SaysWhatFailed()
    {
        using var rig = new AbiRig();
        var alloc = default(IommuIoasAlloc);
        Assert.Equal(Errno.None, rig.Call(0x81, ref alloc));
        CallCapture capture = Call(rig, 0x82, new IommuIoasAllowIovas { IoasId = alloc.OutIoasId, NumIovas = 1, AllowedIovas = 0xdead_0000 }, out long result);
        Assert.Equal(-(long)Errno.EFAULT, result);
        CallBuffer failed = Assert.Single(capture.Buffers);
        Assert.Equal((true, 16, 0), (failed.Failed, failed.LengthBytes, failed.Bytes.Length));
        capture.Begin(rig.Caller, 0x3b82, 0xdead_0000);
        Assert.Equal(-(long)Errno.EFAULT, rig.File.Ioctl(capture, 0x3b82, 0xdead_0000).Value);
        Assert.Equal((0, 0), (capture.Before.Length, capture.Buffers.Count));
    }

    [Fact]
    public void Capture_OfManyAndLongBuffers_IsBoundedAndSaysSo()
    {
        using var rig = new AbiRig();
        var capture = new CallCapture();
        capture.Begin(rig.Caller, 0x3b82, AbiRig.Command);
        Span<byte> bytes = stackalloc byte[64];
        for (ulong i = 0; i < CallCapture.MaxBuffers + 5; i++)
            Assert.True(capture.TryRead(AbiRig.Buffer + (i * 128), bytes));
        Assert.Equal((CallCapture.MaxBuffers, 5), (capture.Buffers.Count, capture.BuffersLeftOut));
        capture.Begin(rig.Caller, 0x3b82, AbiRig.Command);
        for (ulong i = 0; i < 100; i++)
            Assert.True(capture.TryRead(AbiRig.Buffer + (i * 64), bytes));
        CallBuffer whole = Assert.Single(capture.Buffers);
        Assert.Equal((6_400, CallCapture.MaxBufferBytes, true), (whole.LengthBytes, whole.Bytes.Length, whole.IsCut));
    }

    [Fact]
    public void Capture_OfAQueue_NamesTheObjectBehindItsFile()
    {
        using var rig = new AbiRig();
        CallCapture capture = Call(rig, 0x8e, default(IommuFaultAlloc), out long result);
        Assert.Equal(0, result);
        Assert.Equal([1u], capture.FileObjects);
        Assert.NotEqual(capture.Before.ToArray(), capture.After.ToArray());
    }

    private static CallCapture Call<T>(AbiRig rig, uint number, T command, out long result)
        where T : unmanaged
    {
        var bytes = new byte[System.Runtime.CompilerServices.Unsafe.SizeOf<T>()];
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes, in command);
        BitConverter.TryWriteBytes(bytes, (uint)bytes.Length);
        Assert.True(rig.Caller.TryWrite(AbiRig.Command, bytes));
        var capture = new CallCapture();
        capture.Begin(rig.Caller, 0x3b00 + number, AbiRig.Command);
        result = rig.File.Ioctl(capture, 0x3b00 + number, AbiRig.Command).Value;
        return capture;
    }
}
