// Devices that test operations make and take away while the host runs: each alone in a group of its own, all behind one mock IOMMU.
namespace IommuDash.Engine.Hardware;

public sealed partial class EmulatedHost
{
    private const string MockUnitName = "mock-iommu";

    /// <summary>Adds a mock device. ENOMEM at the cap.</summary>
    internal Refusal? AddMockDevice(uint flags, out HostDevice? device)
    {
        device = null;
        if (_devices.Count - Description.Devices.Count >= Limits.MockDevices)
            return EngineLimits.Reached(nameof(EngineLimits.MockDevices), Limits.MockDevices, "mock devices made by test operations");
        if (!_units.TryGetValue(MockUnitName, out IommuUnit? unit))
            _units.Add(MockUnitName, unit = new IommuUnit(new IommuUnitDescription { Name = MockUnitName, Vendor = IommuVendor.Mock, SnoopControl = false }));
        int number = 0;
        while (_devices.ContainsKey($"iommufd_mock{number}"))
            number++;
        int groupId = 0;
        while (_groups.ContainsKey(groupId))
            groupId++;
        var group = new IommuGroup(new GroupDescription { Id = groupId, Type = "blocked" });
        device = new HostDevice(this, new DeviceDescription { Address = $"iommufd_mock{number}", Unit = MockUnitName, Group = groupId, MockFlags = flags, Name = "iommufd selftest mock device" }, unit, group);
        group.DeviceList.Add(device);
        _groups.Add(groupId, group);
        _devices.Add(device.Address, device);
        return null;
    }

    internal void RemoveMockDevice(HostDevice device)
    {
        _devices.Remove(device.Address);
        _groups.Remove(device.Group.Id);
    }
}
