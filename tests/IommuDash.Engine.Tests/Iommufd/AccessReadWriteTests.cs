using System.Reflection;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using Xunit.Sdk;
using Xunit.v3;
using static IommuDash.Engine.Tests.Iommufd.Rig;

namespace IommuDash.Engine.Tests.Iommufd;

public sealed class AccessReadWriteTests
{
    [Theory]
    [CombinatorialAccess]
    public void ReadWrite_AroundAPageBorder_MovesExactlyTheseBytes(Domains domains, ulong userOffset, AccessFlags slow, bool ownCaller)
    {
        using var rig = new Rig(domains);
        AccessFile file = AccessTests.Opened(rig, needsPin: false);
        const ulong length = 16 * Page;
        var content = new byte[length];
        new Random(1).NextBytes(content);
        ulong user = TestHosts.Scattered + userOffset;
        Assert.Null(rig.Process.Memory.Write(user, content));
        ulong iova = rig.Mapped(user, length, Base + userOffset);
        uint pinned = rig.Pinned;
        EmulatedProcess caller = ownCaller ? rig.Process : rig.Host.FindProcess(Sibling)!;
        for (int offset = -50; offset < 50; offset += 7)
        {
            for (int count = 1; count < 64; count += 9)
            {
                int start = (int)Page + offset;
                var read = new byte[count];
                Assert.Null(file.Access.ReadWrite(caller, iova + (ulong)start, read, slow));
                Assert.Equal(content[start..(start + count)], read);
                new Random(offset + count).NextBytes(read);
                read.CopyTo(content, start);
                Assert.Null(file.Access.ReadWrite(caller, iova + (ulong)start, read, slow | AccessFlags.Write));
            }
        }
        var whole = new byte[length];
        Assert.Null(file.Access.ReadWrite(caller, iova, whole, slow));
        Assert.Equal(content, whole);
        Assert.Null(rig.Process.Memory.Read(user, whole));
        Assert.Equal(content, whole);
        Assert.Equal(pinned, rig.Pinned);
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(AccessFlags.None)]
    [InlineData(AccessFlags.SlowPath)]
    [InlineData(AccessFlags.Kthread)]
    public void ReadWrite_Refused_InTheReferencesOrder(AccessFlags flags)
    {
        using var rig = new Rig();
        AccessFile file = AccessTests.Opened(rig, needsPin: false);
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base);
        rig.Mapped(TestHosts.ReadOnly, 2 * Page, Base + (2 * Page), MapFlags.Readable);
        rig.Mapped(TestHosts.Buffer, Page, Base + (4 * Page), MapFlags.Writeable);
        rig.Mapped(Holed, 5 * Page, Base + (6 * Page));
        Refusal? Rw(ulong iova, int length, AccessFlags more = 0) => file.Access.ReadWrite(rig.Process, iova, new byte[length], flags | more);
        rig.Refused(Errno.EINVAL, () => Rw(ulong.MaxValue, 0));
        rig.Refused(Errno.EOVERFLOW, () => Rw(ulong.MaxValue, 2));
        rig.Refused(Errno.ENOENT, () => Rw(Base - 1, 2));
        rig.Refused(Errno.ENOENT, () => Rw(Base + (4 * Page), 4097, AccessFlags.Write));
        rig.Refused(Errno.EPERM, () => Rw(Base + (2 * Page), 1, AccessFlags.Write));
        rig.Refused(Errno.EPERM, () => Rw(Base + (4 * Page), 1));
        rig.Refused(Errno.EFAULT, () => Rw(Base + (8 * Page), 1));
        rig.Refused(Errno.EFAULT, () => Rw(Base + (7 * Page), 4097));
        rig.Refused(Errno.EFAULT, () => Rw(Base + (8 * Page), 1, AccessFlags.Write));
        Assert.Null(Rw(Base, (int)(4 * Page)));
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Fact]
    public void ReadWrite_HoleAfterAnArea_HasCopiedWhatLiesBefore()
    {
        using var rig = new Rig();
        AccessFile file = AccessTests.Opened(rig, needsPin: false);
        rig.Mapped(TestHosts.Buffer, Page, Base);
        Assert.Equal(Errno.ENOENT, file.Access.ReadWrite(rig.Process, Base + Page - 4, new byte[] { 1, 2, 3, 4, 5 }, AccessFlags.Write)?.Errno);
        var written = new byte[4];
        Assert.Null(rig.Process.Memory.Read(TestHosts.Buffer + Page - 4, written));
        Assert.Equal([1, 2, 3, 4], written);
        file.Close();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadWrite_OwnerHasExited_NeedsThePagesHeldSomewhere(bool heldByADomain)
    {
        using var rig = new Rig(heldByADomain ? Domains.Mock : Domains.None);
        EmulatedProcess gone = rig.Host.FindProcess(Sibling)!;
        AccessFile file = AccessTests.Opened(rig, needsPin: false);
        Assert.Null(gone.Memory.Write(TestHosts.Buffer + Page - 2, new byte[] { 1, 2, 3, 4 }));
        rig.Mapped(TestHosts.Buffer, 2 * Page, Base, by: gone);
        Assert.Null(rig.Host.ExitProcess(Sibling));
        var bytes = new byte[4];
        foreach (AccessFlags flags in (AccessFlags[])[AccessFlags.None, AccessFlags.Kthread, AccessFlags.SlowPath])
        {
            Refusal? refusal = file.Access.ReadWrite(rig.Process, Base + Page - 2, bytes, flags);
            Assert.Equal(heldByADomain ? null : Errno.EFAULT, refusal?.Errno);
            Assert.Equal(heldByADomain ? null : Errno.EFAULT, file.Access.ReadWrite(rig.Process, Base, new byte[1], flags | AccessFlags.Write)?.Errno);
        }
        if (heldByADomain)
            Assert.Equal([1, 2, 3, 4], bytes);
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [Theory]
    [InlineData(AccessFlags.None, 1, 2)]
    [InlineData(AccessFlags.None, 2, 2)]
    [InlineData(AccessFlags.Kthread, 2, 2)]
    [InlineData(AccessFlags.SlowPath, 1, 2)]
    [InlineData(AccessFlags.SlowPath, 2, 1)]
    public void ReadWrite_MemoryRemappedWhilePinned_SeesWhatItsPathSees(AccessFlags flags, int pages, byte expected)
    {
        const ulong user = 0x7900_0000_0000;
        using var rig = new Rig(Domains.Mock);
        AccessFile file = AccessTests.Opened(rig, needsPin: false);
        var mapping = new MemoryDescription { Start = user, LengthBytes = 2 * Page };
        Assert.Null(rig.Host.MapMemory(TestHosts.Pid, mapping));
        Assert.Null(rig.Process.Memory.Write(user, Enumerable.Repeat((byte)1, (int)(2 * Page)).ToArray()));
        rig.Mapped(user, 2 * Page, Base);
        Assert.Null(rig.Host.UnmapMemory(TestHosts.Pid, user));
        Assert.Null(rig.Host.MapMemory(TestHosts.Pid, mapping));
        Assert.Null(rig.Process.Memory.Write(user, Enumerable.Repeat((byte)2, (int)(2 * Page)).ToArray()));
        var bytes = new byte[pages * (int)Page];
        Assert.Null(file.Access.ReadWrite(rig.Process, Base, bytes, flags));
        Assert.All(bytes, each => Assert.Equal(expected, each));
        file.Close();
        rig.AssertNothingLeftAfterClose();
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class CombinatorialAccessAttribute : DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
        {
            var rows = new List<ITheoryDataRow>();
            foreach (Domains domains in (Domains[])[Domains.None, Domains.Mock, Domains.TwoMock])
            {
                foreach (ulong offset in (ulong[])[0, 0x800])
                {
                    foreach (AccessFlags slow in (AccessFlags[])[AccessFlags.None, AccessFlags.SlowPath])
                    {
                        rows.Add(new TheoryDataRow<Domains, ulong, AccessFlags, bool>(domains, offset, slow, true));
                        rows.Add(new TheoryDataRow<Domains, ulong, AccessFlags, bool>(domains, offset, slow, false));
                    }
                }
            }
            return new(rows);
        }

        public override bool SupportsDiscoveryEnumeration() => true;
    }
}
