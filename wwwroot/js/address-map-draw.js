// Paints the address-space map: the whole space above, the window below, and the cone that ties the window to its place in the whole.
// Draws what it is given and remembers nothing. Kinds are told apart by colour and by shape: areas are filled, reserved is hatched, allowed is a bar along the edge, the ghost is dashed.
import { colour, scale as typeScale } from './theme.js';
import { countsPerPixel, hex, LAST, overviewX, size, sizeOf, ticks, toX } from './address-map-scale.js';

const WHOLE = { start: 0n, last: LAST };
const TICK_GAP = 130;
const LABEL_GAP = 70;
const LEAST_AREA = 2;

/** Heights in CSS pixels, from the top. */
export function layout() {
  const unit = typeScale();
  const overview = { top: 16 * unit, height: 26 * unit };
  const window = { top: 66 * unit, height: 84 * unit };
  const counts = { top: 166 * unit, height: 20 * unit };
  return { overview, window, counts, axis: 200 * unit, height: 210 * unit };
}

function hatch(context, ink, gap) {
  const tile = new OffscreenCanvas(gap, gap);
  const pen = tile.getContext('2d');
  pen.strokeStyle = ink;
  pen.lineWidth = 1.4;
  pen.beginPath();
  for (const shift of [-gap, 0, gap]) {
    pen.moveTo(shift, gap);
    pen.lineTo(shift + gap, 0);
  }
  pen.stroke();
  return context.createPattern(tile, 'repeat');
}

function box(context, lane, place, range, least = 1) {
  const left = place(range.start);
  const right = range.last === LAST ? place(range.last) : place(range.last + 1n);
  return { left, width: Math.max(right - left, least), top: lane.top, height: lane.height };
}

function clip({ left, width, top, height }, limit) {
  const from = Math.max(left, -4);
  const to = Math.min(left + width, limit + 4);
  return to > from ? { left: from, width: to - from, top, height } : null;
}

/** Paints everything. `model` holds what the screen should show; see address-map.js. */
export function draw(context, width, model) {
  const lanes = layout();
  const unit = typeScale();
  const ink = name => colour(`--${name}`);
  context.clearRect(0, 0, width, lanes.height);
  context.lineWidth = unit;
  context.font = `${11 * unit}px ${getComputedStyle(document.documentElement).getPropertyValue('--mono')}`;
  context.textBaseline = 'alphabetic';
  const patterns = { reserved: hatch(context, ink('reserved'), 7), fault: hatch(context, ink('fault'), 6) };
  const overviewPlace = address => overviewX(address, width, model.scale);
  const place = address => toX(model.window, address, width);

  drawLane(context, lanes.overview, width, overviewPlace, model.overview, { ...model, window: WHOLE, tiny: true }, ink, patterns);
  drawOverviewLabels(context, width, lanes, model, ink, unit);
  drawCone(context, width, lanes, model, overviewPlace, ink);
  drawLane(context, lanes.window, width, place, model.detail, model, ink, patterns);
  drawCounts(context, lanes.counts, width, place, model, ink, unit);
  drawAxis(context, width, lanes, model, ink, unit);
}

function drawLane(context, lane, width, place, data, model, ink, patterns) {
  context.save();
  context.beginPath();
  context.rect(0, lane.top, width, lane.height);
  context.clip();
  context.fillStyle = ink('hole');
  context.fillRect(0, lane.top, width, lane.height);
  if (data) {
    for (const range of data.reserved) fill(context, clip(box(context, lane, place, range), width), patterns.reserved);
    if (data.dense) drawColumns(context, lane, place, data, model, ink);
    else drawAreas(context, lane, place, width, data, model, ink);
    for (const range of data.allowed) drawAllowed(context, clip(box(context, lane, place, range), width), model, ink);
  }
  for (const range of model.removed ? [model.removed] : []) outline(context, clip(box(context, lane, place, range, 3), width), ink('fault'), 2, [3, 3]);
  for (const hole of model.tiny ? [] : model.passed) drawPassed(context, clip(box(context, lane, place, hole), width), ink);
  for (const mark of model.marks) outline(context, clip(box(context, lane, place, mark, 3), width), ink(mark.role === 'requested' ? 'fault' : 'text'), 2.5, mark.role === 'requested' ? [6, 3] : []);
  if (model.ghost) drawGhost(context, clip(box(context, lane, place, model.ghost, 3), width), model, ink, patterns);
  if (model.selected) outline(context, clip(box(context, lane, place, model.selected, 3), width), ink('text'), 2.5, []);
  if (model.brush && !model.tiny) {
    const brush = clip(box(context, lane, place, model.brush), width);
    context.globalAlpha = 0.25;
    fill(context, brush, ink('focus'));
    context.globalAlpha = 1;
    outline(context, brush, ink('focus'), 1.5, []);
  }
  context.restore();
  context.strokeStyle = ink('line');
  context.setLineDash([]);
  context.strokeRect(0.5, lane.top + 0.5, width - 1, lane.height - 1);
}

