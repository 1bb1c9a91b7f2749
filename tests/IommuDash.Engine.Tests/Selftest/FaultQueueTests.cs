using IommuDash.Engine.Iommufd;
using static IommuDash.Engine.Tests.Selftest.MockRig;

namespace IommuDash.Engine.Tests.Selftest;

public sealed class FaultQueueTests
{
    private const int Record = PageFault.RecordBytes;

    [Fact]
    public void Read_GroupsOfSeveralFaults_AreDeliveredWholeInOrder()
    {
        using var rig = new MockRig();
        (Device device, FaultQueue queue, _) = Faulting(rig);
        Report(rig, device, group: 7, address: 0x1000, last: false);
        Report(rig, device, group: 8, address: 0x2000, last: true);
        Report(rig, device, group: 7, address: 0x3000, last: true);
        Assert.Equal([1, 2], queue.Waiting.Select(g => g.Faults.Count));
        byte[] buffer = new byte[3 * Record];

        Assert.Equal(Errno.ESPIPE, queue.Read(1, Record, buffer, out _)?.Errno);
        Assert.Equal(Errno.ESPIPE, queue.Read(0, Record + 1, buffer, out _)?.Errno);
        Assert.Equal(Errno.EINVAL, queue.Read(0, 0, buffer, out _)?.Errno);
        Assert.Equal(Errno.EFAULT, queue.Read(0, Record, buffer.AsSpan(0, 8), out _)?.Errno);
        Assert.Equal(2, queue.Waiting.Count);
        // Room for two records: the second group needs two behind the first's one.
        Assert.Null(queue.Read(0, 2 * Record, buffer, out int bytes));
        Assert.Equal(Record, bytes);
        Assert.Equal(Errno.EINVAL, queue.Read(0, Record, buffer, out _)?.Errno);
        Assert.Null(queue.Read(0, 3 * Record, buffer, out bytes));
        Assert.Equal(2 * Record, bytes);
        Assert.Equal((0x1000u, 2u), (Word(buffer, 6), Word(buffer, 9)));
        Assert.Equal((0x3000u, 2u), (Word(buffer, 16), Word(buffer, 19)));
        Assert.Equal((0u, 2u), (Word(buffer, 0), Word(buffer, 10)));
        Assert.False(queue.IsReadable);
        Assert.Null(queue.Read(0, 0, buffer, out bytes));
        Assert.Equal(0, bytes);
    }

    [Fact]
    public void Write_ResponsesGoodAndBad_ConsumesTheGoodOnesFirst()
    {
        using var rig = new MockRig();
        (Device device, FaultQueue queue, _) = Faulting(rig);
        for (uint group = 1; group <= 3; group++)
            Report(rig, device, group, 0x1000, last: true);
        Assert.Null(queue.Read(0, 3 * Record, new byte[3 * Record], out _));
        Assert.Equal(Errno.ESPIPE, queue.Write(0, 7, new byte[7], out _)?.Errno);
        Assert.Equal(Errno.ESPIPE, queue.Write(8, 8, new byte[8], out _)?.Errno);
        Assert.Equal(Errno.EFAULT, queue.Write(0, 8, [], out _)?.Errno);
        Assert.Equal(Errno.EINVAL, queue.Write(0, 8, Words(1, 2), out _)?.Errno);
        Assert.Equal(Errno.EINVAL, queue.Write(0, 8, Words(4, 0), out _)?.Errno);
        Assert.Null(queue.Write(0, 24, Words(2, 0, 2, 0, 1, 0), out int bytes));
        Assert.Equal(8, bytes);
        // Cookie 2 is free again and the next group gets it.
        Report(rig, device, 4, 0x1000, last: true);
        byte[] buffer = new byte[Record];
        Assert.Null(queue.Read(0, Record, buffer, out _));
        Assert.Equal(2u, Word(buffer, 9));
        Assert.Equal([1u, 2u, 3u], queue.Unanswered.Keys);
    }

