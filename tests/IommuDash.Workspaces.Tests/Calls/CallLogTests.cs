using IommuDash.Abi;
using IommuDash.Abi.Layout;
using IommuDash.Workspaces.Calls;

namespace IommuDash.Workspaces.Tests.Calls;

public sealed class CallLogTests
{
    [Theory]
    [InlineData(16, 10)]
    [InlineData(16, 16)]
    [InlineData(1_000, 999)]
    [InlineData(1_000, 4_321)]
    public void Log_AfterManyCalls_KeepsTheNewestAndCountsTheDropped(int maxEntries, int calls)
    {
        var log = new CallLog(maxEntries, 1 << 30);
        for (int i = 1; i <= calls; i++)
            log.Add(Close(context: i));
        Assert.Equal((calls, Math.Max(0, calls - maxEntries)), (log.LastNumber, log.Dropped));
        for (long number = log.FirstNumber; number <= log.LastNumber; number++)
            Assert.Equal((number, (int)number), (log.Find(number)!.Number, log.Find(number)!.Context));
        Assert.Null(log.Find(log.FirstNumber - 1));
        Assert.Null(log.Find(log.LastNumber + 1));
    }

    [Fact]
    public void Log_OverItsBytes_DropsTheOldestAndNeverTheNewest()
    {
        CallRecord big = Close(1) with { Buffers = [new CallBuffer(0, false, 60_000, false, new byte[60_000])] };
        var log = new CallLog(10_000, 100_000);
        for (int i = 0; i < 500; i++)
            log.Add(i % 7 == 0 ? big with { } : Close(1));
        Assert.InRange(log.Bytes, 1, 100_000);
        Assert.Equal(500, log.LastNumber);
        Assert.Equal(Enumerable.Range(0, log.Count).Sum(i => log.Find(log.FirstNumber + i)!.CostBytes), log.Bytes);
        log.Add(big with { Buffers = [new CallBuffer(0, false, 200_000, false, new byte[200_000])] });
        Assert.Equal((1, 501L), (log.Count, log.FirstNumber));
    }

    [Fact]
    public void Add_FailedCalls_CountsThemAll()
    {
        var log = new CallLog(16, 1 << 20);
        for (int i = 0; i < 100; i++)
            log.Add(Close(1) with { Result = i % 4 == 0 ? -22 : 0 });
        Assert.Equal(25, log.Failed);
    }

    [Fact]
    public void Objects_OfACopy_AreTheIdsBeforeAndAfter()
    {
        var before = new byte[40];
        var after = new byte[40];
        Store(before, "dst_ioas_id", 7);
        Store(before, "src_ioas_id", 3);
        Store(after, "dst_ioas_id", 7);
        Store(after, "src_ioas_id", 3);
        Store(after, "flags", 99);
        CallRecord copy = Close(1) with { Kind = CallKind.Ioctl, Name = "IOAS_COPY", Before = before, After = after, FileObjects = [5] };
        var log = new CallLog(16, 1 << 20);
        log.Add(copy);
        Assert.Equal([3u, 5u, 7u], copy.Objects);

        static void Store(byte[] bytes, string name, ulong value) => FieldMap.Of(typeof(IommuIoasCopy)).Single(f => f.Name == name).Write(bytes, value);
    }

    private static CallRecord Close(int context) =>
        new() { Time = DateTimeOffset.UnixEpoch, Version = 1, Source = "door", Pid = 1, Program = "p", Context = context, Kind = CallKind.Close, Name = "close", Result = 0 };
}
