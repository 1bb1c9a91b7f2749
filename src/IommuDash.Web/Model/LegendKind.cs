namespace IommuDash.Web.Model;

/// <summary>What a colour stands for, in every picture. Each has a token of its name in css/tokens.css.</summary>
public enum LegendKind
{
    Area,
    Reserved,
    Allowed,
    Hole,
    Pinned,
    Dirty,
    Fault,
    Frozen,
}
