using System.Globalization;
using System.Runtime.Versioning;
using IommuDash.Engine;
using IommuDash.Engine.Hardware;
using IommuDash.Engine.Iommufd;
using IommuDash.Workspaces;
using IommuDash.Workspaces.Commands;
using IommuDash.Workspaces.Tests;
using IommuDash.Workspaces.Views;

namespace IommuDash.Bridge.Tests;

/// <summary>"Copy as C": what it gives compiles, runs on the door, and is answered as the call was.</summary>
[SupportedOSPlatform("linux")]
public sealed class CallProgramTests
{
    private const ulong Buffer = 0x7f00_0000_0000;
    private const int Pid = 100;
    private const uint MockViommu = 0xdeadbeef;
    private const uint MockEvents = 0xbeefbeef;

    [Fact]
    public async Task Program_OfAnyCall_Compiles()
    {
        using WorkspaceRegistry registry = Registry();
        Workspace workspace = Create(registry);
        var random = new RandomCommands(7, workspace.Description);
        for (int i = 0; i < 2_000; i++)
            await workspace.ExecuteAsync(random.Next(), "test");
        CallsSnapshot calls = (await workspace.ReadLogAsync<CallsView, CallsQuery, CallsSnapshot>(new CallsQuery { Count = 1_000 })).Data;
        string directory = Directory.CreateTempSubdirectory("calls-").FullName;
        List<string> files = [];
        foreach (CallItem call in calls.Items.DistinctBy(c => (c.Name, c.Errno)))
        {
            CallSnapshot whole = await ReadAsync(workspace, call.Number);
            if (whole.C is null)
            {
                Assert.False(string.IsNullOrEmpty(whole.NoC));
                continue;
            }
            files.Add(Path.Combine(directory, $"call-{call.Number}.c"));
            File.WriteAllText(files[^1], whole.C);
        }
        Assert.InRange(files.Count, 40, 1_000);
        (int code, string output) = Compile(["-fsyntax-only", .. files]);
        Assert.True(code == 0, output);
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task Program_RunOnTheDoor_IsAnsweredAsTheCallWas()
    {
        using WorkspaceRegistry registry = Registry();
        Workspace workspace = Create(registry);
        await RunAsync(workspace, new IoasAlloc());
        uint device = (await workspace.ExecuteAsync(new TestMockDomain { Pt = 1 }, "test")).Outputs.Device!.Value;
        uint parent = (await workspace.ExecuteAsync(new HwptAlloc { Device = device, Pt = 1, NestParent = true }, "test")).Outputs.Hwpt!.Value;
        uint other = (await workspace.ExecuteAsync(new IoasAlloc(), "test")).Outputs.Ioas!.Value;
        uint fault = ((QueueOutputs)(await workspace.ExecuteAsync(new FaultAlloc(), "test")).Outputs).Fault!.Value;
        uint viommu = ((QueueOutputs)(await workspace.ExecuteAsync(new ViommuAlloc { Device = device, Hwpt = parent, Type = MockViommu }, "test")).Outputs).Viommu!.Value;
        await RunAsync(
            workspace,
            new IoasRanges { Ioas = 1, MaxRanges = 0 },
            new IoasAllow { Ioas = 1, Ranges = [new IovaRange(0x10_0000, 0x4fff_ffff)] },
            new IoasMap { Ioas = 1, UserAddress = Buffer + 0x3000, Length = 0x8000 },
            new IoasMap { Ioas = 1, UserAddress = Buffer, Length = 0x4000, Iova = 0x2000_0000 },
            new IoasMap { Ioas = 1, UserAddress = Buffer, Length = 0x4000, Iova = 0x2000_2000 },
            new IoasMap { Ioas = 1, UserAddress = 0x5000, Length = 0x1000 },
            new ObjectDestroy { Id = 1 },
            new HwptSetDirtyTracking { Hwpt = parent },
            new IoasCopy { Ioas = other, SourceIoas = 1, SourceIova = 0x2000_0000, Length = 0x4000 },
            new IoasUnmap { Ioas = 1, Iova = 0x2000_1000, Length = 0x1000 },
            new IoasUnmapAll { Ioas = 1 },
            new FileCreate { Name = "f", SizeBytes = 0x10000 },
            new IoasMapFile { Ioas = 1, File = "f", Start = 0x1000, Length = 0x3000 },
            new OptionSet { Option = IommufdOption.HugePages, Object = 1, Value = 0 },
            new OptionGet { Option = IommufdOption.HugePages, Object = 1 },
            new OptionSet { Option = (IommufdOption)7, Value = 1 },
            new HwptAlloc { Device = device, Pt = parent, Fault = fault, DataType = 0xdead, Data = new byte[8] },
            new FaultRead { Fault = fault },
            new VdeviceAlloc { Viommu = viommu, Device = device, VirtualId = 0x23 },
            new VeventqAlloc { Viommu = viommu, Type = MockEvents, Depth = 4 },
            new VfioMapDma { UserAddress = Buffer, Iova = 0, Size = 0x1000 },
            new VfioSetIoas { Ioas = other },
            new VfioSetIommu { Type = 3 },
            new VfioGetInfo(),
            new VfioMapDma { UserAddress = Buffer, Iova = 0x3000_0000, Size = 0x2000 },
            new VfioUnmapDma { Iova = 0x3000_0000, Size = 0x1000 },
            new VfioUnmapDma { All = true },
            new ObjectDestroy { Id = 77 });
        CallsSnapshot calls = (await workspace.ReadLogAsync<CallsView, CallsQuery, CallsSnapshot>(new CallsQuery())).Data;
        Assert.Superset(new HashSet<string> { "read", "HWPT_ALLOC", "VEVENTQ_ALLOC", "TEST MOCK_DOMAIN_FLAGS", "IOAS_MAP_FILE", "VFIO_IOMMU_UNMAP_DMA" }, calls.Items.Where(c => c.Result >= 0 || c.Name == "read").Select(c => c.Name).ToHashSet());
        string directory = Directory.CreateTempSubdirectory("calls-").FullName;
        var script = new List<string>();
        var expected = new List<string>();
        foreach (CallItem call in calls.Items.Reverse())
        {
            CallSnapshot whole = await ReadAsync(workspace, call.Number);
            Assert.True(whole.C is not null, $"{call.Name}: {whole.NoC}");
            string source = Path.Combine(directory, $"c{call.Number}.c");
            File.WriteAllText(source, whole.C);
            script.Add($"cc -std=gnu11 -Wall -Wextra -Werror -o {directory}/c{call.Number} {source} && {directory}/c{call.Number} | grep -E '^(iova|dst_iova|length|num_iovas|val64|out_iova_alignment)=' | sed s/^/{call.Number}:/; echo {call.Number}: $({directory}/c{call.Number} > {directory}/log; echo $?)");
            expected.AddRange(whole.Fields.Where(f => f.AfterText is not null && f.Name is "iova" or "dst_iova" or "length" or "num_iovas" or "val64" or "out_iova_alignment" && f.Before != f.After).Select(f => string.Create(CultureInfo.InvariantCulture, $"{call.Number}:{f.Name}=0x{f.After:x}")));
            expected.Add($"{call.Number}: 0");
        }
        File.WriteAllText(Path.Combine(directory, "all.sh"), string.Join('\n', script));
        (int code, string output) = TestPaths.IommuDash(["run", "--host", "mock", "--", "sh", Path.Combine(directory, "all.sh")], seconds: 180);
        Assert.Equal(0, code);
        Assert.Equal(expected, output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Directory.Delete(directory, recursive: true);
    }

    private static async Task RunAsync(Workspace workspace, params Command[] commands)
    {
        foreach (Command command in commands)
            await workspace.ExecuteAsync(command, "test");
    }

    private static async Task<CallSnapshot> ReadAsync(Workspace workspace, long number) => (await workspace.ReadLogAsync<CallView, CallQuery, CallSnapshot>(new CallQuery(number))).Data;

    private static (int Code, string Output) Compile(IEnumerable<string> arguments)
    {
        try
        {
            return TestPaths.Run("cc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", .. arguments]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("There is no C compiler (cc).");
            throw;
        }
    }

    private static WorkspaceRegistry Registry() => new(new WorkspaceOptions(), new EngineLimits(), TimeProvider.System, static () => "w1");

    private static Workspace Create(WorkspaceRegistry registry)
    {
        Assert.Null(registry.Create(
            new HostDescription
            {
                Name = "mock",
                MemoryBytes = 256UL << 20,
                Units = [new IommuUnitDescription { Name = "mock", Vendor = IommuVendor.Mock }],
                Processes = [new ProcessDescription { Pid = Pid, Name = "vmm", MemlockBytes = ulong.MaxValue, Memory = [new MemoryDescription { Start = Buffer, LengthBytes = 16UL << 20 }] }],
            },
            "test",
            out Workspace? workspace));
        return workspace!;
    }
}
