using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Selftest;
using static IommuDash.Engine.Tests.Selftest.MockRig;

namespace IommuDash.Engine.Tests.Selftest;

/// <summary>The selftest's alloc_hwpt_nested and hwpt_attach, at both levels.</summary>
public sealed class NestedTests
{
    public static TheoryData<string> Levels => [.. ReferenceLevel.All.Select(level => level.Name)];

    [Theory]
    [MemberData(nameof(Levels))]
    public void HwptAlloc_BadArguments_AnswerInTheReferencesOrder(string level)
    {
        using var rig = new MockRig(ReferenceLevel.Find(level));
        (_, uint hwpt, uint device) = rig.Attached();
        uint parent = rig.Hwpt(device, HwptFlags.NestParent);
        uint plain = rig.Hwpt(device);
        bool current = level == "current";

        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(0, 0, HwptFlags.None, 0, new GuestData(0, 4, new byte[4]), out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(0, 0, HwptFlags.None, 0, new GuestData(MockConstants.HwptDataType, 0, []), out _));
        rig.Refused(Errno.ENOENT, () => rig.Context.HwptAlloc(0, parent, HwptFlags.None, 0, Data(), out _));
        rig.Refused(Errno.ENOENT, () => rig.Context.HwptAlloc(rig.Ioas, parent, HwptFlags.None, 0, Data(), out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(device, 999, (HwptFlags)0x80, 0, Data(), out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(device, device, HwptFlags.None, 0, Data(), out _));
        // An unknown flag, then the missing data, then the parent, then the data.
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(device, plain, (HwptFlags)0x10, 0, Data(), out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(device, parent, HwptFlags.NestParent, 0, Data(), out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(device, plain, HwptFlags.None, 0, GuestData.None, out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(device, plain, HwptFlags.None, 0, GuestData.Of(0xdeae, new byte[4]), out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(device, hwpt, HwptFlags.None, 0, Data(), out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(device, parent, HwptFlags.None, 0, GuestData.Of(0xdeae, new byte[4]), out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(device, parent, HwptFlags.None, 0, GuestData.Of(MockConstants.HwptDataType, new byte[3]), out _));
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(device, parent, HwptFlags.None, 0, GuestData.Of(MockConstants.HwptDataType, new byte[9]), out _));
        rig.Refused(Errno.EFAULT, () => rig.Context.HwptAlloc(device, parent, HwptFlags.None, 0, new GuestData(MockConstants.HwptDataType, 4, []), out _));
        uint nested = rig.Nested(device, parent);
        rig.Refused(Errno.EINVAL, () => rig.Context.HwptAlloc(device, nested, HwptFlags.None, 0, Data(), out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(parent));
        rig.Refused(Errno.ENOENT, () => rig.Context.HwptAlloc(device, parent, HwptFlags.FaultIdValid, uint.MaxValue, Data(), out _));
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(device, rig.Ioas, HwptFlags.FaultIdValid | HwptFlags.NestParent, 0, out _));
        rig.Refused(current ? Errno.ENOENT : Errno.EOPNOTSUPP, () => rig.Context.HwptAlloc(device, rig.Ioas, HwptFlags.FaultIdValid, uint.MaxValue, out _));
        Refusal? eightBytes = rig.Context.HwptAlloc(device, parent, HwptFlags.None, 0, GuestData.Of(MockConstants.HwptDataType, Words(1, 0)), out _);
        Assert.Equal(current ? null : Errno.EINVAL, eightBytes?.Errno);
        Refusal? kind = rig.Context.HwptAlloc(device, rig.Ioas, HwptFlags.None, 0, GuestData.Of(MockConstants.HwptDataType, Words(0, 2)), out _);
        Assert.Equal(Errno.EOPNOTSUPP, kind?.Errno);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void HwptInvalidate_EntriesOfEveryKind_CountAsTheMockDoes(string level)
    {
        using var rig = new MockRig(ReferenceLevel.Find(level));
        (_, _, uint device) = rig.Attached();
        uint parent = rig.Hwpt(device, HwptFlags.NestParent);
        uint[] nested = [rig.Nested(device, parent), rig.Nested(device, parent)];
        void Expect(Errno? errno, uint expected, uint id, GuestArray array)
        {
            Refusal? refusal = rig.Context.HwptInvalidate(id, array, out uint done);
            Assert.Equal(errno, refusal?.Errno);
            Assert.Equal(expected, done);
        }

        const uint Type = MockConstants.HwptInvalidateType;
        Expect(level == "current" ? Errno.EINVAL : Errno.ENOENT, 0, parent, GuestArray.Of(Type, 8, Words(0, 0)));
        Expect(Errno.ENOENT, 0, 999, GuestArray.Of(Type, 8, Words(0, 0)));
        Expect(null, 0, nested[0], new GuestArray(Type, 0, 0, [], isNull: true));
        Expect(Errno.EINVAL, 0, nested[0], new GuestArray(BadType, 8, 0, []));
        Expect(Errno.EINVAL, 0, nested[0], GuestArray.Of(BadType, 8, Words(0, 0)));
        Expect(Errno.EINVAL, 0, nested[0], new GuestArray(Type, 9, 1, new byte[9]));
        Expect(Errno.EINVAL, 0, nested[0], new GuestArray(Type, 1, 1, new byte[1]));
        Expect(Errno.EINVAL, 0, nested[0], new GuestArray(Type, 0, 1, new byte[8]));
        Expect(Errno.EINVAL, 0, nested[0], new GuestArray(Type, 8, 1, [], isNull: true));
        Expect(Errno.EINVAL, 0, 999, new GuestArray(Type, 4097, 1, new byte[4097]));
        Expect(Errno.EINVAL, 0, 999, new GuestArray(Type, 8, (1 << 19) + 1, new byte[8]));
        Expect(Errno.EOPNOTSUPP, 0, nested[0], GuestArray.Of(Type, 8, Words(2, 0)));
        Expect(Errno.EINVAL, 0, nested[0], GuestArray.Of(Type, 8, Words(0, 4)));
        Expect(Errno.EINVAL, 0, nested[0], GuestArray.Of(Type, 8, Words(1, 4)));
        Expect(Errno.EFAULT, 1, nested[1], new GuestArray(Type, 8, 2, Words(0, 3)));
        Assert.Null(rig.Tests.CheckIotlb(nested[1], 3, 0));
        Expect(Errno.EOPNOTSUPP, 1, nested[0], GuestArray.Of(Type, 8, Words(0, 0, 2, 1)));
        Expect(Errno.EINVAL, 1, nested[0], GuestArray.Of(Type, 8, Words(0, 0, 0, 4)));
        uint[] values = [0, UnsetIotlb, UnsetIotlb, UnsetIotlb];
        for (uint i = 0; i < 4; i++)
            Assert.Null(rig.Tests.CheckIotlb(nested[0], i, values[i]));
        Expect(null, 2, nested[0], GuestArray.Of(Type, 8, Words(0, 2, 0, 1)));
        Assert.Equal(Errno.EINVAL, rig.Tests.CheckIotlb(nested[0], 3, 0)?.Errno);
        Assert.Equal(Errno.EINVAL, rig.Tests.CheckIotlb(nested[0], 4, 0)?.Errno);
        Assert.Equal(Errno.ENOENT, rig.Tests.CheckIotlb(parent, 0, 0)?.Errno);
        Expect(null, 1, nested[0], GuestArray.Of(Type, 8, Words(1, 0)));
        for (uint i = 0; i < 4; i++)
            Assert.Null(rig.Tests.CheckIotlb(nested[0], i, 0));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Replace_FromNestedToNestedToParentToIoas_FreesEachOldOne(string level)
    {
        using var rig = new MockRig(ReferenceLevel.Find(level));
        (uint mock, uint automatic, uint device) = rig.Attached();
        uint parent = rig.Hwpt(device, HwptFlags.NestParent);
        FaultQueue queue = rig.FaultQueue();
        uint[] nested = [rig.Nested(device, parent), rig.Nested(device, parent), rig.Nested(device, parent, HwptFlags.FaultIdValid, queue.Id)];
        rig.Refused(Errno.ENOENT, () => rig.Tests.Replace(0, nested[0], out _));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(queue.Id));

        Assert.Null(rig.Tests.Replace(mock, nested[0], out uint now));
        Assert.Equal(nested[0], now);
        rig.Refused(Errno.ENOENT, () => rig.Context.Destroy(automatic));
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(nested[0]));
        Assert.Null(rig.Tests.Replace(mock, nested[1], out _));
        rig.Destroyed(nested[0]);
        Assert.Null(rig.Tests.Replace(mock, nested[2], out _));
        rig.Destroyed(nested[1]);

        Assert.Null(rig.Tests.TriggerFault(device, 1, 2, 3, 0xdeadbeaf));
        byte[] record = new byte[PageFault.RecordBytes];
        Assert.Null(queue.Read(0, PageFault.RecordBytes, record, out int bytes));
        Assert.Equal(PageFault.RecordBytes, bytes);
        Assert.Equal([3, device, 1, 2, 3, 0, 0xdeadbeaf, 0, 0, 1], Enumerable.Range(0, 10).Select(i => Word(record, i)));
        Assert.Null(queue.Write(0, 8, Words(1, 0), out bytes));
        Assert.Equal(8, bytes);

        Assert.Null(rig.Tests.Replace(mock, parent, out _));
        rig.Destroyed(nested[2]);
        Assert.Null(rig.Tests.Replace(mock, rig.Ioas, out now));
        Assert.True(rig.Context.Objects.Find<HwptPaging>(now)!.IsAutomatic);
        rig.Destroyed(parent);
        queue.Close();
        rig.Destroyed(queue.Id);
    }

    [Fact]
    public void HwptAttach_SecondDevice_SharesTheHwptAndAMissingOneIsEnoent()
    {
        using var rig = new MockRig();
        (uint first, uint hwpt, _) = rig.Attached();
        (uint second, uint shared, _) = rig.Attached(hwpt);
        Assert.Equal(hwpt, shared);
        rig.Destroyed(second, first);
        rig.Refused(Errno.ENOENT, () => rig.Tests.MockDomain(0, 0, out _, out _, out _));
        rig.Refused(Errno.EINVAL, () => rig.Tests.MockDomain(rig.Ioas, 2, out _, out _, out _));
    }
}
