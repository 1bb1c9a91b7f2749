// The whole page table as an icicle for PageTableTree.razor, fed by the view domains.tree: a band per level, 512 columns of IOVA. Colour tells the kind and shape tells it too: a table is framed in
// its level's hue, pages are filled boxes, their shade by size, an empty entry is bare chrome under its table. What is narrower than a column fills it as high as it covers it, tables in stripes.
import { colour, scale } from './theme.js';
import { subscribe } from './live.js';
import { caller } from './owner.js';
import { hex, size } from './address-map-scale.js';

const columns = 512;
const labelPixels = 64; // CSS pixels for the level at the left of a band
const bandPixels = 24;
const axisPixels = 18;
const glowMs = 500;
const maps = new Map(); // canvas -> tree

const count = number => number.toLocaleString('en-US');
const many = (number, one) => `${count(number)} ${one}${number === 1 ? '' : 's'}`;

class Tree {
  constructor(canvas, page, workspace, shown) {
    Object.assign(this, { canvas, tell: caller(page, canvas), shown, data: null, items: [], glows: new Map(), at: null });
    this.live = subscribe(workspace, 'domains.tree', this.query(), snapshot => this.take(snapshot), { onState: state => { canvas.dataset.state = state; } });
    this.says = document.getElementById(canvas.getAttribute('aria-describedby'));
    canvas.addEventListener('click', event => { this.canvas.focus(); this.pointAt(event); this.act(); });
    canvas.addEventListener('mousemove', event => this.pointAt(event));
    canvas.addEventListener('keydown', event => this.key(event));
    canvas.addEventListener('wheel', event => this.wheel(event), { passive: false });
    canvas.addEventListener('focus', () => { if (!this.at) this.pointTo(this.items[0]); });
    canvas.addEventListener('blur', () => this.render());
  }

  query() {
    const { context, hwpt, start, shift } = this.shown;
    return { context, hwpt, start, shift };
  }

  take({ version, data, items, changed }) {
    this.data = data;
    this.start = BigInt(data.start);
    this.items = items.map(item => ({ ...item, ...this.extent(item) }));
    if (changed) for (const key of changed) this.glows.set(key, performance.now());
    const before = this.at;
    this.at = null;
    this.canvas.dataset.version = version;
    this.canvas.dataset.window = `${data.start}/${data.shift}`;
    const same = before && this.items.find(item => item.key === before.item.key);
    if (same) this.pointTo(same, Math.min(Math.max(before.column, same.from), same.to - 1));
    else this.render();
  }

  /** Columns [from, to) of an item, cut to the window. */
  extent(item) {
    if (item.first !== undefined) return { from: item.first, to: item.last + 1 };
    const shift = item.pageShift ?? this.band(item.level).tableShift;
    const from = (BigInt(item.start) - this.start) >> BigInt(this.data.columnShift);
    const length = BigInt(item.pageShift === undefined ? 1 : item.count) << BigInt(Math.max(shift - this.data.columnShift, 0));
    const cut = column => Number(column < 0n ? 0n : column > BigInt(columns) ? BigInt(columns) : column);
    return { from: cut(from), to: cut(from + length) };
  }

  band(level) { return this.data.bands.find(band => band.level === level); }

  row(level) { return this.data.bands.findIndex(band => band.level === level); }

  get left() { return labelPixels * scale(); }

  get step() { return (this.canvas.clientWidth - this.left) / columns; }

  get bandHeight() { return bandPixels * scale(); }

  render() {
    const { canvas, data } = this;
    if (!data?.exists || this.step <= 0) return;
    const height = this.bandHeight * data.bands.length + axisPixels * scale();
    const ratio = devicePixelRatio;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.textBaseline = 'middle';
    context.font = this.font();
    for (const item of this.items) if (item.physical !== undefined) this.drawReach(context, item);
    for (const item of this.items) {
      if (item.physical !== undefined) this.drawTable(context, item);
      else if (item.pageShift !== undefined) this.drawPages(context, item);
      else this.drawColumns(context, item);
    }
    this.drawLabels(context);
    this.drawMarks(context);
    if (this.drawGlows(context)) requestAnimationFrame(() => this.render());
  }

  font(weight = '') { return `${weight} ${11 * scale()}px ${getComputedStyle(document.documentElement).getPropertyValue('--mono')}`; }

  box(item, row = this.row(item.level)) {
    const x = this.left + item.from * this.step;
    return { x, y: row * this.bandHeight + 1, width: (item.to - item.from) * this.step, height: this.bandHeight - 2 };
  }

