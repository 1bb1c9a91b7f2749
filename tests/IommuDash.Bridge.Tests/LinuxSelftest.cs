// Linux's own selftest of iommufd: fetched as Debian's linux-source-6.12, built unmodified, kept in artifacts/ between runs. Nothing of it is part of the repository.
namespace IommuDash.Bridge.Tests;

internal static class LinuxSelftest
{
    private const string Package = "linux-source-6.12";
    private const string Archive = Package + ".tar.xz";
    private const string InstalledArchive = "/usr/src/" + Archive;
    private const string Tests = Package + "/tools/testing/selftests";

    // The 6.12.117 sources use names that the headers of the same tree lack; these are their values in the tree they were carried back from.
    private static readonly string[] s_flags =
    [
        "-O2", "-w", "-D_GNU_SOURCE", "-DIOMMU_HW_INFO_TYPE_DEFAULT=0", "-DIOMMU_HW_INFO_FLAG_INPUT_TYPE=1",
        "-DMOCK_PASID_WIDTH=20", "-DMOCK_FLAGS_DEVICE_PASID=4", "-Din_data_type=out_data_type",
    ];

    private static string Directory_ => Path.Combine(TestPaths.Cache, "linux-selftest");

    /// <summary>The test program with this name. Skips the test only where the package or a compiler cannot be had.</summary>
    public static string Build(string name)
    {
        string binary = Path.Combine(Directory_, name);
        if (File.Exists(binary))
            return binary;
        Directory.CreateDirectory(Path.Combine(Directory_, "include", "linux"));
        string archive = FetchArchive();
        string[] needed = [Tests + "/iommu", Tests + "/kselftest.h", Tests + "/kselftest_harness.h", Package + "/include/uapi/linux/iommufd.h", Package + "/include/uapi/linux/vfio.h", Package + "/drivers/iommu/iommufd/iommufd_test.h"];
        (int code, string output) = TestPaths.Run("tar", ["-C", Directory_, "-xf", archive, .. needed], seconds: 240);
        Assert.True(code == 0, output);
        foreach (string header in (string[])["iommufd.h", "vfio.h"])
        {
            string text = File.ReadAllText(Path.Combine(Directory_, Package, "include/uapi/linux", header));
            File.WriteAllText(Path.Combine(Directory_, "include", "linux", header), text.Replace("__user", "", StringComparison.Ordinal));
        }
        string tests = Path.Combine(Directory_, Tests);
        return TestPaths.Compile(Path.Combine(tests, "iommu", name + ".c"), Path.Combine("linux-selftest", name), [.. s_flags, "-I" + Path.Combine(Directory_, "include"), "-I" + tests, "-I" + Path.Combine(tests, "iommu")]);
    }

    private static string FetchArchive()
    {
        string archive = Path.Combine(Directory_, Archive);
        if (File.Exists(InstalledArchive))
            return InstalledArchive;
        if (File.Exists(archive))
            return archive;
        string? package = DownloadPackage();
        if (package is null)
            Assert.Skip($"The package {Package} cannot be had: apt-get download failed.");
        (int code, string output) = TestPaths.Run("sh", ["-c", $"dpkg-deb --fsys-tarfile '{package}' | tar -x -O ./usr/src/{Archive} > '{archive}.part' && mv '{archive}.part' '{archive}'"], seconds: 120);
        Assert.True(code == 0, output);
        File.Delete(package!);
        return archive;
    }

    private static string? DownloadPackage()
    {
        try
        {
            if (TestPaths.Run("apt-get", ["download", Package], seconds: 240, directory: Directory_).ExitCode != 0)
            {
                TestPaths.Run("apt-get", ["update"], seconds: 120);
                TestPaths.Run("apt-get", ["download", Package], seconds: 240, directory: Directory_);
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
        return Directory.GetFiles(Directory_, Package + "_*.deb").FirstOrDefault();
    }
}
