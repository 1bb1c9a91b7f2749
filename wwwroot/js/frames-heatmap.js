// Memory as a heat map for FrameMap.razor: 128 cells to a line, each 2^shift frames, fed by the view pinned.frames. At shift 0 four lines are one 2 MiB block.
// Colour tells the kind (pinned, in use, free) and how much of a cell it is; shape tells the state: a dot is a frame pinned more than once, a slash one that no process maps any more.
import { colour, scale } from './theme.js';
import { subscribe } from './live.js';
import { caller } from './owner.js';

const columns = 128;
const maxShift = 20;
const labelPixels = 112; // CSS pixels for the address at the left of a line
const glowMs = 500;
const maps = new Map(); // canvas -> map

const hex = frame => {
  const digits = (BigInt(frame) << 12n).toString(16);
  return '0x' + digits.padStart(Math.ceil(digits.length / 4) * 4, '0').replace(/(?=(.{4})+$)/g, '_').replace(/^_/, '');
};
const count = number => number.toLocaleString('en-US');

class FrameMap {
  constructor(canvas, page, workspace, window, lines) {
    Object.assign(this, { canvas, tell: caller(page, canvas), lines, ...window, cursor: 0, data: null, cells: new Map(), glows: new Map(), selected: window.frame ?? -1 });
    this.live = subscribe(workspace, 'pinned.frames', this.query(), snapshot => this.take(snapshot), { onState: state => { canvas.dataset.state = state; } });
    canvas.addEventListener('click', event => this.act(this.cellAt(event)));
    canvas.addEventListener('mousemove', event => this.point(this.cellAt(event)));
    canvas.addEventListener('keydown', event => this.key(event));
    canvas.addEventListener('wheel', event => this.wheel(event), { passive: false });
    canvas.addEventListener('focus', () => this.point(this.cursor));
  }

  query() { return { first: this.first, shift: this.shift, lines: this.lines }; }

  take({ version, data, items, changed }) {
    this.data = data;
    this.first = data.first;
    this.shift = data.shift;
    this.cells = new Map(items.map(line => [line.firstFrame, line.runs]));
    this.canvas.dataset.version = version;
    this.canvas.dataset.pinned = data.pinnedFrames;
    if (changed) for (const key of changed) this.glows.set(Number(key), performance.now());
    this.render();
    this.point(this.cursor);
  }

  get lineFrames() { return columns * 2 ** this.shift; }

  get labelWidth() { return labelPixels * scale(); }

  get cell() { return (this.canvas.clientWidth - this.labelWidth) / columns; }

  frameOf(cell) { return this.first + cell * 2 ** this.shift; }

  /** What a cell holds: [frames in use, pinned, most pins, orphaned]. */
  cellData(cell) {
    const runs = this.cells.get(this.first + Math.floor(cell / columns) * this.lineFrames);
    let left = cell % columns;
    for (const [length, ...counts] of runs ?? []) {
      if (left < length) return counts;
      left -= length;
    }
    return [0, 0, 0, 0];
  }

  render() {
    const { canvas, data } = this;
    const side = this.cell;
    if (!data || side <= 0) return;
    const ratio = devicePixelRatio;
    const height = Math.ceil(side * this.lines);
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.fillStyle = colour('--chrome');
    context.fillRect(this.labelWidth, 0, side * columns, side * data.lineCount);
    const now = performance.now();
    let glowing = false;
    for (let line = 0; line < data.lineCount; line++) {
      const first = this.first + line * this.lineFrames;
      let x = this.labelWidth;
      for (const [length, inUse, pinned, most, orphaned] of this.cells.get(first) ?? []) {
        if (inUse > 0) this.drawRun(context, x, line * side, length, side, inUse, pinned, most, orphaned);
        x += length * side;
      }
      const glow = 1 - (now - (this.glows.get(first) ?? -glowMs)) / glowMs;
      if (glow > 0) {
        glowing = true;
        context.globalAlpha = 0.6 * glow;
        context.fillStyle = colour('--glow');
        context.fillRect(0, line * side, this.labelWidth - 6, side);
        context.globalAlpha = 1;
      }
    }
    this.drawGuides(context, side);
    this.drawMarks(context, side);
    if (glowing) requestAnimationFrame(() => this.render());
  }

