namespace IommuDash.Workspaces;

/// <summary>Counts the real bytes that all machines have written, against one cap. A command overshoots at most by what its own host may write.</summary>
internal sealed class WrittenBytesQuota(long maxBytes)
{
    private long _bytes;

    public long MaxBytes => maxBytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public bool IsSpent => Bytes >= maxBytes;

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
}
