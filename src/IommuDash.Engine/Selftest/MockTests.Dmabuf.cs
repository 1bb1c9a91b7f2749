// Test operations on dma-bufs. The buffer stands for its descriptor.
using IommuDash.Engine.Pages;

namespace IommuDash.Engine.Selftest;

public sealed partial class MockTests
{
    /// <summary>DMABUF_GET: a new dma-buf. EINVAL no pages, or more than 512.</summary>
    public Refusal? DmabufGet(ulong lengthBytes, out Dmabuf? buffer) => context.Host.CreateDmabuf(lengthBytes, out buffer);

    /// <summary>DMABUF_REVOKE: takes the memory out of every page table, for good; given back, it can be mapped anew. <paramref name="file"/> null: EBADF; any other file than a dma-buf of the test: EOPNOTSUPP.</summary>
    public static Refusal? DmabufRevoke(MemoryFile? file, bool revoked)
    {
        switch (file)
        {
            case null:
                return new Refusal(Errno.EBADF, "test.dmabuf.file", "The descriptor is not open.");
            case Dmabuf buffer:
                buffer.SetRevoked(revoked);
                return null;
            default:
                return new Refusal(Errno.EOPNOTSUPP, "test.dmabuf.exporter", "The file is no dma-buf that the test operations made.");
        }
    }
}