function fill(context, at, style) {
  if (!at) return;
  context.fillStyle = style;
  context.fillRect(at.left, at.top, at.width, at.height);
}

function outline(context, at, style, line, dash) {
  if (!at) return;
  context.strokeStyle = style;
  context.lineWidth = line * typeScale();
  context.setLineDash(dash);
  context.strokeRect(at.left + line / 2, at.top + line / 2, Math.max(at.width - line, 0.5), at.height - line);
  context.setLineDash([]);
}

// A dense column's shade says how much of it is mapped; how many areas share it is the bar below (drawCounts).
function drawColumns(context, lane, place, data, model, ink) {
  context.fillStyle = ink('area');
  for (const column of data.items) {
    const left = place(column.start);
    const right = column.last === LAST ? place(LAST) : place(column.last + 1n);
    if (right < 0 || left > context.canvas.width) continue;
    context.globalAlpha = 0.25 + 0.75 * column.covered;
    context.fillRect(left, lane.top + 5, Math.max(right - left, 1), lane.height - 10);
  }
  context.globalAlpha = 1;
}

function drawAreas(context, lane, place, width, data, model, ink) {
  for (const area of data.items) {
    // Never thinner than can be seen, however far out the window is.
    const at = box(context, lane, place, area, LEAST_AREA);
    if (at.left > width || at.left + at.width < 0) continue;
    const shares = area.share !== 0 && area.share === model.litShare;
    const gap = at.width >= 4 ? 1 : 0;
    const seen = clip({ left: at.left, width: at.width - gap, top: lane.top + 5, height: lane.height - 10 }, width);
    if (!seen) continue;
    fill(context, seen, ink(shares ? 'dirty' : 'area'));
    if (model.glow.has(area.key)) {
      context.globalAlpha = model.glow.get(area.key);
      fill(context, seen, ink('glow'));
      context.globalAlpha = 1;
    }
    if (shares) outline(context, seen, ink('text'), 1.5, [2, 2]);
    if (!model.tiny && seen.width > LABEL_GAP * typeScale()) {
      const left = Math.max(seen.left, 0) + 5;
      const lines = [`${size(sizeOf(area))} ${area.prot}`, `pid ${area.pid}`].filter(line => context.measureText(line).width < seen.left + seen.width - left - 4);
      context.fillStyle = ink(shares ? 'text' : 'surface');
      lines.forEach((line, i) => context.fillText(line, left, seen.top + (16 + 14 * i) * typeScale()));
    }
  }
}

function drawAllowed(context, at, model, ink) {
  if (!at) return;
  const edge = model.tiny ? 2 : 4;
  context.fillStyle = ink('allowed');
  context.fillRect(at.left, at.top, at.width, edge);
  context.fillRect(at.left, at.top + at.height - edge, at.width, edge);
  outline(context, at, ink('allowed'), 1, []);
}

function drawPassed(context, at, ink) {
  if (!at) return;
  const middle = at.left + at.width / 2;
  context.strokeStyle = ink('fault-text');
  context.lineWidth = 1.5 * typeScale();
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(middle - 4, at.top + at.height / 2 - side * 4);
    context.lineTo(middle + 4, at.top + at.height / 2 + side * 4);
  }
  context.stroke();
}