  // Entries of a table that hold nothing show as what is left of this.
  drawReach(context, table) {
    const { x, y, width, height } = this.box(table, this.row(table.level) + 1);
    context.fillStyle = colour('--chrome');
    context.fillRect(x, y, width, height);
  }

  drawTable(context, table) {
    const { x, y, width, height } = this.box(table);
    const hue = colour(`--level-${table.level}`);
    context.fillStyle = colour('--surface');
    context.fillRect(x, y, width, height);
    context.globalAlpha = 0.2;
    context.fillStyle = hue;
    context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
    context.strokeStyle = hue;
    context.lineWidth = Math.min(1.25 * scale(), width / 3);
    context.strokeRect(x + context.lineWidth / 2, y + context.lineWidth / 2, width - context.lineWidth, height - context.lineWidth);
    this.label(context, table, [`${size(1n << BigInt(this.band(table.level).tableShift))} · ${table.used} of ${this.entriesOf(table)} used`, `${table.used} used`, `${table.used}`], colour('--text'));
  }

  entriesOf(table) { return this.shown.entries[table.level]; }

  drawPages(context, pages) {
    const { x, y, width, height } = this.box(pages);
    const each = 2 ** (pages.pageShift - this.data.columnShift) * this.step;
    context.fillStyle = this.shade(pages.pageShift);
    const gap = each >= 4 ? 1 : 0;
    if (gap === 0) {
      context.fillRect(x, y, width, height);
    } else {
      const first = this.left + Number((BigInt(pages.start) - this.start) >> BigInt(this.data.columnShift)) * this.step;
      for (let i = 0; i < pages.count; i++) {
        const from = Math.max(first + i * each, x);
        const to = Math.min(first + (i + 1) * each, x + width);
        if (to > from) context.fillRect(from, y, to - from - gap, height);
      }
    }
    if (each >= 40 * scale() || pages.count === 1) this.label(context, pages, [size(1n << BigInt(pages.pageShift))], colour('--surface'));
  }

  // As .swatch-page in css/domains.css. Towards the text's colour, so that a label in the surface's colour only gains contrast.
  shade(pageShift) {
    const part = Math.min(60, Math.max(0, pageShift - this.shown.granuleShift) * 2.75);
    return part === 0 ? colour('--area') : `color-mix(in srgb, ${colour('--area')} ${100 - part}%, ${colour('--text')})`;
  }

  drawColumns(context, item) {
    const { x, y, width, height } = this.box(item);
    const part = covered => covered <= 0 ? 0 : Math.max(2 * scale(), covered * height);
    const tables = part(item.tables * 2 ** (this.band(item.level).tableShift - this.data.columnShift));
    const pages = part(item.covered);
    context.fillStyle = colour('--chrome');
    context.fillRect(x, y, width, height);
    if (tables > 0) {
      context.fillStyle = this.hatch(context, colour(`--level-${item.level}`));
      context.fillRect(x, y + height - tables, width, tables);
    }
    context.fillStyle = colour('--area');
    context.fillRect(x, y + Math.max(0, height - tables - pages), width, pages);
  }

  // Tables that are counted, not framed one by one.
  hatch(context, ink) {
    const side = 4 * scale();
    const tile = new OffscreenCanvas(side, side);
    const pen = tile.getContext('2d');
    pen.fillStyle = colour('--surface');
    pen.fillRect(0, 0, side, side);
    pen.fillStyle = ink;
    pen.fillRect(0, 0, side, side / 2);
    return context.createPattern(tile, 'repeat');
  }

  /** The first of some texts that fits into an item. */
  label(context, item, texts, ink) {
    const { x, y, width, height } = this.box(item);
    const text = texts.find(text => context.measureText(text).width + 8 * scale() <= width);
    if (!text) return;
    context.fillStyle = ink;
    context.textAlign = 'center';
    context.fillText(text, x + width / 2, y + height / 2 + 0.5);
  }

  drawLabels(context) {
    context.textAlign = 'left';
    this.data.bands.forEach((band, row) => {
      context.fillStyle = band.level < 0 ? colour('--text') : colour(`--level-${band.level}`);
      context.fillText(band.level < 0 ? 'pages' : `level ${band.level}`, 0, (row + 0.5) * this.bandHeight);
    });
    const y = this.data.bands.length * this.bandHeight + axisPixels * scale() / 2;
    context.fillStyle = colour('--muted');
    context.fillText(hex(this.start), this.left, y);
    context.textAlign = 'right';
    context.fillText(hex(this.start + (1n << BigInt(this.data.shift)) - 1n), this.canvas.clientWidth, y);
  }

