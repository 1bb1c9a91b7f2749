using IommuDash.Engine;
using IommuDash.Web.Components.Ioas;
using IommuDash.Web.Model;
using IommuDash.Workspaces.Views;

namespace IommuDash.Web.Tests.Components.Ioas;

public sealed class IoasPageStateTests
{
    public static TheoryData<IoasPageState> States =>
    [
        new IoasPageState(),
        new IoasPageState { Context = 3, Ioas = 7 },
        new IoasPageState { Ioas = 2, Selected = 0xffff_ffff_ffff_f000, Window = new IovaRange(0, ulong.MaxValue), Scale = AddressScale.Linear, Tab = IoasTab.Table },
        new IoasPageState { Ioas = 2, Inspected = new SelectionKey("ioas", "2"), Lit = new IovaRange(0x1000, 0x1fff) },
        new IoasPageState { Ioas = 2, Inspected = new SelectionKey("hwpt", "4") },
        new IoasPageState { Ioas = 1, Tab = IoasTab.Tree, Lookup = "0x1000–0x1fff", Unfolded = "0x1000,0x2000", Filter = "0x1000+4K & more" },
    ];

    [Theory]
    [MemberData(nameof(States))]
    public void Url_ReadBack_IsTheSameState(IoasPageState state)
    {
        string url = state.Url("w 1/2");
        Assert.Equal(state, IoasPageState.Parse(new Uri(new Uri("http://localhost"), url)));
        Assert.Equal("w 1/2", DashboardUrls.WorkspaceOf("http://localhost" + url));
    }

    [Theory]
    [InlineData("?sel=ioas:5", 5u, null)]
    [InlineData("?sel=area:2/0x3000", 2u, 0x3000UL)]
    [InlineData("?sel=device:0000:01:00.0&ioas=4", 4u, null)]
    [InlineData("?sel=area:x/0x3000&context=&from=0x5&to=0x1&tab=none&scale=?", 0u, null)]
    public void Parse_LinkOfAnotherPageOrRubbish_TakesWhatItUnderstands(string query, uint ioas, ulong? selected)
    {
        IoasPageState state = IoasPageState.Parse(new Uri("http://localhost/w/1/ioas" + query));
        Assert.Equal(new IoasPageState { Ioas = ioas, Selected = selected, Inspected = state.Inspected }, state);
    }

    [Theory]
    [InlineData("0x1000", 0x1000UL, 0x1000UL)]
    [InlineData(" 0x1000 - 0x1fff ", 0x1000UL, 0x1fffUL)]
    [InlineData("0x1000–0x1fff", 0x1000UL, 0x1fffUL)]
    [InlineData("0x1000..0x1fff", 0x1000UL, 0x1fffUL)]
    [InlineData("0x1000 to 0x1fff", 0x1000UL, 0x1fffUL)]
    [InlineData("0x1000+4K", 0x1000UL, 0x1fffUL)]
    public void RangeParser_WaysToWriteARange_AreRead(string text, ulong start, ulong last)
    {
        Assert.Null(RangeParser.Parse(text, out IovaRange range));
        Assert.Equal(new IovaRange(start, last), range);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0x2000-0x1000")]
    [InlineData("0x1000+0")]
    [InlineData("0xffffffffffffffff+2")]
    [InlineData("0x1000-zebra")]
    public void RangeParser_WhatIsNoRange_IsExplained(string text) => Assert.EndsWith(".", RangeParser.Parse(text, out _), StringComparison.Ordinal);
}
