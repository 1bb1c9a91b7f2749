namespace IommuDash.Engine.Tests;

public sealed class IovaRangeTests
{
    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(0, 1, true)]
    [InlineData(ulong.MaxValue, 1, true)]
    [InlineData(ulong.MaxValue, 2, false)]
    public void TryOfLength_AtTheEdges_RefusesEmptyAndWrapping(ulong start, ulong length, bool expected)
    {
        Assert.Equal(expected, IovaRange.TryOfLength(start, length, out IovaRange range));
        if (expected)
            Assert.Equal((UInt128)length, range.LengthBytes);
    }

    [Fact]
    public void LengthBytes_WholeSpace_IsTwoToThe64() => Assert.Equal(UInt128.One << 64, IovaRange.Whole.LengthBytes);
}