  drawMarks(context) {
    const mark = (box, token) => {
      context.strokeStyle = colour(token);
      context.lineWidth = 2 * scale();
      context.strokeRect(box.x, box.y, Math.max(box.width, 2), box.height);
    };
    const { chosen } = this.shown;
    if (chosen && this.row(chosen.level) >= 0) {
      const extent = this.extent({ level: chosen.level, start: chosen.start, ...(chosen.pageShift ? { pageShift: chosen.pageShift, count: 1 } : {}) });
      if (chosen.pageShift ? chosen.pageShift >= this.data.columnShift : this.band(chosen.level).tableShift >= this.data.columnShift) {
        if (extent.to > extent.from) mark(this.box({ ...chosen, ...extent }), '--fault');
      }
    }
    if (this.at && document.activeElement === this.canvas) mark(this.box(this.at.item.first === undefined ? this.at.item : { ...this.at.item, from: this.at.column, to: this.at.column + 1 }), '--focus');
  }

  drawGlows(context) {
    const now = performance.now();
    let glowing = false;
    for (const item of this.items) {
      const glow = 1 - (now - (this.glows.get(item.key) ?? -glowMs)) / glowMs;
      if (glow <= 0) continue;
      glowing = true;
      const { x, y, width, height } = this.box(item);
      context.globalAlpha = 0.6 * glow;
      context.fillStyle = colour('--glow');
      context.fillRect(x, y, width, height);
      context.globalAlpha = 1;
    }
    if (!glowing) this.glows.clear();
    return glowing;
  }

