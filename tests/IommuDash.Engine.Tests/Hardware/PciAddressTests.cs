using IommuDash.Engine.Hardware;

namespace IommuDash.Engine.Tests.Hardware;

public sealed class PciAddressTests
{
    [Theory]
    [InlineData("00:1f.7", "0000:00:1f.7")]
    [InlineData("0000:FF:00.0", "0000:ff:00.0")]
    [InlineData("10000:e1:00.0", "10000:e1:00.0")]
    [InlineData("ffffffff:00:00.0", "ffffffff:00:00.0")]
    public void TryParse_Address_IsWrittenInFull(string text, string expected)
    {
        Assert.True(PciAddress.TryParse(text, out PciAddress address));
        Assert.Equal(expected, address.ToString());
        Assert.True(PciAddress.TryParse(expected, out PciAddress again));
        Assert.Equal(address, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00:00")]
    [InlineData("00:20.0")]
    [InlineData("00:00.8")]
    [InlineData("0:00.0")]
    [InlineData("000:00:00.0")]
    [InlineData("123456789:00:00.0")]
    [InlineData("0000:00:00.0 ")]
    [InlineData("0000-00:00.0")]
    [InlineData("+000:00:00.0")]
    [InlineData("0000:0g:00.0")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(PciAddress.TryParse(text, out _));

    [Fact]
    public void CompareTo_Addresses_OrdersByDomainBusDeviceFunction()
    {
        string[] sorted = ["0000:00:00.1", "0000:00:01.0", "0000:01:00.0", "0001:00:00.0", "10000:00:00.0"];
        PciAddress[] addresses = [.. sorted.Reverse().Select(t => PciAddress.TryParse(t, out PciAddress a) ? a : throw new InvalidOperationException(t))];
        Assert.Equal(sorted, addresses.Order().Select(a => a.ToString()));
        Assert.True(addresses[0] > addresses[1] && addresses[1] < addresses[0] && addresses[0] >= addresses[1] && addresses[1] <= addresses[0]);
    }
}
