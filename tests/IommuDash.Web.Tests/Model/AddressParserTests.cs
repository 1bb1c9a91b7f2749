using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Model;

public sealed class AddressParserTests
{
    [Theory]
    [InlineData("0xfed0_0000", 0xfed0_0000)]
    [InlineData(" 0XFED00000 ", 0xfed0_0000)]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("4K", 4096)]
    [InlineData("4 KiB", 4096)]
    [InlineData("2m", 2 << 20)]
    [InlineData("1GB", 1 << 30)]
    [InlineData("1E", 1UL << 60)]
    [InlineData("15E", 15UL << 60)]
    [InlineData("0xffff_ffff_ffff_ffff", ulong.MaxValue)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    public void Parse_WhatPeopleType_IsTheValue(string text, ulong value)
    {
        Assert.Null(AddressParser.Parse(text, out ulong parsed));
        Assert.Equal(value, parsed);
    }

    [Theory]
    [InlineData(null, "Type a number, e.g. 0xfed0_0000, 4096 or 2M.")]
    [InlineData(" ", "Type a number, e.g. 0xfed0_0000, 4096 or 2M.")]
    [InlineData("0x", "Hex digits must follow 0x.")]
    [InlineData("0x12g4", "“g” is not a hex digit.")]
    [InlineData("0x4K", "“K” is not a hex digit.")]
    [InlineData("0x1_0000_0000_0000_0000", "More than 64 bits: the largest address is 0xffff_ffff_ffff_ffff.")]
    [InlineData("fed0", "Hex starts with 0x: 0xfed0.")]
    [InlineData("10ab", "Hex starts with 0x: 0x10ab.")]
    [InlineData("-4096", "“-4096” is not a number; write e.g. 0xfed0_0000, 4096 or 2M.")]
    [InlineData("4X", "“X” is no unit; use K, M, G, T, P or E (powers of 1,024).")]
    [InlineData("16E", "More than 64 bits: the largest value is 2^64 − 1.")]
    [InlineData("99999999999999999999999999999999999999999", "More than 64 bits: the largest value is 2^64 − 1.")]
    public void Parse_Unreadable_SaysWhyAndIsZero(string? text, string error)
    {
        Assert.Equal(error, AddressParser.Parse(text, out ulong value));
        Assert.Equal(0UL, value);
    }
}
