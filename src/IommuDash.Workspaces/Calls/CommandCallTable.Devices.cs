// Devices: the calls on a VFIO device's own file, and mock devices.
using System.Runtime.InteropServices;
using IommuDash.Abi.Layout;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Calls;

internal static partial class CommandCallTable
{
    // VFIO_DEVICE_ATTACH_PASID, VFIO_DEVICE_DETACH_PASID.
    private const uint VfioPasid = 1;

    private static CommandCall[] Devices() =>
    [
        new StructureCall<DeviceBind, VfioDeviceBindIommufd>(CallTypes.Bind)
        {
            In = c => new VfioDeviceBindIommufd { Iommufd = c.Context },
            Out = (s, o) => s with { OutDevid = o.Device ?? 0 },
            Beside = (c, _, parts) => parts with { FileName = c.Address },
        },
        new StructureCall<DeviceAttach, VfioDeviceAttachIommufdPt>(CallTypes.Attach)
        {
            In = c => new VfioDeviceAttachIommufdPt { Flags = c.Pasid == 0 ? 0 : VfioPasid, PtId = c.Pt, Pasid = c.Pasid },
            Out = (s, o) => s with { PtId = o.Hwpt ?? s.PtId },
            Beside = (c, _, parts) => parts with { FileObjects = [c.Device] },
        },
        // On a device that is attached, attaching is replacing.
        new StructureCall<DeviceReplace, VfioDeviceAttachIommufdPt>(CallTypes.Attach)
        {
            In = c => new VfioDeviceAttachIommufdPt { Flags = c.Pasid == 0 ? 0 : VfioPasid, PtId = c.Pt, Pasid = c.Pasid },
            Out = (s, o) => s with { PtId = o.Hwpt ?? s.PtId },
            Beside = (c, _, parts) => parts with { FileObjects = [c.Device] },
        },
        new StructureCall<DeviceDetach, VfioDeviceDetachIommufdPt>(CallTypes.Detach)
        {
            In = c => new VfioDeviceDetachIommufdPt { Flags = c.Pasid == 0 ? 0 : VfioPasid, Pasid = c.Pasid },
            Beside = (c, _, parts) => parts with { FileObjects = [c.Device] },
        },
        new StructureCall<Commands.TestMockDomain, MockDomainCall>(CallTypes.Test)
        {
            In = c => new MockDomainCall { Op = TestOp.MockDomainFlags, Id = c.Pt, Union = new Abi.Layout.TestMockDomain { DevFlags = c.Flags } },
            Out = (s, o) => o is QueueOutputs made ? s with { Union = s.Union with { OutStdevId = made.Mock ?? 0, OutHwptId = o.Hwpt ?? 0, OutIdevId = o.Device ?? 0 } } : s,
            Back = (s, call) => s switch
            {
                { Op: TestOp.MockDomainFlags, Reserved: 0 } => new Commands.TestMockDomain { Context = call.Context, Pt = s.Id, Flags = s.Union.DevFlags },
                { Op: TestOp.MockDomain, Reserved: 0 } => new Commands.TestMockDomain { Context = call.Context, Pt = s.Id },
                _ => null,
            },
        },
        new StructureCall<Commands.TestAddReserved, AddReservedCall>(CallTypes.Test)
        {
            In = c => new AddReservedCall { Op = TestOp.AddReserved, Id = c.Ioas, Union = new Abi.Layout.TestAddReserved { Start = c.Start, Length = c.Length } },
            Back = (s, call) => s is { Op: TestOp.AddReserved, Reserved: 0 } ? new Commands.TestAddReserved { Context = call.Context, Ioas = s.Id, Start = s.Union.Start, Length = s.Union.Length } : null,
        },
        new StructureCall<Commands.TestTriggerVevent, TriggerVeventCall>(CallTypes.Test)
        {
            In = c => new TriggerVeventCall { Op = TestOp.TriggerVevent, DevId = c.Device },
            Back = (s, call) => s.Op == TestOp.TriggerVevent ? new Commands.TestTriggerVevent { Context = call.Context, Device = s.DevId } : null,
        },
    ];

    // The command with its header and the operation's part of the union.
    [StructLayout(LayoutKind.Sequential, Size = TestBytes)]
    private struct MockDomainCall
    {
        public uint Size;
        public TestOp Op;
        public uint Id;
        public uint Reserved;
        public Abi.Layout.TestMockDomain Union;
    }

    [StructLayout(LayoutKind.Sequential, Size = TestBytes)]
    private struct AddReservedCall
    {
        public uint Size;
        public TestOp Op;
        public uint Id;
        public uint Reserved;
        public Abi.Layout.TestAddReserved Union;
    }

    [StructLayout(LayoutKind.Sequential, Size = TestBytes)]
    private struct TriggerVeventCall
    {
        public uint Size;
        public TestOp Op;
        public uint Id;
        public uint Reserved;
        public uint DevId;
    }

    private const int TestBytes = 72;
}
