using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Engine.Tests.Selftest;

/// <summary>The selftest's pasid_attach.</summary>
public sealed class PasidTests
{
    private const uint Pasid = 100;
    private const uint PasidFlag = 4;

    [Fact]
    public void PasidAttach_DeviceWithoutPasids_IsEinval()
    {
        using var rig = new MockRig();
        (uint mock, _, uint device) = rig.Attached();
        uint hwpt = rig.Hwpt(device, HwptFlags.Pasid);
        Assert.Null(rig.Tests.Replace(mock, hwpt, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidAttach(mock, Pasid, hwpt, out _));
        Assert.Null(rig.Tests.PasidCheckHwpt(mock, Pasid, 0));
    }

    [Fact]
    public void PasidAttach_EveryRuleInTurn_AnswersAsTheReference()
    {
        using var rig = new MockRig();
        (uint mock, _, uint device) = rig.Attached(flags: PasidFlag);
        uint plain = rig.Hwpt(device);
        uint parent = rig.Hwpt(device, HwptFlags.NestParent | HwptFlags.Pasid);
        uint s2 = rig.Hwpt(device, HwptFlags.Pasid);
        uint[] nested = [rig.Nested(device, parent, HwptFlags.Pasid), rig.Nested(device, parent, HwptFlags.Pasid)];
        uint incompatible = rig.Nested(device, parent);

        rig.Refused(Errno.ENOENT, () => rig.Tests.PasidAttach(0, Pasid, 0, out _));
        rig.Refused(Errno.ENOENT, () => rig.Tests.PasidAttach(mock, Pasid, 0, out _));
        // The requester id is on a hw_pagetable that is not for PASIDs.
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidAttach(mock, Pasid, s2, out _));
        Assert.Null(rig.Tests.Replace(mock, s2, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidAttach(mock, Pasid, plain, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidAttach(mock, Pasid, incompatible, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidAttach(mock, Pasid, rig.Ioas, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidAttach(mock, 1 << 20, s2, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidReplace(mock, Pasid, s2, out _));

        Assert.Null(rig.Tests.PasidAttach(mock, Pasid, nested[0], out uint now));
        Assert.Equal(nested[0], now);
        Assert.Null(rig.Tests.PasidCheckHwpt(mock, Pasid, nested[0]));
        Assert.Equal(Errno.EINVAL, rig.Tests.PasidCheckHwpt(mock, Pasid, nested[1])?.Errno);
        Assert.Equal(Errno.EINVAL, rig.Tests.PasidCheckHwpt(mock, Pasid, 0)?.Errno);
        rig.Refused(Errno.EBUSY, () => rig.Tests.PasidAttach(mock, Pasid, nested[0], out _));
        rig.Refused(Errno.EBUSY, () => rig.Tests.PasidAttach(mock, Pasid, nested[1], out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(nested[0]));
        Assert.Null(rig.Tests.PasidReplace(mock, Pasid, nested[0], out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidReplace(mock, Pasid, rig.Ioas, out _));
        // While a PASID is attached, the requester id may not move to what is not for PASIDs.
        rig.Refused(Errno.EINVAL, () => rig.Tests.Replace(mock, plain, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.Replace(mock, rig.Ioas, out _));
        Assert.Null(rig.Tests.Replace(mock, nested[1], out _));
        Assert.Null(rig.Tests.PasidReplace(mock, Pasid, nested[1], out _));
        rig.Destroyed(nested[0]);
        Assert.Null(rig.Tests.PasidDetach(mock, Pasid));
        Assert.Null(rig.Tests.PasidDetach(mock, Pasid));
        Assert.Null(rig.Tests.PasidCheckHwpt(mock, Pasid, 0));
        rig.Refused(Errno.EINVAL, () => rig.Tests.PasidReplace(mock, Pasid, s2, out _));
        Assert.Null(rig.Tests.Replace(mock, plain, out _));
    }

    [Fact]
    public void PasidReplace_Pasid1024_FailsOnceAndKeepsTheOldHwpt()
    {
        using var rig = new MockRig();
        (uint mock, _, uint device) = rig.Attached(flags: PasidFlag);
        uint[] hwpts = [rig.Hwpt(device, HwptFlags.Pasid), rig.Hwpt(device, HwptFlags.Pasid)];
        Assert.Null(rig.Tests.Replace(mock, hwpts[0], out _));
        Assert.Null(rig.Tests.PasidAttach(mock, MockConstants.FailingPasid, hwpts[0], out _));
        Assert.Equal(Errno.ENOMEM, rig.Tests.PasidReplace(mock, MockConstants.FailingPasid, hwpts[1], out _)?.Errno);
        Assert.Null(rig.Tests.PasidCheckHwpt(mock, MockConstants.FailingPasid, hwpts[0]));
        Assert.Null(rig.Context.Destroy(hwpts[1]));
        Assert.Null(rig.Tests.PasidReplace(mock, MockConstants.FailingPasid, hwpts[0], out _));
        Assert.Null(rig.Tests.PasidDetach(mock, MockConstants.FailingPasid));
        Assert.False(rig.Context.Objects.Find<Device>(device)!.Hardware.Mock!.WillFailPasid);
    }

    [Fact]
    public void Destroy_MockDeviceWithPasids_ReleasesTheirHwpts()
    {
        using var rig = new MockRig();
        (uint mock, _, uint device) = rig.Attached(flags: PasidFlag);
        uint hwpt = rig.Hwpt(device, HwptFlags.Pasid);
        Assert.Null(rig.Tests.Replace(mock, hwpt, out _));
        for (uint pasid = 1; pasid < 5; pasid++)
            Assert.Null(rig.Tests.PasidAttach(mock, pasid, hwpt, out _));
        Assert.Equal(6, rig.Context.Objects.Find<HwptPaging>(hwpt)!.Users);
        rig.Destroyed(mock, hwpt);
    }

    [Fact]
    public void PasidAttach_BeyondTheCap_IsEnomem()
    {
        using var rig = new MockRig(limits: new EngineLimits { PasidsPerGroup = 3 });
        (uint mock, _, uint device) = rig.Attached(flags: PasidFlag);
        uint hwpt = rig.Hwpt(device, HwptFlags.Pasid);
        Assert.Null(rig.Tests.Replace(mock, hwpt, out _));
        Assert.Null(rig.Tests.PasidAttach(mock, 1, hwpt, out _));
        Assert.Null(rig.Tests.PasidAttach(mock, 2, hwpt, out _));
        rig.Refused(Errno.ENOMEM, () => rig.Tests.PasidAttach(mock, 3, hwpt, out _));
    }
}
