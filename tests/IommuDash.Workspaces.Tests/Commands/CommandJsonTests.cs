using System.Text.Json;
using IommuDash.Engine.Hardware;
using IommuDash.Workspaces.Commands;

namespace IommuDash.Workspaces.Tests.Commands;

public sealed class CommandJsonTests
{
    [Fact]
    public void Command_WrittenAndReadBack_IsTheSame()
    {
        var random = new RandomCommands(7, TestWorkspaces.Host());
        var seen = new HashSet<Type>();
        for (int i = 0; i < 6_000; i++)
        {
            Command command = random.Next();
            seen.Add(command.GetType());
            string json = CommandJson.Write(command);
            Command? back = CommandJson.Read(JsonDocument.Parse(json).RootElement, out string problem);
            Assert.Equal("", problem);
            Assert.Equal(json, CommandJson.Write(back!));
        }
        Assert.Equal(CommandOps.Types.Values.ToHashSet(), seen);
    }

    [Fact]
    public void Command_WithNumbersOrHexAndOpLast_ReadsTheSame()
    {
        var expected = new IoasMap { Ioas = 3, UserAddress = 0x7f0000000000, Length = 4096, Iova = 0x1000 };
        foreach (string json in (string[])["""{"op":"ioas.map","ioas":3,"userAddress":"0x7f0000000000","length":"0x1000","iova":"0x1000"}""", """{"ioas":3,"userAddress":139637976727552,"length":4096,"iova":4096,"op":"ioas.map"}"""])
            Assert.Equal(expected, CommandJson.Read(JsonDocument.Parse(json).RootElement, out _));
    }

    [Theory]
    [InlineData("""{"op":"process.write","pid":1,"address":0,"hex":"0g"}""", "Field \"hex\" of the process.write: expected bytes")]
    [InlineData("""{"op":"ioas.allow","ioas":1,"ranges":[{"start":1}]}""", "ranges[0]")]
    [InlineData("""{"op":"ioas.allow","ioas":1,"ranges":null}""", "ranges")]
    [InlineData("""{"op":"option.set","option":"hugePage","value":1}""", "Field \"option\"")]
    [InlineData("""{"op":"device.bind","address":5}""", "Field \"address\"")]
    [InlineData("""{"op":"ioas.map","ioas":1,"userAddress":18446744073709551616,"length":1}""", "Field \"userAddress\"")]
    [InlineData("""{"op":"process.mmap","pid":1,"start":0,"lengthBytes":0,"layout":"huge","layuot":1}""", "no field \"layuot\"")]
    [InlineData("""{"op":7}""", "\"op\"")]
    [InlineData("""7""", "must be a JSON object")]
    public void Command_Malformed_IsRefusedByTheFieldsName(string json, string says)
    {
        Assert.Null(CommandJson.Read(JsonDocument.Parse(json).RootElement, out string problem));
        Assert.Contains(says, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("IommuDash.", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("process.write")]
    [InlineData("device.bind")]
    [InlineData("ioas.ranges")]
    public async Task Command_TooLarge_IsRefusedWithoutAVersion(string op)
    {
        using WorkspaceRegistry registry = TestWorkspaces.Registry();
        Workspace workspace = registry.Create();
        Command command = op switch
        {
            "process.write" => new ProcessWrite { Pid = 1, Address = 0, Bytes = new byte[ProcessWrite.MaxBytes + 1] },
            "device.bind" => new DeviceBind { Address = new string('x', 1_000) },
            _ => new IoasRanges { Ioas = 1, MaxRanges = 1_000_000 },
        };
        CommandAnswer answer = await workspace.ExecuteAsync(command, "test");
        Assert.Equal((Engine.Errno.E2BIG, 1L), (answer.Errno!.Value, answer.Version));
        Assert.Equal(1, workspace.Version);
    }
}
