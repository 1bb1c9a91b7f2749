// What a person waits for, measured in Chromium against the real server: opening an IOAS of 100,000 areas, panning it, and how long a change takes to reach the screen while
// 1,000 commands a second run. Prints name, value and unit; a run takes about three minutes and wants an otherwise idle machine.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;

namespace IommuDash.Benchmarks.Screen;

/// <param name="Name">What was measured.</param>
/// <param name="Value">In <paramref name="Unit"/>.</param>
/// <param name="Unit">ms, frames/s, MiB…</param>
internal sealed record ScreenResult(string Name, double Value, string Unit);

internal static class ScreenMode
{
    private const int Areas = 100_000;
    private const int Batch = 1_000;
    private const ulong Page = 4096;
    private const ulong FirstIova = 1UL << 32;

    // Guest RAM of the intel-client preset's QEMU.
    private const ulong GuestRam = 0x7f5a_4000_0000;
    private const int CommandsPerSecond = 1_000;
    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(120);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task RunAsync(bool json)
    {
        await using Dashboard dashboard = await Dashboard.StartAsync();
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        (string workspace, string ioas) = await PrepareAsync(dashboard);
        List<ScreenResult> results = [];
        IPage page = await browser.NewPageAsync(new BrowserNewPageOptions { BaseURL = dashboard.Address.ToString(), ViewportSize = new ViewportSize { Width = 1280, Height = 800 } });
        results.Add(new("screen/open/100k-areas", await OpenAsync(page, $"/w/{workspace}/ioas?ioas={ioas}"), "ms"));
        results.Add(new("screen/pan/100k-areas", await PanAsync(page), "frames/s"));
        results.AddRange(await UnderLoadAsync(dashboard, page, workspace, ioas));
        Console.WriteLine(json ? JsonSerializer.Serialize(results, Json) : string.Join('\n', results.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Name,-44} {r.Value,10:N1} {r.Unit}"))));
    }

    private static async Task<(string Workspace, string Ioas)> PrepareAsync(Dashboard dashboard)
    {
        string workspace = await dashboard.CreateWorkspaceAsync("intel-client");
        JsonElement answer = await dashboard.RunAsync(workspace, new { op = "ioas.alloc" });
        string ioas = answer.GetProperty("outputs").GetProperty("ioas").ToString();
        for (int done = 0; done < Areas; done += Batch)
            await dashboard.RunAsync(workspace, [.. Enumerable.Range(done, Batch).Select(i => Map(ioas, (ulong)i))]);
        return (workspace, ioas);
    }

    // Every second page, so that areas stay apart.
    private static object Map(string ioas, ulong index) => new
    {
        op = "ioas.map",
        ioas = int.Parse(ioas, CultureInfo.InvariantCulture),
        userAddress = Hex(GuestRam + (index % Areas * Page)),
        length = Hex(Page),
        iova = Hex(FirstIova + (index * 2 * Page)),
    };

    private static object Unmap(string ioas, ulong index) => new { op = "ioas.unmap", ioas = int.Parse(ioas, CultureInfo.InvariantCulture), iova = Hex(FirstIova + (index * 2 * Page)), length = Hex(Page) };

    private static string Hex(ulong value) => $"0x{value:x}";

    // From the request until the map has painted what the server sent; the second visit, as a user's, with scripts in the browser's cache.
    private static async Task<double> OpenAsync(IPage page, string path)
    {
        double took = 0;
        for (int visit = 0; visit < 2; visit++)
        {
            await page.GotoAsync("about:blank");
            long begun = Stopwatch.GetTimestamp();
            await page.GotoAsync(path);
            await page.Locator(".map-canvas[data-version]").WaitForAsync();
            took = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        }
        return Math.Round(took);
    }

    // Drags the window to and fro for three seconds, one step per frame, and counts the frames the browser showed meanwhile.
    private static Task<double> PanAsync(IPage page) => page.EvaluateAsync<double>(
        """
        async () => {
          const canvas = document.querySelector('.map-canvas canvas');
          const box = canvas.getBoundingClientRect();
          const y = box.top + box.height / 2;
          const at = (type, x) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, button: 0, buttons: 1, clientX: x, clientY: y, bubbles: true }));
          canvas.setPointerCapture = () => {};
          let frames = 0, x = box.left + box.width / 2, step = 7;
          at('pointerdown', x);
          const begun = performance.now();
          while (performance.now() - begun < 3000) {
            x += step;
            if (x < box.left + 50 || x > box.right - 50) step = -step;
            at('pointermove', x);
            await new Promise(requestAnimationFrame);
            frames++;
          }
          at('pointerup', x);
          return Math.round(frames / ((performance.now() - begun) / 1000));
        }
        """);

    // Commands in batches of 50 every 50 ms, from the window's areas. As soon as one change has been seen on the screen, the next batch's answer starts the clock anew.
    private static async Task<IEnumerable<ScreenResult>> UnderLoadAsync(Dashboard dashboard, IPage page, string workspace, string ioas)
    {
        const int PerBatch = CommandsPerSecond / 20;
        var latencies = new List<double>();
        var memory = new List<double>();
        Task<double>? probe = null;
        var random = new Random(1);
        const int BatchesAway = 20;
        var gone = new HashSet<ulong>();
        var away = new Queue<ulong[]>();
        long commands = 0;
        long begun = Stopwatch.GetTimestamp();
        TimeSpan next = TimeSpan.Zero;
        for (int batch = 0; Stopwatch.GetElapsedTime(begun) < LoadTime; batch++)
        {
            // Areas go now and come back twenty batches later, so that no two versions look the same.
            var leaving = new HashSet<ulong>();
            while (leaving.Count < PerBatch / 2)
            {
                var index = (ulong)random.Next(Areas);
                if (gone.Add(index))
                    leaving.Add(index);
            }
            away.Enqueue([.. leaving]);
            ulong[] returning = away.Count > BatchesAway ? away.Dequeue() : [];
            gone.ExceptWith(returning);
            object[] work = [.. leaving.Select(index => Unmap(ioas, index)), .. returning.Select(index => Map(ioas, index))];
            JsonElement answer = await dashboard.RunAsync(workspace, work);
            commands += work.Length;
            if (probe is null || probe.IsCompleted)
            {
                if (probe is not null)
                    latencies.Add(await probe);
                probe = UntilShownAsync(page, answer.GetProperty("version").GetInt64());
            }
            if (batch % 100 == 0)
                memory.Add(dashboard.ResidentMiB);
            next += TimeSpan.FromMilliseconds(50);
            TimeSpan wait = next - Stopwatch.GetElapsedTime(begun);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait);
        }
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        latencies.Sort();
        int third = Math.Max(1, memory.Count / 3);
        return
        [
            new("screen/load/commands", Math.Round(commands / seconds), "commands/s"),
            new("screen/load/change-to-screen/median", Math.Round(latencies[latencies.Count / 2]), "ms"),
            new("screen/load/change-to-screen/samples", latencies.Count, "changes"),
            new("screen/load/change-to-screen/p95", Math.Round(latencies[(int)(latencies.Count * 0.95)]), "ms"),
            new("screen/load/server-memory/second-third", Math.Round(memory.Skip(third).Take(third).Average(), 1), "MiB"),
            new("screen/load/server-memory/last-third", Math.Round(memory.Skip(2 * third).Average(), 1), "MiB"),
        ];
    }

    // Counts from the answer of the command until the browser has painted a frame with its version.
    private static Task<double> UntilShownAsync(IPage page, long version) => page.EvaluateAsync<double>(
        """
        version => new Promise(resolve => {
          const begun = performance.now();
          const look = () => Number(document.querySelector('.map-canvas').dataset.version) >= version ? resolve(performance.now() - begun) : requestAnimationFrame(look);
          look();
        })
        """, version);
}