function drawGhost(context, at, model, ink, patterns) {
  if (!at) return;
  if (model.ghost.ok) {
    context.globalAlpha = 0.3;
    fill(context, at, ink('allowed'));
    context.globalAlpha = 1;
  } else {
    fill(context, at, patterns.fault);
  }
  outline(context, at, ink(model.ghost.ok ? 'allowed' : 'fault'), 2, [5, 3]);
  if (!model.tiny && model.ghost.label) {
    context.fillStyle = ink(model.ghost.ok ? 'allowed-text' : 'fault-text');
    const textWidth = context.measureText(model.ghost.label).width;
    const left = Math.min(Math.max(at.left, 4), context.canvas.clientWidth - textWidth - 8);
    const base = at.top + at.height - 10 * typeScale();
    context.fillStyle = ink('surface');
    context.fillRect(left - 2, base - 12 * typeScale(), textWidth + 6, 16 * typeScale());
    context.fillStyle = ink(model.ghost.ok ? 'allowed-text' : 'fault-text');
    context.fillText(model.ghost.label, left + 1, base);
  }
}

function drawOverviewLabels(context, width, lanes, model, ink, unit) {
  context.fillStyle = ink('muted');
  const bits = model.scale === 'log' ? [12, 20, 32, 39, 48, 57] : [62, 63];
  context.fillText('0', 1, lanes.overview.top - 4 * unit);
  for (const bit of bits) {
    const x = overviewX(1n << BigInt(bit), width, model.scale);
    context.fillText(`2^${bit}`, x + 2, lanes.overview.top - 4 * unit);
    context.fillRect(x, lanes.overview.top - 12 * unit, unit, 12 * unit);
  }
  const end = '2^64';
  context.fillText(end, width - context.measureText(end).width - 1, lanes.overview.top - 4 * unit);
}

function drawCone(context, width, lanes, model, overviewPlace, ink) {
  const left = overviewPlace(model.window.start);
  const right = Math.max(overviewPlace(model.window.last), left + 2);
  const from = lanes.overview.top + lanes.overview.height;
  context.fillStyle = ink('selected');
  context.beginPath();
  context.moveTo(left, from + 1);
  context.lineTo(right, from + 1);
  context.lineTo(width, lanes.window.top - 1);
  context.lineTo(0, lanes.window.top - 1);
  context.fill();
  outline(context, { left: left - 1, width: right - left + 2, top: lanes.overview.top - 2, height: lanes.overview.height + 4 }, ink('focus'), 2, []);
}

// How many areas touch each pixel, where some pixel has more than one: a bar per column, with the greatest count as the scale.
function drawCounts(context, lane, width, place, model, ink, unit) {
  const data = model.detail;
  if (!data) return;
  context.fillStyle = ink('area-text');
  const bottom = lane.top + lane.height;
  let greatest = 0;
  if (data.dense) {
    for (const column of data.items) if (place(column.last) >= 0 && place(column.start) <= width) greatest = Math.max(greatest, column.areas);
    for (const column of data.items) {
      const left = place(column.start);
      const height = Math.max((column.areas / greatest) * lane.height, 1);
      if (left <= width) context.fillRect(left, bottom - height, Math.max(place(column.last) - left, 1), height);
    }
  } else {
    const perPixel = countsPerPixel(data.items, model.window, Math.floor(width));
    if (perPixel.greatest < 2) return;
    greatest = perPixel.greatest;
    perPixel.counts.forEach((count, x) => { if (count) context.fillRect(x, bottom - (count / greatest) * lane.height, 1, (count / greatest) * lane.height); });
  }
  if (greatest < 2) return;
  const text = `up to ${greatest.toLocaleString('en-US')} areas a ${data.dense ? 'column' : 'pixel'}`;
  context.fillStyle = ink('muted');
  context.fillText(text, width - context.measureText(text).width - 2, lane.top - 4 * unit);
}

function drawAxis(context, width, lanes, model, ink, unit) {
  context.fillStyle = ink('muted');
  for (const tick of ticks(model.window, width, TICK_GAP * unit)) {
    const x = toX(model.window, tick, width);
    const text = hex(tick);
    context.fillRect(x, lanes.counts.top + lanes.counts.height, unit, 5 * unit);
    const left = Math.min(Math.max(x - context.measureText(text).width / 2, 0), width - context.measureText(text).width);
    context.fillText(text, left, lanes.axis + 6 * unit);
  }
}
