using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace IommuDash.Web.Tests.BUnit;

/// <summary>Finds AngleSharp.Diffing beside the tests whatever version bUnit asks for; why: BUnit.targets.</summary>
internal static class AngleSharpDiffingLoader
{
    [ModuleInitializer]
    internal static void Register() => AssemblyLoadContext.Default.Resolving += static (context, name) =>
        name.Name == "AngleSharp.Diffing" ? context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "AngleSharp.Diffing.dll")) : null;
}
