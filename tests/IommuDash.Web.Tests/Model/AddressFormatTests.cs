using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class AddressFormatTests
{
    [Theory]
    [InlineData(0, "0x0000")]
    [InlineData(0x1fff, "0x1fff")]
    [InlineData(0xfed0_0000, "0xfed0_0000")]
    [InlineData(0x1_0000_0000, "0x0001_0000_0000")]
    [InlineData(ulong.MaxValue, "0xffff_ffff_ffff_ffff")]
    public void Full_AnyAddress_IsGroupedByFour(ulong address, string text) => Assert.Equal(text, AddressFormat.Full(address));

    [Theory]
    [InlineData(0xfed0_0000, "0xfed0_0000")]
    [InlineData(0x1_0000_0000, "0x…_0000_0000")]
    [InlineData(0xffff_8000_fee0_1000, "0x…_fee0_1000")]
    public void Short_MoreThanTwoGroups_KeepsTheLastTwo(ulong address, string text) => Assert.Equal(text, AddressFormat.Short(address));

    [Theory]
    [InlineData(0x1_0000_0000, 0x1_0000_ffff, "0x…_ffff")]
    [InlineData(0x1_0000_0000, 0x1_0001_ffff, "0x…_0001_ffff")]
    [InlineData(0x1000, 0x1fff, "0x1fff")]
    [InlineData(0x1000, 0x1_0fff, "0x0001_0fff")]
    [InlineData(0xfee0_0000, 0xfee0_0000, "0x…_0000")]
    [InlineData(0, ulong.MaxValue, "0xffff_ffff_ffff_ffff")]
    public void LastAfter_SharedGroups_AreLeftOut(ulong start, ulong last, string text) => Assert.Equal(text, AddressFormat.LastAfter(start, last));

    [Fact]
    public void Full_ParsedAgain_IsTheSameAddress()
    {
        var random = new Random(20_26);
        for (int i = 0; i < 1000; i++)
        {
            ulong address = (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            Assert.Null(AddressParser.Parse(AddressFormat.Full(address), out ulong back));
            Assert.Equal(address, back);
        }
    }
}
