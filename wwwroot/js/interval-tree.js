// The interval tree as one focusable canvas. Shows the nodes that the server sends, moves them to their new places when the tree is rebalanced, and walks a lookup's path step by step.
// Positions are interval-tree-layout.js.
import { subscribe } from './live.js';
import { caller } from './owner.js';
import { colour, scale as typeScale } from './theme.js';
import { hex, size } from './address-map-scale.js';
import { between, centre, fit, hit, LEVEL, nodeHeight, place, widths, zoom } from './interval-tree-layout.js';

const ALL_TEXT_FROM = 110;
const SOME_TEXT_FROM = 64;
const THREE_LINES_FROM = 38;
const CLICK_PIXELS = 4;

/**
 * @param {HTMLElement} root element with a canvas
 * @param owner .NET object with AreaChosenAsync(start | null), UnfoldAsync(key), SteppedAsync(step)
 * @param options workspace, query of ioas.tree, selected, stepMs (0 = without movement)
 */
export function mount(root, owner, options) {
  return new TreePicture(root, owner, options);
}

class TreePicture {
  #root; #canvas; #call; #subscription; #width = 0; #height = 0;
  #camera = null; #nodes = new Map(); #layout = place(undefined, new Map()); #from = new Map(); #shown = new Map(); #moveStarted = 0; #frame = 0;
  #lookup = []; #lookupKey = ''; #step = -1; #timer = 0; #selected; #stepMs; #drag = null; #touched = false;
  #observer = new ResizeObserver(() => this.#resize());
  #redraw = () => this.#paintSoon();

