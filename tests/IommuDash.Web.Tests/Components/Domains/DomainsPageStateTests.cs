using IommuDash.Engine;
using IommuDash.Web.Components.Domains;
using IommuDash.Web.Model;

namespace IommuDash.Web.Tests.Components.Domains;

public sealed class DomainsPageStateTests
{
    [Fact]
    public void Url_OfAnyState_ReadsBackAsTheSame()
    {
        var state = new DomainsPageState
        {
            Context = 2,
            Tab = DomainsTab.Table,
            Hwpt = 3,
            Beside = 7,
            Ioas = 1,
            Path = "0.5.511",
            Tree = new TreeWindow(0xff00_0000_0000_0000, 56),
            Iova = 0xffff_ffff_ffff_f000,
            Device = "0000:01:00.0",
            Lens = new IovaRange(0xfc00_0000, ulong.MaxValue),
            Selection = new SelectionKey("hwpt", "3"),
        };
        Assert.Equal(state, Parse(state.Url("w 1")));
        Assert.Equal(new DomainsPageState(), Parse(new DomainsPageState().Url("w")));
    }

    [Fact]
    public void Parse_SelectedDomain_ChoosesIt() => Assert.Equal(5u, Parse("/w/a/domains?sel=hwpt:5").Hwpt);

    [Theory]
    [InlineData("?hwpt=-1&iova=zz&from=5&to=4&context=x&beside=99999999999&sel=:")]
    [InlineData("?at=0x10")]
    [InlineData("?at=0x10&bits=65")]
    [InlineData("?at=zz&bits=-3")]
    public void Parse_Rubbish_CountsAsNotSaid(string query) => Assert.Equal(new DomainsPageState(), Parse("/w/a/domains" + query));

    private static DomainsPageState Parse(string url) => DomainsPageState.Parse(new Uri(new Uri("http://localhost"), url));
}
