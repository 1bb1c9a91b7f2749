using System.Text.Json;
using IommuDash.Abi;
using IommuDash.Engine;
using IommuDash.Workspaces.Calls;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Calls;

/// <summary>Whatever bytes a program passes, its call can be shown.</summary>
public sealed class CallFuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Call_OfRandomBytes_IsDecodedAndBounded(int seed)
    {
        var random = new Random(seed);
        var log = new CallLog(2_000, 32 << 20);
        var logs = new WorkspaceLogs(new EventRing(16), log);
        string[] names = [.. CallTypes.Names, "0x3b99", "TEST", "TEST", "TEST"];
        for (int i = 0; i < 3_000; i++)
        {
            log.Add(RandomCall(random, names));
            CallSnapshot call = CallView.Project(logs, new CallQuery(log.LastNumber));
            Assert.True(call.Exists);
            Assert.InRange(call.Chain.Count, 0, CallChain.MaxCalls);
            Assert.True(call.C is not null || call.NoC is not null);
            Assert.True(call.Command is not null || call.NoCommand is not null);
            Assert.All(call.Fields, f => Assert.True(f.Offset + f.Bytes <= 80));
            Assert.NotEmpty(JsonSerializer.Serialize(call, WorkspaceJson.Options));
        }
        CallsSnapshot all = CallsView.Project(logs, new CallsQuery { Count = CallsQuery.MaxCount, Text = "e" });
        Assert.InRange(all.Items.Count, 1, CallsQuery.MaxCount);
        Assert.NotEmpty(JsonSerializer.Serialize(all, WorkspaceJson.Options));
    }

    private static CallRecord RandomCall(Random random, string[] names)
    {
        string name = names[random.Next(names.Length)];
        var before = new byte[random.Next(3) == 0 ? random.Next(81) : CallTypes.Find(name)?.KnownBytes ?? 0];
        random.NextBytes(before);
        // Small numbers hit ids, operations and lengths.
        for (int i = 0; i + 4 <= before.Length; i += 4)
        {
            if (random.Next(2) == 0)
                BitConverter.TryWriteBytes(before.AsSpan(i), random.Next(30));
        }
        byte[] after = [.. before];
        if (after.Length > 8)
            after[random.Next(after.Length)]++;
        Errno[] errnos = [Errno.None, Errno.None, Errno.EFAULT, Errno.EINVAL, Errno.E2BIG, Errno.EBADF];
        Errno errno = errnos[random.Next(errnos.Length)];
        var bytes = new byte[random.Next(40)];
        return new CallRecord
        {
            Time = DateTimeOffset.UnixEpoch,
            Version = 1,
            Source = "door",
            Pid = random.Next(3),
            Program = "p */ \" \\ %n",
            Context = random.Next(1, 3),
            Kind = random.Next(5) == 0 ? (CallKind)random.Next(7) : CallKind.Ioctl,
            Name = name,
            Request = CallTypes.Find(name)?.Number ?? 0,
            Argument = (ulong)random.NextInt64(),
            LengthBytes = (ulong)random.Next(1 << 20),
            Before = before,
            After = after,
            Buffers = [new CallBuffer((ulong)random.NextInt64(), random.Next(2) == 0, bytes.Length, random.Next(4) == 0, bytes)],
            FileObjects = random.Next(3) == 0 ? [(uint)random.Next(30)] : [],
            FileName = "/dev/*/\" \\",
            Result = -(long)errno,
            Refusal = errno == Errno.None ? null : new Refusal(errno, random.Next(3) == 0 ? "abi.fault" : "rule", "0x0–0xfff overlaps /* this */ %s"),
        };
    }
}
