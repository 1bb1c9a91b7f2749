namespace IommuDash.Engine.Iommufd;

/// <summary>What an attach or replace would come to, found without trying it.</summary>
/// <param name="Refusal">Why it would be refused; null if nothing forbids it.</param>
/// <param name="HwptId">The hw_pagetable it would end on; 0 when refused, or when a new one would be made.</param>
/// <param name="MakesHwpt">No automatic hw_pagetable of the IOAS fits, so a new one is made and filled.</param>
public readonly record struct AttachPreview(Refusal? Refusal, uint HwptId, bool MakesHwpt)
{
    public bool Succeeds => Refusal is null;
}