    [Fact]
    public void Write_CookieZero_FreesItOnceSomethingIsUnanswered()
    {
        using var rig = new MockRig();
        (Device device, FaultQueue queue, _) = Faulting(rig);
        uint NextCookie()
        {
            Report(rig, device, 1, 0x1000, last: true);
            byte[] buffer = new byte[Record];
            Assert.Null(queue.Read(0, Record, buffer, out _));
            return Word(buffer, 9);
        }

        Assert.Equal(Errno.EINVAL, queue.Write(0, 8, Words(0, 0), out _)?.Errno);
        Assert.Equal(1u, NextCookie());
        Assert.Equal(Errno.EINVAL, queue.Write(0, 8, Words(0, 0), out _)?.Errno);
        Assert.Equal(0u, NextCookie());
        Assert.Equal(2u, NextCookie());
        Assert.Null(queue.Write(0, 24, Words(1, 0, 2, 0, 0, 0), out _));
        Assert.Equal(0u, NextCookie());
        Assert.Equal(1u, NextCookie());
    }

    [Fact]
    public void ReplaceDetachDestroy_PendingGroups_AreAnsweredInvalidOnce()
    {
        var answers = new Answers();
        using var rig = new MockRig(events: answers);
        (Device device, FaultQueue queue, uint mock) = Faulting(rig);
        Report(rig, device, 1, 0x1000, last: true);
        Report(rig, device, 2, 0x1000, last: true);
        Assert.Null(queue.Read(0, Record, new byte[Record], out _));
        uint faulting = device.AttachedTo(0)!.Id;
        Assert.Null(rig.Tests.Replace(mock, rig.Ioas, out _));
        Assert.Equal([(2u, 1u), (1u, 1u)], answers.Seen);
        Assert.Empty(queue.Unanswered);

        // Nothing with a queue attached: answered at once.
        Report(rig, device, 3, 0x1000, last: true);
        Assert.Equal((3u, 1u), answers.Seen[^1]);
        Assert.Null(rig.Tests.Replace(mock, faulting, out _));
        Report(rig, device, 4, 0x1000, last: true);
        Assert.Equal(3, answers.Seen.Count);
        rig.Destroyed(mock);
        Assert.Equal((4u, 1u), answers.Seen[^1]);
        rig.Destroyed(faulting);
        rig.Refused(Errno.EBUSY, () => rig.Context.Destroy(queue.Id));
        queue.Close();
        rig.Destroyed(queue.Id);
    }

    [Fact]
    public void Report_BeyondTheCap_IsAnsweredInvalid()
    {
        var answers = new Answers();
        using var rig = new MockRig(limits: new EngineLimits { FaultGroupsPerQueue = 1, PartialFaultsPerDevice = 1 }, events: answers);
        (Device device, FaultQueue queue, _) = Faulting(rig);
        Report(rig, device, 1, 0, last: false);
        Report(rig, device, 2, 0, last: false);
        Report(rig, device, 1, 0, last: true);
        Report(rig, device, 3, 0, last: true);
        Assert.Equal([(2u, 1u), (3u, 1u)], answers.Seen);
        Assert.Single(queue.Waiting);
    }

    [Fact]
    public void FaultQueueAlloc_AnyFlag_IsEopnotsupp()
    {
        using var rig = new MockRig();
        rig.Refused(Errno.EOPNOTSUPP, () => rig.Context.FaultQueueAlloc(1, out _));
    }

    private static (Device Device, FaultQueue Queue, uint Mock) Faulting(MockRig rig)
    {
        (uint mock, _, uint device) = rig.Attached();
        FaultQueue queue = rig.FaultQueue();
        Assert.Null(rig.Context.HwptAlloc(device, rig.Ioas, HwptFlags.FaultIdValid, queue.Id, out uint hwpt));
        Assert.Null(rig.Tests.Replace(mock, hwpt, out _));
        return (rig.Context.Objects.Find<Device>(device)!, queue, mock);
    }

    private static void Report(MockRig rig, Device device, uint group, ulong address, bool last) =>
        rig.Context.ReportFault(device, new PageFault(last ? PageFaultFlags.LastPage : PageFaultFlags.None, 0, group, 1, address));

    private sealed class Answers : IEngineEventSink
    {
        public List<(uint Group, uint Code)> Seen { get; } = [];

        public void Raise(in EngineEvent engineEvent)
        {
            if (engineEvent.Kind == EngineEventKind.FaultAnswered)
                Seen.Add(((uint)engineEvent.Value, engineEvent.Other));
        }
    }
}
