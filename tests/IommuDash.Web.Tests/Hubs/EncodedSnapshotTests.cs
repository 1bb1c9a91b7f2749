using System.Runtime.CompilerServices;

using IommuDash.Web.Hubs;

namespace IommuDash.Web.Tests.Hubs;

public sealed class EncodedSnapshotTests
{
    private sealed record Counter(int Value);

    [Fact]
    public void DeltaFrom_SameEncoding_IsMadeOnce()
    {
        EncodedSnapshot first = EncodedSnapshot.Of(new Counter(1));
        EncodedSnapshot second = EncodedSnapshot.Of(new Counter(2));
        DeltaMessage one = Assert.IsType<DeltaMessage>(second.DeltaFrom(first, 1, 2));
        DeltaMessage other = Assert.IsType<DeltaMessage>(second.DeltaFrom(first, 1, 3));
        Assert.Equal((1L, 2L), (one.From, one.Version));
        Assert.Equal(3, other.Version);
        Assert.Same(one.Upsert, other.Upsert);
        Assert.Null(EncodedSnapshot.Of(new Counter(2)).DeltaFrom(second, 2, 3));
    }

    [Fact]
    public void DeltaFrom_ChainOfVersions_KeepsNoneBeforeTheLast()
    {
        (WeakReference first, object last) = Chain();
        GC.Collect();
        Assert.False(first.IsAlive, "The first of three encodings is still reachable from the last.");
        GC.KeepAlive(last);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference First, object Last) Chain()
    {
        object[] snapshots = [new Counter(1), new Counter(2), new Counter(3)];
        EncodedSnapshot[] encodings = [.. snapshots.Select(EncodedSnapshot.Of)];
        encodings[1].DeltaFrom(encodings[0], 1, 2);
        encodings[2].DeltaFrom(encodings[1], 2, 3);
        return (new WeakReference(encodings[0]), (snapshots[2], encodings[2]));
    }
}
