using System.Reflection;

using YamlDotNet.RepresentationModel;

namespace IommuDash.Web.Tests;

/// <summary>What docker-compose.yml promises. Docker itself is not needed.</summary>
public sealed class DeploymentTests
{
    private static readonly string Root = typeof(DeploymentTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value!;

    [Fact]
    public void Compose_WebService_IsLocalConfinedAndChecked()
    {
        YamlMappingNode web = WebService();
        Assert.All((YamlSequenceNode)web["ports"], port => Assert.StartsWith("127.0.0.1:", port.ToString(), StringComparison.Ordinal));
        Assert.Equal("true", web["read_only"].ToString());
        Assert.Equal(["/tmp"], ((YamlSequenceNode)web["tmpfs"]).Select(mount => mount.ToString()));
        Assert.DoesNotContain(web["user"].ToString().Split(':'), id => id is "0" or "root");
        Assert.Equal(["ALL"], ((YamlSequenceNode)web["cap_drop"]).Select(capability => capability.ToString()));
        Assert.Contains("/health", web["healthcheck"]["test"].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Dockerfile_FinalStage_RunsAsNobodySpecial()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Root, "Dockerfile"));
        int finalStage = Array.FindLastIndex(lines, line => line.StartsWith("FROM ", StringComparison.Ordinal));
        Assert.Contains("USER $APP_UID", lines[finalStage..]);
    }

    private static YamlMappingNode WebService()
    {
        using var reader = new StreamReader(Path.Combine(Root, "docker-compose.yml"));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return (YamlMappingNode)yaml.Documents[0].RootNode["services"]["web"];
    }
}
