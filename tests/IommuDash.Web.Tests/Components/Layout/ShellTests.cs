using Bunit;
using Bunit.TestDoubles;

using IommuDash.Web.Components.Layout;
using IommuDash.Web.Model;

using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace IommuDash.Web.Tests.Components.Layout;

public sealed class ShellTests : ComponentTest
{
    [Fact]
    public void Navigation_WithoutWorkspace_LeadsToHostsOnly()
    {
        var menu = Render<NavigationMenu>();
        Assert.Equal("/", Assert.Single(menu.FindAll("a")).GetAttribute("href"));
        Assert.Equal(NavigationPage.All.Count - 1, menu.FindAll(".closed").Count);
    }

    [Fact]
    public void Navigation_InsideWorkspace_LeadsToItsPagesWithCounts()
    {
        var menu = Render<NavigationMenu>();
        Service<BunitNavigationManager>().NavigateTo("/w/w7/ioas");
        Service<ShellState>().SetCounts(new Dictionary<string, long> { ["events"] = 84_210 });
        menu.WaitForAssertion(() => Assert.Equal("84,210", menu.Find("a[href='/w/w7/events'] .count").TextContent.Trim()));
        Assert.Contains("active", menu.Find("a[href='/w/w7/ioas']").ClassList);
    }

    [Fact]
    public void Inspector_Selected_ShowsWhatTheSelectionBrought()
    {
        var inspector = Render<Inspector>();
        var key = new SelectionKey("area", "7");
        RenderFragment facts = builder => builder.AddContent(0, "64 KiB");
        Service<InspectorSelection>().Select(key, new InspectorContent("Area 7") { Facts = facts });
        inspector.WaitForAssertion(() => Assert.Equal("Area 7", inspector.Find("h2").TextContent));
        Assert.Equal(["Facts"], inspector.FindAll("h3").Select(heading => heading.TextContent));
        inspector.Find("button").Click();
        Assert.False(Service<InspectorSelection>().IsSelected(key));
        Assert.Empty(inspector.FindAll("h2"));
    }

    [Fact]
    public void Selection_RefreshOfAnotherObject_ChangesNothing()
    {
        var selection = new InspectorSelection();
        selection.Select(new SelectionKey("area", "7"), new InspectorContent("Area 7"));
        selection.Refresh(new SelectionKey("area", "8"), new InspectorContent("Area 8"));
        Assert.Equal("Area 7", selection.Content!.Title);
    }

    [Fact]
    public void Help_Opened_ListsEveryKey()
    {
        var help = Render<HelpDialog>(p => p.Add(c => c.IsOpen, true));
        Assert.Equal(ShortcutTable.All.Select(entry => entry.Does), help.FindAll("td").Select(cell => cell.TextContent));
    }

    [Fact]
    public async Task Palette_ArrowAndEnter_RunTheChosenEntryAndClose()
    {
        string? ran = null;
        bool? open = null;
        Service<ShellState>().SetEntries([Entry("ioas 1"), Entry("ioas 2")]);
        var palette = Render<CommandPalette>(p => p.Add(c => c.IsOpen, true).Add(c => c.IsOpenChanged, value => open = value));
        palette.Find("input").Input("ioas ");
        await palette.Find("input").KeyDownAsync(new KeyboardEventArgs { Key = "ArrowDown" });
        Assert.Equal("true", palette.FindAll("[role=option]")[1].GetAttribute("aria-selected"));
        await palette.Find("input").KeyDownAsync(new KeyboardEventArgs { Key = "Enter" });
        Assert.Equal("ioas 2", ran);
        Assert.False(open);

        PaletteEntry Entry(string title) => new(title, "object", () =>
        {
            ran = title;
            return Task.CompletedTask;
        });
    }

    [Fact]
    public async Task Theme_PressedThrice_GoesRound()
    {
        DisplayControl display = Service<DisplayControl>();
        List<string> themes = [];
        for (int i = 0; i < 3; i++)
        {
            await display.NextThemeAsync();
            themes.Add(display.Preferences.Theme);
        }
        Assert.Equal(["light", "dark", "system"], themes);
    }
}
