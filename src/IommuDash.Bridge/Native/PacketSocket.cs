// One end of a SOCK_SEQPACKET Unix socket: whole messages, with at most one descriptor beside them, and the sender's credentials.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IommuDash.Bridge.Native;

/// <summary>A message that came in. <paramref name="Fd"/> is -1 if it carried no descriptor; else the receiver owns it.</summary>
/// <param name="StructureBytes">Bytes that came behind the request.</param>
internal readonly record struct ReceivedPacket(int Pid, uint Uid, int Fd, int StructureBytes = 0);

internal static unsafe class PacketSocket
{
    private const int HeaderBytes = 16;
    private const int ControlBytes = 128;

    /// <summary>Receives one request without waiting. False: there is none (yet), or it is none of ours; <paramref name="structure"/> takes what follows it; <paramref name="isClosed"/>: the last descriptor of the other end is closed.</summary>
    public static bool TryReceive(int socket, out WireRequest request, Span<byte> structure, out ReceivedPacket packet, out bool isClosed)
    {
        request = default;
        packet = new ReceivedPacket(0, 0, -1);
        byte* control = stackalloc byte[ControlBytes];
        fixed (WireRequest* target = &request)
        fixed (byte* behind = structure)
        {
            Libc.Iovec* parts = stackalloc Libc.Iovec[2];
            parts[0] = new Libc.Iovec { Base = target, Length = (nuint)sizeof(WireRequest) };
            parts[1] = new Libc.Iovec { Base = behind, Length = (nuint)structure.Length };
            var message = new Libc.Msghdr { Parts = parts, PartCount = 2, Control = control, ControlLength = ControlBytes };
            nint got;
            do
                got = Libc.Recvmsg(socket, &message, Libc.MsgDontwait | Libc.MsgCmsgCloexec);
            while (got < 0 && Marshal.GetLastPInvokeError() == Libc.Eintr);
            isClosed = got == 0 || (got < 0 && Marshal.GetLastPInvokeError() != Libc.Eagain);
            if (got <= 0)
                return false;
            packet = ReadControl(control, message.ControlLength);
            packet = packet with { StructureBytes = (int)got - sizeof(WireRequest) };
            if (packet.StructureBytes >= 0)
                return true;
            if (packet.Fd >= 0)
                Libc.Close(packet.Fd);
            return false;
        }
    }

    /// <summary>Sends a reply, with a descriptor if <paramref name="fd"/> is not -1 (the caller keeps its own). False: the other end is gone or does not read.</summary>
    public static bool TrySend(int socket, in WireReply reply, int fd = -1)
    {
        byte* control = stackalloc byte[HeaderBytes + 8];
        fixed (WireReply* source = &reply)
        {
            if (fd < 0)
                return Libc.Send(socket, source, (nuint)sizeof(WireReply), Libc.MsgDontwait | Libc.MsgNosignal) == sizeof(WireReply);
            var part = new Libc.Iovec { Base = source, Length = (nuint)sizeof(WireReply) };
            var message = new Libc.Msghdr { Parts = &part, PartCount = 1, Control = control, ControlLength = HeaderBytes + 8 };
            *(Libc.Cmsghdr*)control = new Libc.Cmsghdr { Length = HeaderBytes + sizeof(int), Level = Libc.SolSocket, Type = Libc.ScmRights };
            *(int*)(control + HeaderBytes) = fd;
            return Libc.Sendmsg(socket, &message, Libc.MsgDontwait | Libc.MsgNosignal) == sizeof(WireReply);
        }
    }

    /// <summary>A connected pair whose <paramref name="serverEnd"/> has an abstract name, by which the library at the other end knows what it holds. False: no descriptors left.</summary>
    public static bool TryCreatePair(string name, out int serverEnd, out int clientEnd)
    {
        int* pair = stackalloc int[2];
        (serverEnd, clientEnd) = (-1, -1);
        if (Libc.Socketpair(Libc.AfUnix, Libc.SockSeqpacket | Libc.SockCloexec, 0, pair) != 0)
            return false;
        (serverEnd, clientEnd) = (pair[0], pair[1]);
        PassCredentials(serverEnd);
        if (TryBind(serverEnd, "\0" + name))
            return true;
        Libc.Close(serverEnd);
        Libc.Close(clientEnd);
        return false;
    }

    /// <summary>Binds a socket to a path, or to an abstract name if it starts with a zero byte. False: too long, or taken.</summary>
    public static bool TryBind(int socket, string name)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(name);
        bool isPath = bytes.Length == 0 || bytes[0] != 0;
        if (bytes.Length + (isPath ? 1 : 0) > Libc.SockaddrUn.PathBytes)
            return false;
        var address = new Libc.SockaddrUn { Family = Libc.AfUnix };
        bytes.CopyTo(new Span<byte>(address.Path, Libc.SockaddrUn.PathBytes));
        return Libc.Bind(socket, &address, (uint)(sizeof(ushort) + bytes.Length + (isPath ? 1 : 0))) == 0;
    }

    public static void PassCredentials(int socket)
    {
        int on = 1;
        Libc.Setsockopt(socket, Libc.SolSocket, Libc.SoPasscred, &on, sizeof(int));
    }

    /// <summary>The user who connected a socket.</summary>
    public static uint PeerUid(int socket)
    {
        Libc.Ucred peer = default;
        uint length = (uint)Unsafe.SizeOf<Libc.Ucred>();
        return Libc.Getsockopt(socket, Libc.SolSocket, Libc.SoPeercred, &peer, &length) == 0 ? peer.Uid : uint.MaxValue;
    }

    private static ReceivedPacket ReadControl(byte* control, nuint length)
    {
        var packet = new ReceivedPacket(0, uint.MaxValue, -1);
        for (nuint at = 0; at + HeaderBytes <= length;)
        {
            var header = (Libc.Cmsghdr*)(control + at);
            if (header->Length < HeaderBytes)
                break;
            byte* data = control + at + HeaderBytes;
            if (header->Level == Libc.SolSocket && header->Type == Libc.ScmCredentials)
            {
                var sender = (Libc.Ucred*)data;
                packet = packet with { Pid = sender->Pid, Uid = sender->Uid };
            }
            else if (header->Level == Libc.SolSocket && header->Type == Libc.ScmRights)
            {
                int count = (int)((header->Length - HeaderBytes) / sizeof(int));
                // One is expected; what a lying client sends beyond is not kept.
                for (int i = 0; i < count; i++)
                {
                    if (packet.Fd < 0)
                        packet = packet with { Fd = ((int*)data)[i] };
                    else
                        Libc.Close(((int*)data)[i]);
                }
            }
            at += (header->Length + 7) & ~(nuint)7;
        }
        return packet;
    }
}
