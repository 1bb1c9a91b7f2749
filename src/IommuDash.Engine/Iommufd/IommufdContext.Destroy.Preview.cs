// What IOMMU_DESTROY would answer, and the check it shares with the call itself. Changes nothing and meets no failure point.
namespace IommuDash.Engine.Iommufd;

public sealed partial class IommufdContext
{
    /// <summary>Rule of a refused destroy: something beside the table refers to the object.</summary>
    public const string BusyRule = "destroy.users";

    private const string ToDestroy = "object to destroy";

    /// <summary>What <see cref="Destroy"/> would answer.</summary>
    public Refusal? PreviewDestroy(uint id) => Objects.Find<IommufdObject>(id) is { } victim ? CheckDestroy(victim) : Objects.Missing(id, ToDestroy);

    /// <summary>EBUSY while anything but the table refers to the object; names the objects that do.</summary>
    private Refusal? CheckDestroy(IommufdObject victim)
    {
        if (victim.Users == 1)
            return null;
        uint[] holders = [.. Objects.All.Where(o => o.References.Contains(victim)).Select(o => o.Id)];
        string who = victim is Device || (victim is Access && holders.Length == 0) ? "its driver holds it" : holders.Length == 0 ? "a file or mapping holds it" : $"it is used by {string.Join(", ", holders.Take(8))}{(holders.Length > 8 ? "…" : "")}";
        return new Refusal(Errno.EBUSY, BusyRule, $"{victim.Type} {victim.Id} has {victim.Users - 1} more reference{(victim.Users == 2 ? "" : "s")} than the table's own: {who}.")
        {
            Objects = holders,
        };
    }
}
