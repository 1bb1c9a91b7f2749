// Moves the window of the dirty strips by wheel, drag and key, and tells the page what was clicked. The strips themselves are drawn by the server; until its answer comes, what is there is stretched to
// where it will be. At most one call is on its way, and the newest window follows it.
import { caller } from './owner.js';
import { hex, panWindow, sizeOf, toAddress, zoomWindow } from './address-map-scale.js';

const ZOOM_STEP = 0.8;
const PAN_STEP = 0.1;
const CLICK_PIXELS = 4;
// Chrome refuses more than 200 changes of the URL in 30 seconds.
const TELL_EVERY_MS = 160;

/**
 * @param {HTMLElement} root holds .strips-plane and .strip-tip; data-rows says how many strips there are
 * @param owner .NET object with WindowMovedAsync, ShowAllAsync, LookAsync, StepAsync
 * @param {string} start first address shown
 * @param {string} last last address shown, inclusive
 */
export function mount(root, owner, start, last) {
  return new DirtyStrips(root, owner, start, last);
}

class DirtyStrips {
  #root; #plane; #tip; #call; #shown; #window; #drag = null; #timer = 0; #told = 0; #waiting = false;

  constructor(root, owner, start, last) {
    this.#root = root;
    this.#plane = root.querySelector('.strips-plane');
    this.#tip = root.querySelector('.strip-tip');
    this.#call = caller(owner, root);
    this.shown(start, last);
    root.addEventListener('wheel', event => {
      event.preventDefault();
      const at = this.#x(event) / this.#width;
      if (event.deltaX && Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.#move(panWindow(this.#window, event.deltaX / this.#width));
      else this.#move(zoomWindow(this.#window, at, 1.0015 ** event.deltaY));
    }, { passive: false });
    root.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      root.setPointerCapture(event.pointerId);
      this.#drag = { x: this.#x(event), from: this.#window, moved: false };
    });
    root.addEventListener('pointermove', event => this.#pull(event));
    root.addEventListener('pointerup', event => this.#release(event));
    root.addEventListener('pointercancel', () => { this.#drag = null; });
    root.addEventListener('pointerleave', () => { this.#tip.hidden = true; });
    root.addEventListener('keydown', event => this.#key(event));
    root.dataset.ready = '';
  }

  /** The server has drawn this window. */
  shown(start, last) {
    this.#shown = { start: BigInt(start), last: BigInt(last) };
    if (!this.#timer && !this.#waiting && !this.#drag) this.#window = this.#shown;
    this.#stretch();
    // For tests: what is on the screen.
    this.#root.dataset.start = start;
    this.#root.dataset.last = last;
  }

  dispose() {
    clearTimeout(this.#timer);
  }

  get #width() {
    return Math.max(this.#root.clientWidth, 1);
  }

  #x(event) {
    return Math.min(Math.max(event.clientX - this.#root.getBoundingClientRect().left, 0), this.#width);
  }

  #move(window) {
    this.#window = window;
    this.#stretch();
    if (!this.#timer && !this.#waiting) this.#timer = setTimeout(() => this.#tell(), Math.max(0, this.#told + TELL_EVERY_MS - performance.now()));
  }

  async #tell() {
    this.#timer = 0;
    this.#waiting = true;
    this.#told = performance.now();
    const told = this.#window;
    try {
      await this.#call('WindowMovedAsync', `0x${told.start.toString(16)}`, `0x${told.last.toString(16)}`);
    } finally {
      this.#waiting = false;
    }
    if (this.#window !== told) this.#move(this.#window);
  }

  // From the window that is drawn to the one that is wanted.
  #stretch() {
    const factor = Number(sizeOf(this.#shown)) / Number(sizeOf(this.#window));
    const shift = Number(this.#shown.start - this.#window.start) / Number(sizeOf(this.#window)) * this.#width;
    this.#plane.style.transform = factor === 1 && shift === 0 ? '' : `translateX(${shift}px) scaleX(${factor})`;
  }

  #pull(event) {
    const x = this.#x(event);
    if (this.#drag) {
      this.#drag.moved ||= Math.abs(x - this.#drag.x) >= CLICK_PIXELS;
      if (this.#drag.moved) this.#move(panWindow(this.#drag.from, (this.#drag.x - x) / this.#width));
    }
    this.#tip.textContent = hex(toAddress(this.#window, x, this.#width));
    this.#tip.hidden = false;
    this.#tip.style.left = `${Math.min(x + 10, this.#width - this.#tip.offsetWidth)}px`;
  }

  #release(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag || drag.moved) return;
    const box = this.#root.getBoundingClientRect();
    const rows = Number(this.#root.dataset.rows);
    const row = Math.min(Math.floor((event.clientY - box.top) / (box.height / rows)), rows - 1);
    this.#call('LookAsync', Math.max(row, 0), `0x${toAddress(this.#window, this.#x(event), this.#width).toString(16)}`);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 5 : 1;
    const acts = {
      ArrowLeft: () => this.#move(panWindow(this.#window, -PAN_STEP * far)),
      ArrowRight: () => this.#move(panWindow(this.#window, PAN_STEP * far)),
      '+': () => this.#move(zoomWindow(this.#window, 0.5, ZOOM_STEP)),
      '=': () => this.#move(zoomWindow(this.#window, 0.5, ZOOM_STEP)),
      '-': () => this.#move(zoomWindow(this.#window, 0.5, 1 / ZOOM_STEP)),
      Home: () => this.#call('ShowAllAsync'),
      ArrowDown: () => this.#call('StepAsync', 1),
      ArrowUp: () => this.#call('StepAsync', -1),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
}
