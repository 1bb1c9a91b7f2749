using System.Runtime.InteropServices;
using IommuDash.Abi;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Engine.Pages;
using IommuDash.Workspaces.Calls;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Views;

namespace IommuDash.Workspaces.Tests.Calls;

public sealed class CommandCallsTests
{
    /// <summary>What the log says a program would have passed is passed to the door of a second host: it answers the same bytes, and both hosts end alike.</summary>
    [Theory]
    [InlineData(IommuVendor.Mock, 1)]
    [InlineData(IommuVendor.Intel, 2)]
    [InlineData(IommuVendor.Amd, 3)]
    public async Task Command_MadeAsTheCallItStandsFor_IsAnsweredTheSame(IommuVendor vendor, int seed)
    {
        HostDescription description = TestWorkspaces.Host(vendor, memlockBytes: 64 << 12);
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create(description);
        using var host = new EmulatedHost(description);
        Assert.Null(host.OpenContext(TestWorkspaces.Pid, out _));
        var random = new RandomCommands(seed, description);
        long seen = workspace.Calls.LastNumber;
        var names = new HashSet<string>();
        for (int i = 0; i < 3_000; i++)
        {
            Command command = random.Next();
            CommandAnswer answer = await workspace.ExecuteAsync(command, "test");
            CallRecord? call = workspace.Calls.Find(seen + 1);
            seen = workspace.Calls.LastNumber;
            if (call is not { Kind: CallKind.Ioctl } || CallTypes.IsOnDevice(call.Name))
            {
                Assert.Equal(answer.Errno, command.Apply(host).Refusal?.Errno);
                continue;
            }
            names.Add(call.Name);
            var caller = new BytesCaller(host, call);
            IoctlResult result = new IommuFile(host.FindContext(call.Context)!).Ioctl(caller, call.Request, caller.Argument);
            Assert.Equal((command, call.Result), (command, result.Value));
            Assert.Equal((command, call.Name, Convert.ToHexString(call.After.Span)), (command, call.Name, Convert.ToHexString(caller.Structure)));
        }
        Assert.Equal(await workspace.ComputeDigestAsync(StateScope.WithoutTraces), StateDigest.Compute(host, StateScope.WithoutTraces));
        Assert.Superset(new HashSet<string> { "IOAS_ALLOC", "IOAS_MAP", "IOAS_MAP_FILE", "IOAS_UNMAP", "IOAS_COPY", "IOAS_ALLOW_IOVAS", "IOAS_IOVA_RANGES", "HWPT_ALLOC", "DESTROY", "OPTION", "VFIO_IOAS", "VFIO_IOMMU_MAP_DMA", "VFIO_IOMMU_UNMAP_DMA" }, names);
    }

    [Fact]
    public async Task Call_TurnedIntoACommand_IsTheCommandItCameFrom()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        var random = new RandomCommands(4, workspace.Description);
        var back = new HashSet<Type>();
        for (int i = 0; i < 4_000; i++)
        {
            Command command = random.Next();
            long before = workspace.Calls.LastNumber;
            await workspace.ExecuteAsync(command, "test");
            if (workspace.Calls.Find(before + 1) is not { Kind: CallKind.Ioctl } call || CallTypes.IsOnDevice(call.Name) || call.Name == "IOAS_MAP_FILE")
                continue;
            // As if a program had made it.
            Command? again = CommandCalls.CommandOf(call with { Command = null }, out string reason);
            Assert.True(again is not null, $"{command}: {reason}");
            Assert.Equal(CommandJson.Write(Named(command, call.Pid)), CommandJson.Write(again));
            back.Add(command.GetType());
        }
        IEnumerable<Type> all = CommandCallTable.Commands.Except([typeof(DeviceBind), typeof(DeviceAttach), typeof(DeviceReplace), typeof(DeviceDetach), typeof(IoasMapFile)]);
        Assert.Equal(all.Select(t => t.Name).Order(), back.Select(t => t.Name).Order());
    }

    [Fact]
    public async Task Undo_MarksTheCallsItTookBack()
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        await workspace.DoAsync(new IoasAlloc());
        await workspace.DoAsync(new IoasAlloc());
        await workspace.UndoAsync("test");
        await workspace.DoAsync(new IoasAlloc());
        CallsSnapshot calls = (await workspace.ReadLogAsync<CallsView, CallsQuery, CallsSnapshot>(new CallsQuery { Call = "IOAS_ALLOC" })).Data;
        Assert.Equal([(4, false), (3, true), (2, false)], calls.Items.Select(c => (c.Number, c.Undone)));
    }

    // A call always has a caller; a command may leave him to the context.
    private static Command Named(Command command, int pid) => command switch
    {
        IoasMap map => map with { Pid = pid },
        VfioMapDma map => map with { Pid = pid },
        IoasUnmap { Iova: 0, Length: ulong.MaxValue } all => new IoasUnmapAll { Context = all.Context, Ioas = all.Ioas },
        _ => command,
    };

    /// <summary>A caller whose memory is the record's structure and buffers.</summary>
    private sealed class BytesCaller(EmulatedHost host, CallRecord call) : ICaller
    {
        private const ulong Base = 0x1000;
        private readonly byte[] _structure = call.Before.ToArray();

        public ulong Argument => _structure.Length == 0 ? call.Argument : Base;

        public ReadOnlySpan<byte> Structure => _structure;

        public EmulatedProcess Process => host.FindProcess(call.Pid)!;

        public bool TryRead(ulong address, Span<byte> bytes)
        {
            if (bytes.IsEmpty)
                return true;
            if (address - Base < (ulong)_structure.Length)
            {
                _structure.AsSpan((int)(address - Base), bytes.Length).CopyTo(bytes);
                return true;
            }
            // A bitmap that is added to is read first.
            CallBuffer? buffer = call.Buffers.SingleOrDefault(b => !b.IsWrite && address - b.Address < (ulong)b.LengthBytes);
            if (buffer is null)
                bytes.Clear();
            else
                buffer.Bytes.Span.Slice((int)(address - buffer.Address), bytes.Length).CopyTo(bytes);
            return true;
        }

        public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
        {
            if (address - Base < (ulong)_structure.Length)
            {
                bytes.CopyTo(_structure.AsSpan((int)(address - Base)));
                return true;
            }
            CallBuffer? buffer = call.Buffers.SingleOrDefault(b => b.IsWrite && address - b.Address < (ulong)b.LengthBytes);
            Assert.True(buffer is not null, $"{call.Name} stored {bytes.Length} bytes at 0x{address:x}, which the record does not have.");
            int at = (int)(address - buffer.Address);
            if (at < buffer.Bytes.Length)
                Assert.Equal(Convert.ToHexString(bytes[..Math.Min(bytes.Length, buffer.Bytes.Length - at)]), Convert.ToHexString(buffer.Bytes.Span.Slice(at, Math.Min(bytes.Length, buffer.Bytes.Length - at))));
            return true;
        }

        public bool TryDeliver(object file, ulong address, bool closeOnExec) => true;

        public object? FindFile(int fd) => null;

        public MemoryFile? FindMemoryFile(int fd) => host.FindFile(call.FileName!);
    }
}
