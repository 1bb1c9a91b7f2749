using IommuDash.Bridge.Memory;

namespace IommuDash.Bridge.Tests.Memory;

public sealed class ProcessMapsTests
{
    [Fact]
    public void TryQuery_OfAnyAddress_AgreesWithTheText()
    {
        string binary = TestPaths.Compile(TestPaths.Beside("programs/mappings.c"), "mappings");
        using var program = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(binary) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        Assert.Equal("mapped", program.StandardOutput.ReadLine());
        var maps = new ProcessMaps();
        Assert.True(maps.TryRead(program.Id));
        // Shared anonymous memory, a memory file, read-only and inaccessible pages among them; the vsyscall page is the kernel's and no mapping of the process.
        ClientMapping[] own = [.. maps.Mappings.Where(m => m.Start < 1UL << 63)];
        if (!maps.TryQuery(program.Id, own[0].Start, out _, out _))
            Assert.Skip("This kernel answers no PROCMAP_QUERY.");
        Assert.Contains(own, m => m.IsShared && m.Inode != 0 && m.FileOffset == 4096);
        foreach (ClientMapping mapping in own)
        {
            Assert.True(maps.TryQuery(program.Id, mapping.Last, out ClientMapping found, out bool isMapped));
            Assert.Equal((mapping, true), (found, isMapped));
        }
        Assert.True(maps.TryQuery(program.Id, own[0].Start - 1, out _, out bool isHole));
        Assert.False(isHole);
        program.StandardInput.Close();
        program.WaitForExit();
        // Nothing is mapped in a process that is gone.
        Assert.False(maps.TryQuery(program.Id, own[0].Start, out _, out bool isLeft) && isLeft);
        maps.Close();
    }
}
