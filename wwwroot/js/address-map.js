// The address-space map as one focusable canvas: fetches what the window needs, moves it by wheel, drag and key, and tells the page what was chosen. Painting is address-map-draw.js, places are
// address-map-scale.js. What is fetched is wider than the window, so a move is drawn at once from what is there; the answer replaces it when it comes.
import { subscribe } from './live.js';
import { caller } from './owner.js';
import { draw, layout } from './address-map-draw.js';
import { clampWindow, fetchWindow, frameWindow, hex, LAST, overviewAddress, panWindow, rangeNear, serves, size, sizeOf, toAddress, zoomWindow } from './address-map-scale.js';

const OVERVIEW_COLUMNS = 800;
const GLOW_MS = 500;
const TELL_AFTER_MS = 150;
const ZOOM_STEP = 0.8;
const PAN_STEP = 0.1;
const CLICK_PIXELS = 4;

const big = range => range && { ...range, start: BigInt(range.start), last: BigInt(range.last) };
const text = range => [`0x${range.start.toString(16)}`, `0x${range.last.toString(16)}`];

/**
 * @param {HTMLElement} root element with a canvas and a .map-tip
 * @param owner .NET object with WindowMovedAsync, AreaChosenAsync, RangeChosenAsync
 * @param options workspace, context, ioas, window {start, last}, scale
 */
export function mount(root, owner, options) {
  return new AddressMap(root, owner, options);
}

class AddressMap {
  #root; #canvas; #tip; #call; #options;
  #model = { window: null, scale: 'log', overview: null, detail: null, marks: [], passed: [], removed: null, ghost: null, selected: null, brush: null, litShare: 0, glow: new Map() };
  #fetched = null; #detail = null; #overview = null; #width = 0; #frame = 0; #tell = 0; #drag = null; #chosen = null; #glowEnds = 0; #known = false;
  #observer = new ResizeObserver(() => this.#resize());
  #redraw = () => this.#paintSoon();

  constructor(root, owner, options) {
    this.#root = root;
    this.#canvas = root.querySelector('canvas');
    this.#tip = root.querySelector('.map-tip');
    this.#call = caller(owner, root);
    this.#options = options;
    this.#model.window = clampWindow(...Object.values(big({ start: options.start, last: options.last })));
    this.#model.scale = options.scale;
    this.#listen();
    this.#observer.observe(root);
    addEventListener('iommudash:theme', this.#redraw);
    this.#resize();
    this.#watchOverview();
  }

  /** What the page knows: selection, ghost of the call, marked ranges, passed and removed ones, and the kind of overview. */
  update({ selected, ghost, marks, passed, removed, scale }) {
    if (this.#confirms(selected)) this.#model.selected = big(selected);
    Object.assign(this.#model, { ghost: big(ghost), marks: marks.map(big), passed: passed.map(big), removed: big(removed) });
    if (scale !== this.#model.scale) {
      this.#model.scale = scale;
      this.#model.overview = null;
      this.#overview.update(this.#query({ start: 0n, last: LAST, columns: OVERVIEW_COLUMNS }, scale));
    }
    this.#paintSoon();
  }

  // What was chosen here holds until the page says the same, or has said nothing of it for a second: its answers to older choices come late.
  #confirms(selected) {
    const start = selected ? BigInt(selected.start) : null;
    if (this.#chosen && performance.now() < this.#chosen.until && start !== this.#chosen.start) return false;
    this.#chosen = null;
    return true;
  }

  updateJson(json) {
    this.update(JSON.parse(json));
  }

  /** Moves to a range with room around it; an empty one shows everything. */
  show(start, last, framed) {
    const range = { start: BigInt(start), last: BigInt(last) };
    this.#move(framed ? frameWindow(range) : clampWindow(range.start, range.last));
  }

  dispose() {
    this.#observer.disconnect();
    removeEventListener('iommudash:theme', this.#redraw);
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#tell);
    this.#detail?.close();
    this.#overview?.close();
  }

  #query({ start, last, columns }, scale) {
    return { context: this.#options.context, ioas: this.#options.ioas, start: `0x${start.toString(16)}`, last: `0x${last.toString(16)}`, columns, scale };
  }

  #watchOverview() {
    this.#overview = subscribe(this.#options.workspace, 'ioas.map', this.#query({ start: 0n, last: LAST, columns: OVERVIEW_COLUMNS }, this.#model.scale), snapshot => {
      this.#model.overview = this.#read(snapshot);
      this.#paintSoon();
    });
  }

  #fetch() {
    if (!this.#width || (this.#fetched && serves(this.#fetched, this.#model.window, this.#width))) return;
    this.#fetched = fetchWindow(this.#model.window, this.#width);
    const query = this.#query(this.#fetched, 'linear');
    this.#known = false;
    if (this.#detail) this.#detail.update(query);
    else this.#detail = subscribe(this.#options.workspace, 'ioas.map', query, snapshot => this.#takeDetail(snapshot), { onState: (state, reason) => this.#say(state, reason) });
  }

  #takeDetail(snapshot) {
    this.#model.detail = this.#read(snapshot);
    if (snapshot.changed && this.#known) {
      this.#glowEnds = performance.now() + GLOW_MS;
      this.#model.glow = new Map([...snapshot.changed].map(key => [key, 1]));
    }
    this.#known = true;
    // For tests and for measuring: which version is on the screen, and in what detail.
    this.#root.dataset.version = snapshot.version;
    this.#root.dataset.detail = snapshot.data.dense ? 'columns' : 'areas';
    this.#root.dataset.areas = snapshot.data.windowAreas;
    this.#paintSoon();
  }

  #say(state, reason) {
    this.#root.dataset.state = state;
    this.#root.title = state === 'closed' ? reason ?? '' : '';
  }

