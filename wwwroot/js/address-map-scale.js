// Where addresses lie on the screen, and how a window on them moves. Pure: no canvas, no network; tests/js/address-map-scale.test.mjs runs it under node.
// Addresses are BigInt, both ends of a range inclusive. A window never leaves 0 … 2^64-1 and never gets shorter than a page.

export const PAGE = 4096n;
export const LAST = (1n << 64n) - 1n;
const SIZE = LAST + 1n;
// Windows further than this (in widths of the view) beyond each edge are fetched, so that panning has something to show at once.
const MARGIN = 0.75;
const FETCH_GRAIN = 64n;

/** Moves and cuts [start, last] to what a window may be. */
export function clampWindow(start, last) {
  let size = last - start + 1n;
  if (size < PAGE) {
    start -= (PAGE - size) / 2n;
    size = PAGE;
  }
  if (size > SIZE) size = SIZE;
  if (start < 0n) start = 0n;
  if (start > SIZE - size) start = SIZE - size;
  return { start, last: start + size - 1n };
}

export function sizeOf(range) {
  return range.last - range.start + 1n;
}

// A BigInt times a fraction; exact enough at 2^64, where one part in 2^40 is far below a pixel.
function scaled(value, fraction) {
  const UNIT = 1n << 40n;
  return (value * BigInt(Math.round(fraction * Number(UNIT)))) / UNIT;
}

/** The window `factor` times as long, with the address at `at` (0 … 1 of the width) staying where it is. */
export function zoomWindow(window, at, factor) {
  const size = sizeOf(window);
  let longer = scaled(size, factor);
  if (longer === size) longer += factor > 1 ? 1n : -1n;
  if (longer < PAGE) longer = PAGE;
  if (longer > SIZE) longer = SIZE;
  const start = window.start + scaled(size, at) - scaled(longer, at);
  return clampWindow(start, start + longer - 1n);
}

/** The window moved by a fraction of its length; positive = towards higher addresses. */
export function panWindow(window, fraction) {
  const by = scaled(sizeOf(window), fraction);
  return clampWindow(window.start + by, window.last + by);
}

/** A window around a range, with an eighth of room on either side. */
export function frameWindow(range) {
  const room = sizeOf(range) / 8n + 1n;
  return clampWindow(range.start - room, range.last + room);
}

/** Pixels from the left of the view to an address; may lie outside it. */
export function toX(window, address, width) {
  return (Number(address - window.start) / Number(sizeOf(window))) * width;
}

/** The address at a pixel of the view. */
export function toAddress(window, x, width) {
  const address = window.start + scaled(sizeOf(window), x / width);
  return address < 0n ? 0n : address > LAST ? LAST : address;
}

/** Place on the logarithmic axis, 0 … 53: linear in the first page, then one unit per doubling (AddressColumns.LogOf). */
export function logOf(address) {
  const pages = Number(address) / Number(PAGE);
  return pages < 1 ? pages : 1 + Math.log2(pages);
}

const LOG_END = logOf(SIZE);

/** Pixels from the left of a strip that shows the whole space. */
export function overviewX(address, width, scale) {
  return scale === 'log' ? (logOf(address) / LOG_END) * width : (Number(address) / Number(SIZE)) * width;
}

/** The address at a pixel of a strip that shows the whole space. */
export function overviewAddress(x, width, scale) {
  const at = Math.min(Math.max(x / width, 0), 1);
  if (scale !== 'log') return toAddress({ start: 0n, last: LAST }, at * width, width);
  const log = at * LOG_END;
  const address = log < 1 ? log * Number(PAGE) : Number(PAGE) * 2 ** (log - 1);
  return address >= Number(LAST) ? LAST : BigInt(Math.floor(address));
}

/**
 * What to ask the server for so that a window of `width` pixels can be drawn: a wider range in columns of 1 to 2 pixels. Its edges and columns are multiples of powers of two, so that small moves,
 * and several watchers, ask for the same.
 */
