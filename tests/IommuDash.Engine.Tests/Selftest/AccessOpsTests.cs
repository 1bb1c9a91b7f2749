using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;

namespace IommuDash.Engine.Tests.Selftest;

public sealed class AccessOpsTests
{
    private const ulong Page = 4096;
    private const ulong Base = 1UL << 24;
    private const ulong TooLong = (16UL << 20) + 1;

    [Fact]
    public void AccessPages_EveryRuleInTurn_AnswersAsTheReference()
    {
        using var rig = new MockRig();
        rig.Rig.Mapped(TestHosts.Buffer, 4 * Page, Base);
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Tests.CreateAccess(rig.Rig.Process, 0, 2, out _));
        rig.Refused(Errno.ENOENT, () => rig.Tests.CreateAccess(rig.Rig.Process, 0, 1, out _));
        Assert.Null(rig.Tests.CreateAccess(rig.Rig.Process, rig.Ioas, 0, out AccessFile? plain));
        Assert.Null(rig.Tests.CreateAccess(rig.Rig.Process, rig.Ioas, 1, out AccessFile? file));
        Refusal? Pin(AccessFile? of, ulong length, AccessFlags flags = AccessFlags.None, ulong user = TestHosts.Buffer, ulong iova = Base) =>
            MockTests.AccessPages(of, rig.Rig.Process, flags, iova, length, user, out _);
        rig.Refused(Errno.ENOMEM, () => Pin(null, TooLong, (AccessFlags)8));
        rig.Refused(Errno.EOPNOTSUPP, () => Pin(null, Page, (AccessFlags)8));
        rig.Refused(Errno.EBADFD, () => Pin(null, Page));
        rig.Refused(Errno.EOPNOTSUPP, () => Pin(plain, 0));
        rig.Refused(Errno.EINVAL, () => Pin(file, 0));
        rig.Refused(Errno.ENOENT, () => Pin(file, 5 * Page));
        rig.Refused(Errno.EBADE, () => Pin(file, Page, user: TestHosts.Buffer + Page));
        rig.Refused(Errno.EFAULT, () => Pin(file, Page, user: 0x5000));

        Assert.Null(MockTests.AccessPages(file, rig.Rig.Process, AccessFlags.Write, Base + Page, Page, TestHosts.Buffer + Page, out uint item));
        Assert.Null(MockTests.CheckRefs(rig.Rig.Process, rig.Rig.Host.Memory, TestHosts.Buffer + Page, Page, 1));
        rig.Refused(Errno.ENOENT, () => MockTests.DestroyAccessPages(file, item + 1));
        rig.Refused(Errno.EBADFD, () => MockTests.DestroyAccessPages(null, item));
        uint other = rig.Rig.NewIoas();
        rig.Refused(Errno.EBADFD, () => MockTests.AccessReplaceIoas(null, other));
        Assert.Null(MockTests.AccessReplaceIoas(file, other));
        rig.Refused(Errno.ENOENT, () => MockTests.DestroyAccessPages(file, item));
        Assert.Equal(0u, rig.Rig.Pinned);
        file!.Close();
        plain!.Close();
        rig.Refused(Errno.EBADFD, () => Pin(file, Page));
    }

    [Fact]
    public void AccessRw_EveryRuleInTurn_AnswersAsTheReference()
    {
        using var rig = new MockRig();
        rig.Rig.Mapped(TestHosts.Buffer, Page, Base);
        Assert.Null(rig.Tests.CreateAccess(rig.Rig.Process, rig.Ioas, 0, out AccessFile? file));
        Assert.Equal(Errno.ENOMEM, MockTests.CheckAccessRw(null, TooLong, (AccessFlags)2)?.Errno);
        Assert.Equal(Errno.EOPNOTSUPP, MockTests.CheckAccessRw(null, 1, (AccessFlags)2)?.Errno);
        Assert.Equal(Errno.EBADFD, MockTests.CheckAccessRw(null, 1, AccessFlags.None)?.Errno);
        Assert.Null(MockTests.AccessRw(file, rig.Rig.Process, Base + 5, [1, 2, 3], AccessFlags.Write));
        byte[] back = new byte[3];
        Assert.Null(MockTests.AccessRw(file, rig.Rig.Process, Base + 5, back, AccessFlags.SlowPath));
        Assert.Equal([1, 2, 3], back);
        Assert.Equal(Errno.ENOENT, MockTests.AccessRw(file, rig.Rig.Process, Base + Page, back, AccessFlags.None)?.Errno);
        file!.Close();
    }
}
