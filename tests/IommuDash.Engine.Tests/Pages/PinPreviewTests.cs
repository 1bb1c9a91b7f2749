using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Tests.Pages;

public sealed class PinPreviewTests
{
    private const ulong Page = PhysicalMemory.FrameBytes;
    private const ulong LimitPages = 64;

    /// <summary>The preview and the call must agree, whatever is asked: same errno and rule, same charge.</summary>
    [Theory]
    [InlineData(TestHosts.Buffer, 64 * Page, true)]
    [InlineData(TestHosts.Buffer, 65 * Page, true)]
    [InlineData(TestHosts.Buffer + 0x800, 64 * Page, true)]
    [InlineData(TestHosts.Huge, 16 * Page, true)]
    [InlineData(TestHosts.ReadOnly, Page, false)]
    [InlineData(TestHosts.ReadOnly, Page, true)]
    [InlineData(TestHosts.ReadOnly, 2 * Page, false)]
    [InlineData(TestHosts.Buffer - Page, 2 * Page, false)]
    [InlineData(0UL, 0UL, false)]
    [InlineData(ulong.MaxValue - Page, 4 * Page, false)]
    public void Of_AnyRange_AgreesWithMap(ulong address, ulong length, bool writable)
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Mock, memlockBytes: LimitPages * Page));
        using EmulatedHost _ = host;
        Assert.Null(context.IoasAlloc(out uint ioasId));
        Assert.Null(context.Bind(host.FindDevice("0000:01:00.0")!, out Device? device));
        Assert.Null(context.Attach(device!.Id, ioasId, out uint _));
        uint inUse = host.Memory.FramesInUse;

        var preview = PinPreview.Of(context, process, address, length, writable);

        Assert.Equal(inUse, host.Memory.FramesInUse);
        Assert.Equal(LimitPages, preview.LimitPages);
        ulong iova = 1UL << 24;
        MapFlags flags = MapFlags.Readable | MapFlags.FixedIova | (writable ? MapFlags.Writeable : 0);
        Refusal? refusal = length == 0 ? preview.Refusal : context.IoasMap(process, ioasId, flags, address, length, ref iova);
        Assert.Equal((refusal?.Errno, refusal?.Rule, refusal?.Reason), (preview.Refusal?.Errno, preview.Refusal?.Rule, preview.Refusal?.Reason));
        if (refusal is null)
        {
            Assert.Equal(process.User.LockedPages, preview.LockedAfter);
            Assert.Equal(host.Memory.PinnedFrames, preview.Pages);
        }
    }

    [Fact]
    public void Of_PartlyTouched_CountsTheRestAsFresh()
    {
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(TestHosts.Describe(IommuVendor.Intel));
        using EmulatedHost _ = host;
        Assert.Null(host.WriteMemory(process.Pid, TestHosts.Buffer + (3 * Page), [1, 2, 3]));

        var preview = PinPreview.Of(context, process, TestHosts.Buffer, 1_000 * Page, writable: true);

        Assert.Equal((1_000UL, 999UL, AccountMode.User), (preview.Pages, preview.FreshFrames, preview.Mode));
    }

    [Fact]
    public void Of_CapIpcLock_ChargesNobody()
    {
        HostDescription description = TestHosts.Describe(IommuVendor.Intel, memlockBytes: Page);
        description = description with { Processes = [description.Processes[0] with { CapIpcLock = true }] };
        (EmulatedHost host, IommufdContext context, EmulatedProcess process) = TestHosts.Start(description);
        using EmulatedHost _ = host;

        var preview = PinPreview.Of(context, process, TestHosts.Buffer, 100 * Page, writable: true);

        Assert.Null(preview.Refusal);
        Assert.Equal((AccountMode.None, 0UL), (preview.Mode, preview.LockedAfter));
    }
}