  drawRun(context, x, y, length, side, inUse, pinned, most, orphaned) {
    const frames = 2 ** this.shift;
    const box = (left, width) => {
      const right = Math.round(left + width) - gap;
      const bottom = Math.round(y + side) - gap;
      context.fillRect(Math.round(left), Math.round(y), right - Math.round(left), bottom - Math.round(y));
    };
    // Single frames stand apart, so that they can be counted; cells of many are a texture.
    const gap = this.shift === 0 && side >= 4 ? 1 : 0;
    const fill = () => {
      if (gap === 0) box(x, length * side);
      else for (let i = 0; i < length; i++) box(x + i * side, side);
    };
    context.globalAlpha = 0.35 + 0.4 * inUse / frames;
    context.fillStyle = colour('--reserved');
    fill();
    context.globalAlpha = 1;
    if (pinned > 0) {
      context.globalAlpha = 0.35 + 0.65 * pinned / frames;
      context.fillStyle = colour('--pinned');
      fill();
      context.globalAlpha = 1;
    }
    if (most < 2 && orphaned === 0) return;
    for (let i = 0; i < length; i++) {
      const left = x + i * side;
      if (most > 1) {
        context.fillStyle = colour('--surface');
        context.beginPath();
        context.arc(left + side / 2, y + side / 2, side * Math.min(0.2 + 0.06 * most, 0.4), 0, 2 * Math.PI);
        context.fill();
      }
      if (orphaned > 0) {
        context.strokeStyle = colour('--fault');
        context.lineWidth = 1.25 * scale();
        context.beginPath();
        context.moveTo(left, y + side);
        context.lineTo(left + side, y);
        context.stroke();
      }
    }
  }

  // Addresses at the left, a line under every 2 MiB block while blocks are taller than a line.
  drawGuides(context, side) {
    const step = Math.ceil(16 * scale() / side);
    context.fillStyle = colour('--muted');
    context.font = `${11 * scale()}px ${getComputedStyle(document.documentElement).getPropertyValue('--mono')}`;
    context.textBaseline = 'top';
    for (let line = 0; line < this.data.lineCount; line += Math.max(step, 4)) context.fillText(hex(this.first + line * this.lineFrames), 0, line * side);
    if (this.lineFrames >= 512) return;
    context.globalAlpha = 0.45;
    context.fillStyle = colour('--muted');
    for (let line = 1; line < this.data.lineCount; line++) if ((this.first + line * this.lineFrames) % 512 === 0) context.fillRect(this.labelWidth, Math.round(line * side) - 1, side * columns, 1);
    context.globalAlpha = 1;
  }

