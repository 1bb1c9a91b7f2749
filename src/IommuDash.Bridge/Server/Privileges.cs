using IommuDash.Bridge.Native;

namespace IommuDash.Bridge.Server;

/// <summary>What a real process may do, as far as iommufd asks.</summary>
/// <param name="MemlockBytes">RLIMIT_MEMLOCK; <see cref="ulong.MaxValue"/> = unlimited.</param>
internal readonly unsafe record struct Privileges(ulong MemlockBytes, bool CapIpcLock, bool CapSysResource)
{
    private const int CapIpcLockBit = 14;
    private const int CapSysResourceBit = 24;
    private const uint CapabilityVersion3 = 0x20080522;
    private const int RlimitMemlock = 8;
    private const int PrCapbsetRead = 23;

    // Root of a container lacks what nobody in it can have; on the emulated host root is root.
    private static readonly bool s_canHaveSysResource = Libc.Prctl(PrCapbsetRead, CapSysResourceBit, 0, 0, 0) == 1;

    /// <summary>False: the process is gone.</summary>
    public static bool TryRead(int pid, uint uid, out Privileges privileges)
    {
        privileges = default;
        uint* header = stackalloc uint[2] { CapabilityVersion3, (uint)pid };
        uint* sets = stackalloc uint[6];
        ulong* limit = stackalloc ulong[2];
        if (Libc.Capget(header, sets) != 0 || Libc.Prlimit(pid, RlimitMemlock, null, limit) != 0)
            return false;
        uint effective = sets[0];
        bool sysResource = Has(effective, CapSysResourceBit) || (uid == 0 && !s_canHaveSysResource);
        privileges = new Privileges(limit[0], Has(effective, CapIpcLockBit), sysResource);
        return true;
    }

    private static bool Has(uint set, int bit) => (set >> bit & 1) != 0;
}
