using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace IommuDash.Engine.Tests.Iommufd;

/// <summary>Runs a theory once for every <see cref="Domains"/>, or for all but <see cref="Domains.None"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EveryDomainsAttribute(bool attached = false) : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Enum.GetValues<Domains>().Where(d => !attached || d != Domains.None).Select(d => new TheoryDataRow<Domains>(d))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
