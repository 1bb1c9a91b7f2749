using IommuDash.Engine;
using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class SizeFormatTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(512, "512 B")]
    [InlineData(4096, "4 KiB")]
    [InlineData(3 << 19, "1.5 MiB")]
    [InlineData(1052 << 10, "≈ 1 MiB")]
    [InlineData(921_216 << 10, "≈ 899.6 MiB")]
    [InlineData((1L << 30) - 4096, "≈ 1,023.9 MiB")]
    [InlineData((1L << 30) + 4096, "≈ 1 GiB")]
    [InlineData(1L << 62, "4 EiB")]
    public void Text_OfSize_IsExactOrSaysAbout(long bytes, string text) => Assert.Equal(text, SizeFormat.Text((UInt128)bytes));

    [Fact]
    public void Text_OfTheWholeAddressSpace_Is16EiB()
    {
        Assert.Equal("16 EiB", SizeFormat.Text(IovaRange.Whole.LengthBytes));
        Assert.Equal("18,446,744,073,709,551,616 bytes", SizeFormat.Exact(IovaRange.Whole.LengthBytes));
    }

    [Theory]
    [InlineData(1, "1 byte")]
    [InlineData(4096, "4,096 bytes")]
    public void Exact_OfSize_CountsBytes(int bytes, string text) => Assert.Equal(text, SizeFormat.Exact((UInt128)bytes));
}