  constructor(root, owner, { workspace, query, selected, stepMs }) {
    this.#root = root;
    this.#canvas = root.querySelector('canvas');
    this.#call = caller(owner, root);
    this.#selected = selected;
    this.#stepMs = stepMs;
    this.#listen();
    this.#observer.observe(root);
    addEventListener('iommudash:theme', this.#redraw);
    this.#resize();
    this.#subscription = subscribe(workspace, 'ioas.tree', query, snapshot => this.#take(snapshot));
  }

  /** Another query, selection or speed. */
  update(query, selected, stepMs) {
    this.#selected = selected;
    this.#stepMs = stepMs;
    if (query) this.#subscription.update(query);
    this.#paintSoon();
  }

  /** Shows a step of the lookup, counted from 0, and stops walking by itself. */
  showStep(step) {
    clearTimeout(this.#timer);
    this.#step = step;
    this.#paintSoon();
  }

  fit() {
    this.#touched = false;
    this.#camera = null;
    this.#paintSoon();
  }

  zoomBy(factor) {
    this.#touched = true;
    this.#camera = zoom(this.#camera, this.#width / 2, factor);
    this.#paintSoon();
  }

  dispose() {
    this.#observer.disconnect();
    removeEventListener('iommudash:theme', this.#redraw);
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#subscription.close();
  }

  #take({ data, items, version }) {
    const nodes = new Map(items.map(item => [item.key, { ...item, start: BigInt(item.start), last: BigInt(item.last), subtreeLast: BigInt(item.subtreeLast), holeStart: BigInt(item.holeStart) }]));
    const layout = place(data.root, nodes);
    this.#from = this.#shown.size ? this.#shown : layout.places;
    this.#nodes = nodes;
    this.#layout = layout;
    this.#moveStarted = performance.now();
    if (!this.#touched) this.#camera = null;
    this.#takeLookup(data.lookup);
    this.#root.dataset.version = version;
    this.#root.dataset.nodes = nodes.size;
    this.#paintSoon();
  }

  // The path is walked once per answer that differs; a change elsewhere in the tree leaves it lit.
  #takeLookup(lookup) {
    const key = lookup.map(step => `${step.key}${step.direction}`).join();
    this.#lookup = lookup;
    if (key === this.#lookupKey) return;
    this.#lookupKey = key;
    clearTimeout(this.#timer);
    this.#step = this.#moving() ? -1 : lookup.length - 1;
    if (lookup.length) this.#walk();
  }

  #walk() {
    if (this.#step < this.#lookup.length - 1) this.#step++;
    this.#call('SteppedAsync', this.#step);
    this.#paintSoon();
    if (this.#step < this.#lookup.length - 1) this.#timer = setTimeout(() => this.#walk(), this.#stepMs);
  }

  #moving() {
    return this.#stepMs > 0 && !matchMedia('(prefers-reduced-motion: reduce)').matches;
  }

  #resize() {
    this.#width = Math.floor(this.#root.clientWidth);
    this.#height = Math.floor(this.#root.clientHeight);
    if (!this.#width || !this.#height) return;
    this.#canvas.width = this.#width * devicePixelRatio;
    this.#canvas.height = this.#height * devicePixelRatio;
    if (!this.#touched) this.#camera = null;
    this.#paint();
  }

  #paintSoon() {
    this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.#paint(); });
  }

  #paint() {
    this.#camera ??= fit(this.#layout, { width: this.#width, height: this.#height });
    const parents = new Map(this.#layout.edges.map(edge => [edge.to, edge.from]));
    const t = this.#moving() ? Math.min((performance.now() - this.#moveStarted) / this.#stepMs, 1) : 1;
    this.#shown = t < 1 ? between(this.#from, this.#layout.places, parents, t) : this.#layout.places;
    const context = this.#canvas.getContext('2d');
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.#width, this.#height);
    const wide = widths(this.#layout, this.#camera.scale);
    const lit = new Map(this.#lookup.slice(0, this.#step + 1).map((step, i) => [step.key, i]));
    this.#drawEdges(context, lit);
    for (const fold of this.#layout.folds) this.#drawFold(context, fold, wide);
    for (const [key, at] of this.#shown) this.#drawNode(context, this.#nodes.get(key), at, wide[at.depth], lit.has(key), lit.get(key) === this.#step);
    if (t < 1) this.#paintSoon();
  }

  #at(place) {
    return { x: this.#camera.x + place.x * this.#camera.scale, y: this.#camera.y + place.y * this.#camera.rise };
  }

  #line(context, start, end, token, width) {
    const from = this.#at(start);
    const to = this.#at(end);
    context.strokeStyle = colour(token);
    context.lineWidth = width * typeScale();
    context.beginPath();
    context.moveTo(from.x, from.y + nodeHeight(this.#camera));
    context.lineTo(to.x, to.y);
    context.stroke();
  }

  #drawEdges(context, lit) {
    for (const { from, to } of this.#layout.edges) {
      const start = this.#shown.get(from);
      const end = this.#shown.get(to);
      const walked = lit.has(from) && lit.has(to);
      if (start && end) this.#line(context, start, end, walked ? '--dirty' : '--reserved', walked ? 3 : 1);
    }
  }

  #drawFold(context, fold, wide) {
    const parent = this.#shown.get(fold.parent);
    if (!parent) return;
    this.#line(context, parent, fold, '--reserved', 1);
    const { x, y } = this.#at(fold);
    const width = wide[fold.y / LEVEL];
    const height = nodeHeight(this.#camera);
    context.fillStyle = colour('--chrome');
    context.strokeStyle = colour('--muted');
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + width / 2, y + height);
    context.lineTo(x - width / 2, y + height);
    context.closePath();
    context.fill();
    context.stroke();
    context.setLineDash([]);
    if (width > SOME_TEXT_FROM / 2) this.#text(context, `+${fold.count.toLocaleString('en-US')}`, x, y + height - 5, '--text', width);
  }

  // Balance by shape as well as colour: a bar at the heavier side.
  #drawNode(context, node, place, width, lit, current) {
    const at = this.#at(place);
    const height = nodeHeight(this.#camera);
    const left = at.x - width / 2;
    if (left > this.#width || left + width < 0) return;
    const chosen = this.#selected === node.key;
    context.fillStyle = colour(current ? '--glow' : chosen ? '--selected' : width < SOME_TEXT_FROM / 2 ? '--area' : '--surface');
    context.fillRect(left, at.y, width, height);
    context.strokeStyle = colour(lit ? '--dirty' : chosen ? '--text' : '--area');
    context.lineWidth = (lit || chosen ? 3 : 1) * typeScale();
    context.strokeRect(left, at.y, width, height);
    if (node.balance && width >= SOME_TEXT_FROM) {
      context.fillStyle = colour('--pinned');
      context.fillRect(node.balance > 0 ? left : left + width - 5, at.y, 5, height);
    }
    if (width < SOME_TEXT_FROM) return;
    const step = height / 3.4;
    const all = width >= ALL_TEXT_FROM && height >= THREE_LINES_FROM;
    this.#text(context, width >= ALL_TEXT_FROM ? hex(node.start) : shortHex(node.start), at.x, at.y + (all ? step : height / 2 + 4), '--text', width, true);
    if (!all) return;
    const hole = node.start - node.holeStart;
    this.#text(context, `${size(node.last - node.start + 1n)} · max ${shortHex(node.subtreeLast)}`, at.x, at.y + 2 * step, '--text', width);
    this.#text(context, `h ${node.height} · hole ${hole === 0n ? '0' : size(hole)} · ${node.count}`, at.x, at.y + 3 * step, '--muted', width);
  }

  #text(context, text, x, y, token, width, bold = false) {
    context.fillStyle = colour(token);
    context.textAlign = 'center';
    context.font = `${bold ? '600 ' : ''}${11 * typeScale()}px ${getComputedStyle(document.documentElement).getPropertyValue('--mono')}`;
    context.fillText(text, x, y, width - 12);
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener('wheel', event => {
      event.preventDefault();
      this.#touched = true;
      this.#camera = zoom(this.#camera, event.offsetX, 1.0015 ** -event.deltaY);
      this.#paintSoon();
    }, { passive: false });
    canvas.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#drag = { x: event.offsetX, y: event.offsetY, camera: this.#camera, moved: false };
    });
    canvas.addEventListener('pointermove', event => {
      if (!this.#drag) return;
      this.#drag.moved ||= Math.hypot(event.offsetX - this.#drag.x, event.offsetY - this.#drag.y) >= CLICK_PIXELS;
      if (!this.#drag.moved) return;
      this.#touched = true;
      this.#camera = { ...this.#drag.camera, x: this.#drag.camera.x + event.offsetX - this.#drag.x, y: this.#drag.camera.y + event.offsetY - this.#drag.y };
      this.#paintSoon();
    });
    canvas.addEventListener('pointerup', event => {
      const drag = this.#drag;
      this.#drag = null;
      if (drag && !drag.moved) this.#choose(event);
    });
    canvas.addEventListener('pointercancel', () => { this.#drag = null; });
    canvas.addEventListener('keydown', event => this.#key(event));
  }

  // Shown at once: the next key may come before the page's answer.
  #select(key) {
    this.#selected = key;
    this.#paintSoon();
    this.#call('AreaChosenAsync', key);
  }

  #centreSelected() {
    const at = this.#layout.places.get(this.#selected);
    if (!at) return;
    this.#touched = true;
    this.#camera = centre(this.#camera, at, { width: this.#width, height: this.#height });
    this.#paintSoon();
  }

  #choose(event) {
    const found = hit(this.#layout, this.#camera, event.offsetX, event.offsetY);
    if (found?.fold) this.#call('UnfoldAsync', found.fold.parent);
    else this.#select(found?.node ?? null);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = this.#nodes.get(this.#selected);
    const parent = this.#layout.edges.find(edge => edge.to === this.#selected)?.from;
    const go = key => key && this.#select(key);
    const down = side => {
      if (node?.[side]) go(node[side]);
      else if (node?.[side === 'left' ? 'foldedLeft' : 'foldedRight']) this.#call('UnfoldAsync', node.key);
    };
    const acts = {
      ArrowUp: () => go(parent ?? [...this.#layout.places].find(([, at]) => at.depth === 0)?.[0]),
      ArrowDown: () => (node ? down(node.left || node.foldedLeft ? 'left' : 'right') : go([...this.#layout.places].find(([, at]) => at.depth === 0)?.[0])),
      ArrowLeft: () => down('left'),
      ArrowRight: () => down('right'),
      '+': () => this.zoomBy(1.25),
      '=': () => this.zoomBy(1.25),
      '-': () => this.zoomBy(0.8),
      Home: () => this.fit(),
      Enter: () => this.#centreSelected(),
      Escape: () => this.#select(null),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
}

function shortHex(address) {
  const text = hex(address);
  return text.length > 11 ? `…${text.slice(-9)}` : text;
}