export function fetchWindow(window, width) {
  const size = sizeOf(window);
  let column = 1n;
  while (column * BigInt(width) < size) column *= 2n;
  const grain = column * FETCH_GRAIN;
  const room = scaled(size, MARGIN);
  let start = window.start - room;
  start = start < 0n ? 0n : start - (start % grain);
  let end = window.last + 1n + room;
  end = end % grain === 0n ? end : end - (end % grain) + grain;
  if (end > SIZE) end = SIZE;
  return { start, last: end - 1n, columns: Number((end - start + column - 1n) / column), column };
}

/** Whether what was fetched still serves a window: it covers it, at the same size of columns. */
export function serves(fetched, window, width) {
  return fetched.start <= window.start && fetched.last >= window.last && fetched.column === fetchWindow(window, width).column;
}

/** Addresses for the axis: multiples of a power of two, at most one per `gap` pixels. */
export function ticks(window, width, gap) {
  const size = sizeOf(window);
  let step = 1n;
  while (Number(step) / Number(size) * width < gap) step *= 2n;
  const found = [];
  let first = window.start % step === 0n ? window.start : window.start - (window.start % step) + step;
  for (; first <= window.last; first += step) found.push(first);
  return found;
}

/** The last of `ranges` (ascending, disjoint) that starts at or before an address, if it reaches it; else null. */
export function rangeAt(ranges, address) {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle].start <= address) low = middle + 1;
    else high = middle;
  }
  const found = low === 0 ? null : ranges[low - 1];
  return found && found.last >= address ? found : null;
}

/** The range, else the nearest one whose drawn form reaches the pixel: an area narrower than a pixel can be hit all the same. */
export function rangeNear(ranges, window, x, width) {
  const exact = rangeAt(ranges, toAddress(window, x, width));
  if (exact) return exact;
  let best = null;
  let bestDistance = 3;
  for (const at of [x - 2, x - 1, x + 1, x + 2]) {
    const found = rangeAt(ranges, toAddress(window, at, width)) ?? rangesIn(ranges, toAddress(window, x - 2, width), toAddress(window, x + 2, width))[0];
    if (found && Math.abs(at - x) < bestDistance) {
      best = found;
      bestDistance = Math.abs(at - x);
    }
  }
  return best;
}

function rangesIn(ranges, start, last) {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle].last < start) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low].start <= last ? [ranges[low]] : [];
}

/** How many of `ranges` (ascending) touch each pixel of the view: so narrow neighbours are not taken for one block. */
export function countsPerPixel(ranges, window, width) {
  const counts = new Uint32Array(width);
  let greatest = 0;
  for (const range of ranges) {
    if (range.last < window.start || range.start > window.last) continue;
    const from = Math.max(0, Math.floor(toX(window, range.start, width)));
    const to = Math.min(width - 1, Math.ceil(toX(window, range.last + 1n, width)) - 1);
    for (let x = from; x <= to; x++) greatest = Math.max(greatest, ++counts[x]);
  }
  return { counts, greatest };
}

/** 0x0000_0001_0000_0000 in whole groups of four digits, as AddressFormat.Full. */
export function hex(address) {
  const digits = address.toString(16);
  return '0x' + digits.padStart(Math.ceil(digits.length / 4) * 4, '0').replace(/(?<=.)(?=(.{4})+$)/g, '_');
}

/** Bytes in binary units, at most one decimal; rounded values say so. As SizeFormat.Text. */
export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let unit = 0;
  while (unit < units.length - 1 && bytes >> BigInt(10 * (unit + 1))) unit++;
  const one = 1n << BigInt(10 * unit);
  let tenths = (bytes * 10n + one / 2n) / one;
  if (unit < units.length - 1 && tenths >= 10240n) tenths = 10239n;
  return `${tenths * one === bytes * 10n ? '' : '≈ '}${(Number(tenths) / 10).toLocaleString('en-US')} ${units[unit]}`;
}
