// How an address space is cut into the columns of a picture. wwwroot/js/address-map-scale.js computes the same places; its tests hold both to the same numbers.
using IommuDash.Engine;

namespace IommuDash.Workspaces.Views;

/// <summary>How addresses are laid out along an axis.</summary>
public enum AddressScale
{
    Linear,

    /// <summary>Linear in the first page, then one unit per doubling: 53 units for the whole space.</summary>
    Log,
}

/// <summary>A window cut into columns that cover it exactly, without overlap; columns are not empty while the window has an address for each.</summary>
public readonly struct AddressColumns
{
    private const double PageBytes = 4096;
    private readonly IovaRange _window;
    private readonly int _columns;
    private readonly AddressScale _scale;

    /// <exception cref="ArgumentOutOfRangeException">No columns.</exception>
    public AddressColumns(IovaRange window, int columns, AddressScale scale)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        _window = window;
        _columns = columns;
        _scale = scale;
    }

    /// <summary>Addresses of a column; false if it has none.</summary>
    public bool TryGet(int column, out IovaRange range)
    {
        UInt128 start = Edge(column);
        UInt128 end = Edge(column + 1);
        range = start < end ? new IovaRange((ulong)start, (ulong)(end - 1)) : default;
        return start < end;
    }

    /// <summary>Place of an address on the logarithmic axis, 0 … 53.</summary>
    public static double LogOf(double address) => address < PageBytes ? address / PageBytes : 1 + Math.Log2(address / PageBytes);

    // First address of a column; that of the column after the last is one past the window.
    private UInt128 Edge(int column)
    {
        if (column <= 0)
            return _window.Start;
        if (column >= _columns)
            return (UInt128)_window.Last + 1;
        if (_scale == AddressScale.Linear)
            return _window.Start + (_window.LengthBytes * (UInt128)column / (UInt128)_columns);
        double low = LogOf(_window.Start);
        double at = low + ((LogOf((double)_window.Last + 1) - low) * column / _columns);
        double address = at < 1 ? at * PageBytes : PageBytes * Math.Pow(2, at - 1);
        return address >= ulong.MaxValue ? (UInt128)_window.Last + 1 : UInt128.Clamp((UInt128)address, _window.Start, (UInt128)_window.Last + 1);
    }
}
