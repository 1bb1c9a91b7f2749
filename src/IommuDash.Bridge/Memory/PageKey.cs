namespace IommuDash.Bridge.Memory;

/// <summary>
/// What makes two pages of real processes the same page: the object they belong to, and the page's index in it. A shared mapping's object is its file (device and inode); private memory's is the address space.
/// Nothing physical goes into it, so the same program gets the same frames on every machine, privileged or not.
/// </summary>
internal readonly record struct PageKey(int Object, ulong Page);

/// <summary>Where the bytes of the pages of one object are.</summary>
internal interface IPageSource
{
    /// <summary>Number of the object in its <see cref="ClientFrames"/>.</summary>
    int Id { get; }

    bool TryRead(ulong offset, Span<byte> bytes);

    bool TryWrite(ulong offset, ReadOnlySpan<byte> bytes);

    /// <summary>None of its pages has a frame any more.</summary>
    void Release();
}
