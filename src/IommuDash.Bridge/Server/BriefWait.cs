// Waiting for the next message: for some microseconds awake if it is likely to come from another core, then asleep. A call is a strict exchange, so between calls the server waits for the one program that
// has just been answered; to wake an idle core takes longer than all the rest of a call, in a virtual machine several times as long.
// Holds always: on one core nobody waits awake, since the other could not go on; after a wait in vain the next ones are asleep, so a busy machine loses little. native/call.c waits for answers in the same way.
using IommuDash.Bridge.Native;

namespace IommuDash.Bridge.Server;

internal sealed unsafe class BriefWait
{
    /// <summary>Looks before the server sleeps, about 40 µs of them.</summary>
    private const int Looks = 100;

    /// <summary>Rounds asleep after a wait in vain.</summary>
    private const int RoundsAsleep = 64;

    private int _asleep;

    /// <summary>The core that the latest message came from.</summary>
    public uint CallerCpu { get; set; } = uint.MaxValue;

    /// <summary>As epoll_wait without a limit of time.</summary>
    public int Wait(int epoll, Libc.EpollEvent* events, int room)
    {
        if (_asleep > 0)
            _asleep--;
        else if (CallerCpu != uint.MaxValue && CallerCpu != (uint)Libc.SchedGetcpu())
        {
            for (int i = 0; i < Looks; i++)
            {
                int count = Libc.EpollWait(epoll, events, room, 0);
                if (count != 0)
                    return count;
            }
            _asleep = RoundsAsleep;
        }
        return Libc.EpollWait(epoll, events, room, -1);
    }
}
