// One fault queue: what came through which hw_pagetable, what nobody has read, what was read and not answered. Oldest first.
using System.Text.Json.Serialization;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;

namespace IommuDash.Workspaces.Views;

/// <param name="First">Index of the first group, from 0.</param>
public sealed record FaultQueueQuery(int Context, uint Id, int First = 0);

/// <summary>A page asked for.</summary>
/// <param name="Pasid">Null without PASID_VALID.</param>
/// <param name="Perm">READ 1, WRITE 2, EXEC 4, PRIV 8.</param>
/// <param name="IsMapped">Whether the address translates by now; null behind a nested hw_pagetable, whose first stage is the guest's.</param>
public sealed record FaultItem(uint? Pasid, ulong Address, uint Perm, bool? IsMapped);

/// <summary>Faults that wait for one answer.</summary>
/// <param name="Number">Counts the groups the queue has taken, from 1.</param>
/// <param name="Cookie">What an answer names; null = not read yet.</param>
/// <param name="Device">The device that asked.</param>
/// <param name="DeviceId">Its id in the context.</param>
/// <param name="Hwpt">What the group came through.</param>
/// <param name="Group">The device's own number for it.</param>
/// <param name="Since">Version of the workspace that brought it.</param>
/// <param name="Faults">In order of arrival, the last one has LAST_PAGE; the first <see cref="FaultQueueView.MaxFaults"/>.</param>
/// <param name="TotalFaults">How many there are.</param>
public sealed record FaultGroupRow(ulong Number, uint? Cookie, ObjectName Device, uint DeviceId, ObjectName Hwpt, uint Group, long Since, IReadOnlyList<FaultItem> Faults, int TotalFaults) : IViewItem
{
    public string Key => $"{Number}";
}

/// <summary>A hw_pagetable that sends its faults here.</summary>
/// <param name="Pending">Groups in the queue that came through it.</param>
/// <param name="Devices">Attached to it; the first <see cref="FaultQueueView.MaxDevices"/>.</param>
/// <param name="TotalDevices">How many are.</param>
public sealed record FaultSource(ObjectName Hwpt, int Pending, IReadOnlyList<FaultingDevice> Devices, int TotalDevices);

/// <param name="Pending">Groups in the queue that it waits for.</param>
/// <param name="Gathering">Faults it has sent whose group is not complete.</param>
public sealed record FaultingDevice(ObjectName Name, uint Id, int Pending, int Gathering);

/// <param name="Queue">Null: there is no such queue.</param>
/// <param name="Sources">The first <see cref="QueuesView.MaxBelongs"/>.</param>
/// <param name="TotalGroups">Groups in the queue, read or not.</param>
public sealed record FaultQueueSnapshot(QueueRow? Queue, IReadOnlyList<FaultSource> Sources, [property: JsonPropertyName("items")] IReadOnlyList<FaultGroupRow> Groups, int First, int TotalGroups) : IItemSnapshot
{
    IReadOnlyList<IViewItem> IItemSnapshot.Items => Groups;
}

public sealed class FaultQueueView : IView<FaultQueueQuery, FaultQueueSnapshot>
{
    /// <summary>Groups in one snapshot.</summary>
    public const int MaxGroups = 100;

    /// <summary>Faults named of one group.</summary>
    public const int MaxFaults = 16;

    /// <summary>Devices named of one hw_pagetable.</summary>
    public const int MaxDevices = 4;

    public static string Name => "queues.faults";

    public static FaultQueueSnapshot Project(EmulatedHost host, FaultQueueQuery query)
    {
        if (QueuesView.Find<FaultQueue>(host, query.Context, query.Id) is not { } queue)
            return new FaultQueueSnapshot(null, [], [], 0, 0);
        (FaultGroup Group, uint? Cookie)[] groups = [.. queue.Unanswered.Select(read => (read.Value, (uint?)read.Key)).Concat(queue.Waiting.Select(group => (group, (uint?)null))).OrderBy(entry => entry.Item1.Number)];
        int first = Math.Clamp(query.First, 0, Math.Max(groups.Length - 1, 0));
        Device[] devices = [.. queue.Context.Objects.All.OfType<Device>()];
        return new FaultQueueSnapshot(
            QueuesView.Describe(queue),
            [.. QueuesView.HwptsOf(queue).Take(QueuesView.MaxBelongs).Select(hwpt => Describe(hwpt, devices, groups))],
            [.. groups.Skip(first).Take(MaxGroups).Select(entry => Describe(entry.Group, entry.Cookie))],
            first,
            groups.Length);
    }

    private static FaultSource Describe(Hwpt hwpt, Device[] devices, (FaultGroup Group, uint? Cookie)[] groups)
    {
        Device[] attached = [.. devices.Where(device => device.Attachments.Any(attachment => attachment.Hwpt == hwpt))];
        return new FaultSource(ObjectFactsView.NameOf(hwpt), groups.Count(entry => entry.Group.Hwpt == hwpt),
            [.. attached.Take(MaxDevices).Select(device => new FaultingDevice(ObjectFactsView.NameOf(device), device.Id, groups.Count(entry => entry.Group.Device == device), device.Hardware.GatheringFaults))],
            attached.Length);
    }

    private static FaultGroupRow Describe(FaultGroup group, uint? cookie) => new(
        group.Number,
        cookie,
        ObjectFactsView.NameOf(group.Device),
        group.Device.Id,
        ObjectFactsView.NameOf(group.Hwpt),
        group.GroupId,
        group.Since,
        [.. group.Faults.Take(MaxFaults).Select(fault => new FaultItem(
            fault.Flags.HasFlag(PageFaultFlags.PasidValid) ? fault.Pasid : null,
            fault.Address,
            fault.Perm,
            group.Hwpt is HwptPaging paging ? paging.Domain.TryTranslate(fault.Address, out _) : null))],
        group.Faults.Count);
}
