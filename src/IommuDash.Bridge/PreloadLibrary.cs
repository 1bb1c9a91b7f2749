namespace IommuDash.Bridge;

/// <summary>The library that programs are started with.</summary>
public static class PreloadLibrary
{
    private const string FileName = "libiommudash-preload.so";

    /// <summary>Its path, beside this assembly; null where it could not be built or cannot work, and why.</summary>
    public static string? Find(out string missing)
    {
        missing = "";
        string path = Path.Combine(AppContext.BaseDirectory, FileName);
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
            missing = "Programs can be run on an emulated host on 64-bit Linux only.";
        else if (!File.Exists(path))
            missing = $"{FileName} is missing: the build found no C compiler (cc). Install one and build again.";
        return missing.Length == 0 ? path : null;
    }
}