  #read({ data, items }) {
    const window = { start: BigInt(data.start ?? 0), last: BigInt(data.last ?? 0) };
    const whole = sizeOf(window);
    const edge = column => data.scale === 'log'
      ? overviewAddress(column, data.columns, 'log')
      : window.start + (whole * BigInt(column)) / BigInt(data.columns);
    return {
      dense: data.dense,
      reserved: data.reserved.map(big),
      allowed: data.allowed.map(big),
      items: data.dense
        ? items.map(item => ({ ...item, start: edge(item.column), last: edge(item.column + 1) - (item.column + 1 === data.columns ? 0n : 1n) })).sort((a, b) => a.column - b.column)
        : items.map(item => ({ ...item, start: BigInt(item.start), last: BigInt(item.last) })).sort((a, b) => (a.start < b.start ? -1 : 1)),
    };
  }

  #resize() {
    const width = Math.floor(this.#root.clientWidth);
    if (!width) return;
    const ratio = devicePixelRatio;
    this.#width = width;
    this.#canvas.width = width * ratio;
    this.#canvas.height = layout().height * ratio;
    this.#canvas.style.height = `${layout().height}px`;
    this.#canvas.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#fetch();
    this.#paint();
  }

  #paintSoon() {
    this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.#paint(); });
  }

  #paint() {
    const left = this.#glowEnds - performance.now();
    if (left <= 0) this.#model.glow.clear();
    else for (const key of this.#model.glow.keys()) this.#model.glow.set(key, matchMedia('(prefers-reduced-motion: reduce)').matches ? 1 : left / GLOW_MS);
    draw(this.#canvas.getContext('2d'), this.#width, this.#model);
    if (left > 0) this.#paintSoon();
  }

  #move(window) {
    this.#model.window = window;
    this.#fetch();
    this.#paintSoon();
    clearTimeout(this.#tell);
    this.#tell = setTimeout(() => this.#tellWindow(), TELL_AFTER_MS);
  }

  // The URL is written here and not by the server: from there it could arrive when the reader has followed a link meanwhile, and would bring them back.
  async #tellWindow() {
    const before = location.href;
    const url = await this.#call('WindowMovedAsync', ...text(this.#model.window));
    if (url && location.href === before) history.replaceState(history.state, '', url);
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener('wheel', event => {
      event.preventDefault();
      const at = Math.min(Math.max(event.offsetX / this.#width, 0), 1);
      if (event.deltaX && Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.#move(panWindow(this.#model.window, event.deltaX / this.#width));
      else this.#move(zoomWindow(this.#model.window, this.#inOverview(event) ? 0.5 : at, 1.0015 ** event.deltaY));
    }, { passive: false });
    canvas.addEventListener('pointerdown', event => this.#press(event));
    canvas.addEventListener('pointermove', event => this.#drag ? this.#pull(event) : this.#hover(event));
    canvas.addEventListener('pointerup', event => this.#release(event));
    canvas.addEventListener('pointercancel', () => { this.#drag = null; this.#model.brush = null; this.#paintSoon(); });
    canvas.addEventListener('pointerleave', () => this.#lightNothing());
    canvas.addEventListener('dblclick', event => this.#frameAt(event));
    canvas.addEventListener('keydown', event => this.#key(event));
  }

  #inOverview(event) {
    const { overview, window } = layout();
    return event.offsetY < (overview.top + overview.height + window.top) / 2;
  }

  #press(event) {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#tip.hidden = true;
    this.#drag = { x: event.offsetX, from: this.#model.window, overview: this.#inOverview(event), brush: event.shiftKey && !this.#inOverview(event), moved: false };
    if (this.#drag.overview) this.#centre(event.offsetX);
  }

  #centre(x) {
    const at = overviewAddress(x, this.#width, this.#model.scale);
    const half = sizeOf(this.#model.window) / 2n;
    this.#move(clampWindow(at - half, at - half + sizeOf(this.#model.window) - 1n));
  }

  #pull(event) {
    const drag = this.#drag;
    drag.moved ||= Math.abs(event.offsetX - drag.x) >= CLICK_PIXELS;
    if (!drag.moved) return;
    if (drag.overview) this.#centre(event.offsetX);
    else if (drag.brush) {
      this.#model.brush = this.#brush(drag.x, event.offsetX, drag.from);
      this.#paintSoon();
    } else {
      this.#move(panWindow(drag.from, (drag.x - event.offsetX) / this.#width));
    }
  }

  // Whole pages: a map in parts of a page is possible only without a domain, and then typed.
  #brush(a, b, window) {
    const start = toAddress(window, Math.min(a, b), this.#width) & ~0xfffn;
    return { start, last: toAddress(window, Math.max(a, b), this.#width) | 0xfffn };
  }

  #release(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    if (drag.brush && drag.moved) {
      this.#call('RangeChosenAsync', ...text(this.#model.brush));
      this.#model.brush = null;
      this.#paintSoon();
    } else if (!drag.moved && !drag.overview) {
      this.#choose(this.#areaAt(event.offsetX));
    }
  }

  // Shown at once: the next key may come before the page's answer.
  #choose(area) {
    this.#model.selected = area && { start: area.start, last: area.last };
    this.#paintSoon();
    this.#chosen = { start: area ? area.start : null, until: performance.now() + 1000 };
    this.#call('AreaChosenAsync', area ? `0x${area.start.toString(16)}` : null);
  }

  #areaAt(x) {
    const detail = this.#model.detail;
    return detail && !detail.dense ? rangeNear(detail.items, this.#model.window, x, this.#width) : null;
  }

  #frameAt(event) {
    if (this.#inOverview(event)) return;
    const detail = this.#model.detail;
    const area = this.#areaAt(event.offsetX);
    if (area) this.#move(frameWindow(area));
    else if (detail?.dense) this.#move(zoomWindow(this.#model.window, event.offsetX / this.#width, 0.1));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const window = this.#model.window;
    const far = event.shiftKey ? 5 : 1;
    const acts = {
      ArrowLeft: () => this.#move(panWindow(window, -PAN_STEP * far)),
      ArrowRight: () => this.#move(panWindow(window, PAN_STEP * far)),
      '+': () => this.#move(zoomWindow(window, 0.5, ZOOM_STEP)),
      '=': () => this.#move(zoomWindow(window, 0.5, ZOOM_STEP)),
      '-': () => this.#move(zoomWindow(window, 0.5, 1 / ZOOM_STEP)),
      Home: () => this.#move({ start: 0n, last: LAST }),
      Enter: () => { if (this.#model.selected) this.#move(frameWindow(this.#model.selected)); },
      ArrowDown: () => this.#step(1),
      ArrowUp: () => this.#step(-1),
      Escape: () => this.#choose(null),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  // To the next or previous area in the window; where single areas cannot be seen, closer.
  #step(direction) {
    const { detail, window, selected } = this.#model;
    if (!detail || detail.dense) {
      this.#move(zoomWindow(window, 0.5, 0.5));
      return;
    }
    const seen = detail.items.filter(area => area.last >= window.start && area.start <= window.last);
    const at = selected ? seen.findIndex(area => area.start >= selected.start) : -1;
    const next = selected && at >= 0 ? seen[at + direction] : direction > 0 ? seen[0] : seen.at(-1);
    if (next) this.#choose(next);
  }

  #hover(event) {
    const detail = this.#model.detail;
    if (!detail || this.#inOverview(event)) {
      this.#lightNothing();
      return;
    }
    const at = toAddress(this.#model.window, event.offsetX, this.#width);
    const area = this.#areaAt(event.offsetX);
    const lit = area?.share ?? 0;
    if (lit !== this.#model.litShare) {
      this.#model.litShare = lit;
      this.#paintSoon();
    }
    this.#tip.textContent = area ? describe(area) : this.#describeRest(detail, at);
    this.#tip.hidden = false;
    this.#tip.style.left = `${Math.min(Math.max(event.offsetX + 12, 0), Math.max(this.#width - this.#tip.offsetWidth, 0))}px`;
  }

  #describeRest(detail, at) {
    const reserved = detail.reserved.find(range => range.start <= at && range.last >= at);
    const column = detail.dense ? detail.items.find(item => item.start <= at && item.last >= at) : null;
    const parts = [hex(at)];
    if (column) parts.push(`${column.areas.toLocaleString('en-US')} areas in ${size(sizeOf(column))}, ${column.estimated ? '≈ ' : ''}${Math.round(column.covered * 100)} % mapped`);
    if (reserved) parts.push(`reserved by ${reserved.owner}: ${hex(reserved.start)} – ${hex(reserved.last)}`);
    if (detail.allowed.some(range => range.start <= at && range.last >= at)) parts.push('allowed for automatic maps');
    if (!column && !reserved) parts.push('hole');
    return parts.join('\n');
  }

  #lightNothing() {
    this.#tip.hidden = true;
    if (this.#model.litShare === 0) return;
    this.#model.litShare = 0;
    this.#paintSoon();
  }
}

function describe(area) {
  const lines = [`${hex(area.start)} – ${hex(area.last)}`, `${size(sizeOf(area))}, ${area.prot}, of process ${area.pid} at ${hex(BigInt(area.source))}`];
  if (area.sharedBy > 1) lines.push(`its pages are shown by ${area.sharedBy} areas`);
  lines.push(area.storageHwpt === undefined ? 'in no domain' : `frames kept in hw_pagetable ${area.storageHwpt}`);
  return lines.join('\n');
}
