using IommuDash.Engine.Pages;
using IommuDash.Engine.Selftest;

namespace IommuDash.Engine.Tests.Selftest;

public sealed class DmabufOpsTests
{
    [Fact]
    public void DmabufRevoke_FilesOfEveryKind_OnlyTheTestsOwnAreTaken()
    {
        using var rig = new MockRig();
        rig.Refused(Errno.EINVAL, () => rig.Tests.DmabufGet(0, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.DmabufGet((512UL << 12) + 1, out _));
        Assert.Null(rig.Rig.Host.CreateMemfd("mem", 4096));
        rig.Refused(Errno.EBADF, () => MockTests.DmabufRevoke(null, true));
        rig.Refused(Errno.EOPNOTSUPP, () => MockTests.DmabufRevoke(rig.Rig.Host.FindFile("mem"), true));
        Assert.Null(rig.Tests.DmabufGet(4095, out Dmabuf? buffer));
        Assert.Equal(4096UL, buffer!.SizeBytes);
        Assert.Null(MockTests.DmabufRevoke(buffer, true));
        Assert.True(buffer.IsRevoked);
        Assert.Null(MockTests.DmabufRevoke(buffer, false));
        Assert.False(buffer.IsRevoked);
        buffer.Close();
        Assert.Null(rig.Rig.Host.CloseFile("mem"));
    }
}
