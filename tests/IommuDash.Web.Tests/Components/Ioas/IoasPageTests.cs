using Bunit;

using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Web.Components.Pages;
using IommuDash.Web.Model;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;

using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;

namespace IommuDash.Web.Tests.Components.Ioas;

public sealed class IoasPageTests : ComponentTest
{
    private const ulong Buffer = 0x7f00_0000_0000;

    private readonly WorkspaceRegistry _registry = new(new WorkspaceOptions(), new EngineLimits(), TimeProvider.System, () => "w1");
    private readonly Workspace _workspace;

    public IoasPageTests()
    {
        Services.AddSingleton(_registry);
        Services.AddSingleton(TimeProvider.System);
        Services.AddScoped<WorkspaceSession>();
        Services.AddLogging();
        var host = new HostDescription
        {
            Name = "small",
            MemoryBytes = 64UL << 20,
            Units = [new IommuUnitDescription { Name = "unit0", Vendor = IommuVendor.Intel, InputBits = 39 }],
            Groups = [new GroupDescription { Id = 1 }],
            Devices = [new DeviceDescription { Address = "0000:01:00.0", Unit = "unit0", Group = 1 }],
            Processes = [new ProcessDescription { Pid = 100, Name = "vmm", CapSysResource = true, Memory = [new MemoryDescription { Start = Buffer, LengthBytes = 8UL << 20 }] }],
        };
        Assert.Null(_registry.Create(host, "test", out Workspace? workspace));
        _workspace = workspace!;
    }

    [Fact]
    public void Open_WithoutIoas_InvitesAndAllocates()
    {
        IRenderedComponent<IoasPage> page = Open();
        Assert.Contains("No IOAS yet", page.Markup, StringComparison.Ordinal);
        page.FindAll("button").Single(button => button.TextContent.Trim() == "Allocate an IOAS").Click();
        page.WaitForAssertion(() => Assert.Equal(["Map", "Interval tree", "Table", "Sharing"], page.FindAll("[aria-label=Picture] [role=tab]").Select(tab => tab.TextContent)));
    }

    [Fact]
    public void Open_UnknownWorkspace_SaysSo()
    {
        IRenderedComponent<IoasPage> page = Render<IoasPage>(parameters => parameters.Add(p => p.WorkspaceId, "nowhere"));
        Assert.Contains("no such workspace", page.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Map_IntoAnArea_PreviewsThenAnswersAndKeepsTheForm()
    {
        await DoAsync(new IoasAlloc());
        await DoAsync(new IoasMap { Ioas = 1, UserAddress = Buffer, Length = 0x2000, Iova = 0x10_0000 });
        IRenderedComponent<IoasPage> page = Open();
        page.WaitForElement("[name=map-iova]").Input("0x101000");
        page.WaitForAssertion(() => Assert.Contains("Would be refused", page.Find(".call-preview").TextContent, StringComparison.Ordinal));
        Assert.Contains("EEXIST", page.Find(".call-preview").TextContent, StringComparison.Ordinal);
        long before = _workspace.Version;
        await page.Find("#call-form").SubmitAsync();
        page.WaitForAssertion(() => Assert.Contains("map.fixed.area", page.Find(".call-answer").TextContent, StringComparison.Ordinal));
        Assert.Equal(before + 1, _workspace.Version);
        Assert.Equal("0x101000", page.Find("[name=map-iova]").GetAttribute("value"));
        string curl = page.FindAll(".call-answer [data-copy]")[0].GetAttribute("data-copy")!;
        Assert.Contains("\"op\":\"ioas.map\"", curl, StringComparison.Ordinal);
        Assert.Contains("/api/workspaces/w1/commands", curl, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Map_Automatic_LandsWhereThePreviewSaid()
    {
        await DoAsync(new IoasAlloc());
        IRenderedComponent<IoasPage> page = Open();
        page.WaitForAssertion(() => Assert.Contains("Would land at", page.Find(".call-preview").TextContent, StringComparison.Ordinal));
        string promised = page.Find(".call-preview .address").TextContent;
        await page.Find("#call-form").SubmitAsync();
        page.WaitForAssertion(() => Assert.Contains(promised, page.Find(".call-done").TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Select_ByUrl_FillsInspectorAndUnmapForm()
    {
        await DoAsync(new IoasAlloc());
        await DoAsync(new IoasMap { Ioas = 1, UserAddress = Buffer, Length = 0x3000, Iova = 0x20_0000 });
        Service<NavigationManager>().NavigateTo("/w/w1/ioas?sel=area:1/0x200000");
        IRenderedComponent<IoasPage> page = Open();
        Assert.Equal("area:1/0x200000", Service<InspectorSelection>().Key.ToString());
        Assert.Equal(["0x0020_0000", "0x3000"], page.FindAll("[name^=unmap-]").Select(input => input.GetAttribute("value")));
        await DoAsync(new IoasUnmapAll { Ioas = 1 });
        page.WaitForAssertion(() => Assert.Null(Service<InspectorSelection>().Key));
    }

    [Fact]
    public async Task LargePages_SwitchedOff_IsACommandWithAnAnswer()
    {
        await DoAsync(new IoasAlloc());
        IRenderedComponent<IoasPage> page = Open();
        page.Find("[role=switch]").Change(false);
        page.WaitForAssertion(() => Assert.Contains("option.set done", page.Find(".call-answer").TextContent, StringComparison.Ordinal));
        CommandAnswer read = await _workspace.ExecuteAsync(new OptionGet { Option = IommufdOption.HugePages, Object = 1 }, "test");
        Assert.Equal(0UL, read.Outputs.Value);
    }

    [Fact]
    public async Task Allow_BadLine_IsNamedAndNotSent()
    {
        await DoAsync(new IoasAlloc());
        IRenderedComponent<IoasPage> page = Open();
        page.FindAll("[aria-label=Call] [role=tab]").Single(tab => tab.TextContent == "Allow").Click();
        page.Find("textarea").Input("0x100000-0x1fffff\nzebra");
        page.WaitForAssertion(() => Assert.StartsWith("Line 2:", page.Find(".calls .field-error").TextContent, StringComparison.Ordinal));
        page.WaitForAssertion(() => Assert.True(page.Find("button[type=submit].call-button").HasAttribute("disabled")));
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            _registry.Delete("w1");
    }

    private IRenderedComponent<IoasPage> Open() => Render<IoasPage>(parameters => parameters.Add(p => p.WorkspaceId, "w1"));

    private async Task DoAsync(Command command) => Assert.Null((await _workspace.ExecuteAsync(command, "test")).Errno);
}