  drawMarks(context, side) {
    const mark = (cell, token, width) => {
      if (cell < 0 || cell >= columns * this.data.lineCount) return;
      context.strokeStyle = colour(token);
      context.lineWidth = width * scale();
      context.strokeRect(this.labelWidth + (cell % columns) * side - 0.5, Math.floor(cell / columns) * side - 0.5, side + 1, side + 1);
    };
    if (document.activeElement === this.canvas) mark(this.cursor, '--focus', 2);
    if (this.selected >= this.first) mark(Math.floor((this.selected - this.first) / 2 ** this.shift), '--fault', 2);
  }

  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - this.labelWidth) / this.cell);
    return column < 0 || column >= columns ? -1 : Math.floor((event.clientY - box.top) / this.cell) * columns + column;
  }

  point(cell) {
    if (!this.data || cell < 0 || this.frameOf(cell) >= this.data.frameCount) return;
    this.cursor = cell;
    const [inUse, pinned, most, orphaned] = this.cellData(cell);
    const frames = 2 ** this.shift;
    const first = this.frameOf(cell);
    const name = frames === 1 ? `frame ${count(first)} at ${hex(first)}` : `frames ${count(first)}–${count(first + frames - 1)} from ${hex(first)}`;
    const state = inUse === 0 ? 'free' : frames === 1
      ? pinned ? `pinned ${most === 1 ? 'once' : `${most} times`}` : 'in use, not pinned'
      : `${count(inUse)} in use, ${count(pinned)} pinned${most > 1 ? `, one of them ${most} times` : ''}`;
    this.tell('PointAsync', `${name}: ${state}${orphaned ? ', mapped by no process any more' : ''}`);
    if (document.activeElement === this.canvas) this.render();
  }

  /** A frame is selected; a cell of many is looked into. */
  act(cell) {
    if (!this.data || cell < 0 || this.frameOf(cell) >= this.data.frameCount) return;
    this.cursor = cell;
    if (this.shift > 0) {
      this.zoom(-3, cell);
    } else {
      this.selected = this.frameOf(cell);
      this.tell('SelectAsync', this.selected);
      this.render();
    }
  }

  zoom(by, cell) {
    const shift = Math.min(Math.max(this.shift + by, 0), Math.max(this.fitShift(), 0));
    if (shift === this.shift) return;
    const frame = this.frameOf(cell);
    const line = Math.floor(cell / columns);
    this.go(frame - line * columns * 2 ** shift, shift);
    this.cursor = Math.max(0, Math.floor((frame - this.first) / 2 ** shift));
  }

  /** The scale at which the whole machine is in sight. */
  fitShift() {
    let shift = 0;
    while (shift < maxShift && columns * this.lines * 2 ** shift < this.data.frameCount) shift++;
    return shift;
  }

  go(first, shift) {
    const lineFrames = columns * 2 ** shift;
    const last = Math.max(0, Math.ceil(this.data.frameCount / lineFrames) - this.lines) * lineFrames;
    this.first = Math.min(Math.max(Math.floor(first / lineFrames), 0) * lineFrames, last);
    this.shift = shift;
    this.live.update(this.query());
    this.tell('MovedAsync', this.first, this.shift);
  }

  show(window) {
    this.selected = window.frame ?? -1;
    if (this.data && (window.first !== this.first || window.shift !== this.shift)) {
      this.first = window.first;
      this.shift = window.shift;
      this.live.update(this.query());
    }
    this.render();
  }

  wheel(event) {
    if (!this.data || event.ctrlKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? -1 : 1, Math.max(this.cellAt(event), 0));
  }

  key(event) {
    if (!this.data || event.ctrlKey || event.altKey || event.metaKey) return;
    const cells = columns * this.data.lineCount;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const page = this.lineFrames * this.lines;
    if (event.key in moves) this.point(Math.min(Math.max(this.cursor + moves[event.key], 0), cells - 1));
    else if (event.key === 'Enter' || event.key === ' ') this.act(this.cursor);
    else if (event.key === '+' || event.key === '=') this.zoom(-1, this.cursor);
    else if (event.key === '-') this.zoom(1, this.cursor);
    else if (event.key === 'PageUp') this.go(this.first - page, this.shift);
    else if (event.key === 'PageDown') this.go(this.first + page, this.shift);
    else if (event.key === 'Home') this.go(0, this.shift);
    else if (event.key === 'End') this.go(this.data.frameCount, this.shift);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

const sizes = new ResizeObserver(entries => {
  for (const { target, contentRect } of entries) {
    const map = maps.get(target);
    if (map && map.width !== contentRect.width) {
      map.width = contentRect.width;
      map.render();
    }
  }
});

/** Starts a map. window: first frame, shift, selected frame or null. */
export function open(canvas, page, workspace, window, lines) {
  if (!canvas) return; // Taken off the page while the call was on its way.
  const map = new FrameMap(canvas, page, workspace, window, lines);
  maps.set(canvas, map);
  sizes.observe(canvas);
}

/** Shows another window or selection. */
export function show(canvas, window) { maps.get(canvas)?.show(window); }

/** Zooms about the middle: by -1 in, by 1 out. */
export function zoom(canvas, by) {
  const map = maps.get(canvas);
  if (map?.data) map.zoom(by, Math.floor(map.data.lineCount / 2) * columns);
}

/** Ends maps that have left the page. By then a reference to their canvas leads nowhere, so it is not asked for. */
export function close() {
  for (const [canvas, map] of [...maps].filter(([canvas]) => !canvas.isConnected)) {
    sizes.unobserve(canvas);
    map.live.close();
    maps.delete(canvas);
  }
}

addEventListener('iommudash:theme', () => { for (const map of maps.values()) map.render(); });