  pointAt(event) {
    if (!this.data?.exists) return;
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - this.left) / this.step);
    const band = this.data.bands[Math.floor((event.clientY - box.top) / this.bandHeight)];
    if (!band || column < 0) {
      this.at = null;
      this.says.textContent = '';
      return;
    }
    const item = this.items.find(item => item.level === band.level && column >= item.from && column < item.to);
    if (item) this.pointTo(item, column);
    else this.pointNowhere(band, column);
  }

  pointNowhere(band, column) {
    this.at = null;
    const parent = this.items.find(item => item.level === band.level + 1 && item.physical !== undefined && column >= item.from && column < item.to);
    this.says.textContent = `nothing ${parent ? `mapped, in the level ${parent.level} table at ${hex(BigInt(parent.physical))},` : 'mapped'} at ${hex(this.addressOf(column))}`;
    this.render();
  }

  addressOf(column) { return this.start + (BigInt(column) << BigInt(this.data.columnShift)); }

  pointTo(item, column = Math.floor((item?.from + item?.to) / 2)) {
    if (!item) return;
    this.at = { item, column };
    this.says.textContent = this.words(item, column);
    this.canvas.dataset.pointed = item.key;
    this.render();
  }

  words(item, column) {
    const range = (start, shift) => `${hex(start)} – ${hex(start + (1n << BigInt(shift)) - 1n)}`;
    if (item.physical !== undefined) {
      const holds = [item.tables && many(item.tables, 'table'), item.pages && many(item.pages, 'page')].filter(Boolean).join(', ') || 'nothing';
      return `level ${item.level} table at ${hex(BigInt(item.physical))} for ${range(BigInt(item.start), this.band(item.level).tableShift)}: ${item.used} of ${this.entriesOf(item)} entries used (${holds})`;
    }
    if (item.pageShift !== undefined) {
      return `${size(1n << BigInt(item.pageShift))} page at ${range(this.pageAt(item, column), item.pageShift)}, entry of a level ${item.level + 1} table${item.count > 1 ? `; ${count(item.count)} such in a row` : ''}`;
    }
    const about = item.estimated ? 'about ' : '';
    const holds = [item.tables && many(item.tables, 'table'), item.pages && `${many(item.pages, 'page')} on ${about}${Math.round(item.covered * 100)} % of it`].filter(Boolean).join(', ');
    return `${about}${holds} in ${range(this.addressOf(column), this.data.columnShift)}, a column of ${size(1n << BigInt(this.data.columnShift))}; zoom in to tell them apart`;
  }

  pageAt(pages, column) {
    const address = this.addressOf(column);
    const start = BigInt(pages.start);
    return address < start ? start : address & ~((1n << BigInt(pages.pageShift)) - 1n);
  }

  /** A table or page opens in the tables below; a column is looked into. */
  act() {
    if (!this.at) return;
    const { item, column } = this.at;
    if (item.physical !== undefined) this.tell('OpenTableAsync', item.start, item.level);
    else if (item.pageShift !== undefined) this.tell('OpenPageAsync', `0x${this.pageAt(item, column).toString(16)}`, item.level + 1);
    else this.zoom(-4, column);
  }

  zoom(by, column = columns / 2) {
    const shift = Math.min(Math.max(this.data.shift + by, this.data.leastShift), this.data.reachShift);
    if (shift === this.data.shift) return;
    // The address under the pointer stays there.
    const at = this.addressOf(column);
    this.go(at - ((BigInt(column) << BigInt(shift)) >> 9n), shift);
  }

  pan(bySixteenths) {
    this.go(this.start + ((BigInt(bySixteenths) << BigInt(this.data.shift)) >> 4n), this.data.shift);
  }

  go(start, shift) {
    const last = (1n << BigInt(this.data.reachShift)) - (1n << BigInt(shift));
    const inside = start < 0n ? 0n : start > last ? last : start;
    const aligned = inside >> BigInt(shift - 9) << BigInt(shift - 9);
    if (aligned === this.start && shift === this.data.shift) return;
    this.tell('WindowAsync', `0x${aligned.toString(16)}`, shift);
  }

  wheel(event) {
    if (!this.data?.exists || event.ctrlKey || event.deltaY === 0) return;
    event.preventDefault();
    if (event.shiftKey) {
      this.pan(Math.sign(event.deltaY));
      return;
    }
    const box = this.canvas.getBoundingClientRect();
    this.zoom(Math.sign(event.deltaY), Math.min(columns - 1, Math.max(0, Math.floor((event.clientX - box.left - this.left) / this.step))));
  }

  key(event) {
    if (!this.data?.exists || event.ctrlKey || event.altKey || event.metaKey) return;
    const act = {
      ArrowLeft: () => this.beside(-1), ArrowRight: () => this.beside(1), ArrowUp: () => this.below(-1), ArrowDown: () => this.below(1),
      '+': () => this.zoom(-1, this.at?.column), '=': () => this.zoom(-1, this.at?.column), '-': () => this.zoom(1, this.at?.column), Enter: () => this.act(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** The neighbour in the band; past the last one the window moves. */
  beside(by) {
    const { item, column } = this.at ?? { item: this.items[0], column: 0 };
    const within = item.first !== undefined ? column + by : item.pageShift !== undefined ? column + by * 2 ** Math.max(0, item.pageShift - this.data.columnShift) : -1;
    if (within >= item.from && within < item.to) {
      this.pointTo(item, within);
      return;
    }
    const band = this.items.filter(other => other.level === item.level);
    const next = band[band.indexOf(item) + by];
    if (next) this.pointTo(next, next.physical !== undefined ? undefined : by > 0 ? next.from : next.to - 1);
    else this.pan(8 * by);
  }

  /** What is nearest in the band above or below. */
  below(by) {
    const { item, column } = this.at ?? { item: this.items[0], column: 0 };
    const band = this.items.filter(other => other.level === item.level - by);
    const away = other => Math.max(other.from - column, column - other.to + 1, 0);
    const next = band.sort((a, b) => away(a) - away(b))[0];
    if (next) this.pointTo(next, Math.min(Math.max(column, next.from), next.to - 1));
  }
}

const sizes = new ResizeObserver(entries => { for (const { target } of entries) maps.get(target)?.render(); });

/** Shows a window; `shown`: context, hwpt, start, shift, granuleShift, entries of a table by level, chosen table or page. */
export function open(canvas, page, workspace, shown) {
  if (!canvas) return; // Taken off the page while the call was on its way.
  maps.set(canvas, new Tree(canvas, page, workspace, shown));
  sizes.observe(canvas);
}

export function show(canvas, shown) {
  const tree = maps.get(canvas);
  if (!tree) return;
  const before = JSON.stringify(tree.query());
  tree.shown = shown;
  if (before !== JSON.stringify(tree.query())) tree.live.update(tree.query());
  else tree.render();
}

export function zoom(canvas, by) { maps.get(canvas)?.zoom(by); }

/** Lets go of trees that have left the page. By then a reference to their canvas leads nowhere, so it is not asked for. */
export function close() {
  for (const [canvas, tree] of [...maps].filter(([canvas]) => !canvas.isConnected)) {
    sizes.unobserve(canvas);
    tree.live.close();
    maps.delete(canvas);
  }
}

addEventListener('iommudash:theme', () => { for (const tree of maps.values()) tree.render(); });
