using IommuDash.Bridge.Native;

namespace IommuDash.Bridge.Memory;

/// <summary>How mappings of real huge pages of 2 MiB are known: they are files of one internal file system, anonymous ones (MAP_HUGETLB) as well as memory files (MFD_HUGETLB).</summary>
internal static unsafe class HugePages
{
    private const uint MfdCloexec = 1;
    private const uint MfdHugetlb = 4;
    private const uint Mfd2MiB = 21u << 26;

    /// <summary>Its device, as <see cref="ClientMapping.Device"/>; a number that no device has where there are no huge pages.</summary>
    public static ulong Device { get; } = Find();

    // An empty file of it takes no page.
    private static ulong Find()
    {
        int fd = Libc.MemfdCreate("iommudash-huge", MfdCloexec | MfdHugetlb | Mfd2MiB);
        if (fd < 0)
            return ulong.MaxValue;
        ulong device = ClientFile.TryStat(fd, out ulong found, out _, out _) ? found : ulong.MaxValue;
        Libc.Close(fd);
        return device;
    }
}
