// The map of one page table: a canvas with a cell per entry, 32 to a row, for TableColumnPanel.razor. Colour tells the kind; shape tells it too: a page fills its cell, a table is a framed square, empty is bare.
import { caller } from './owner.js';
import { colour, scale } from './theme.js';

const columns = 32;
const kinds = ['empty', 'table', 'leaf'];
const maps = new Map(); // canvas -> what it shows

function cellSize(map) {
  return map.canvas.clientWidth / columns;
}

function render(map) {
  const { canvas, count, runs, chosen } = map;
  const rows = Math.ceil(count / columns);
  const cell = cellSize(map);
  if (cell === 0) return;
  const ratio = devicePixelRatio;
  canvas.style.height = `${cell * rows}px`;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(cell * rows * ratio);
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  context.clearRect(0, 0, canvas.clientWidth, cell * rows);
  const gap = 0.5;
  for (const [first, last, kind] of runs) {
    for (let i = first; i <= last; i++) {
      const x = (i % columns) * cell + gap;
      const y = Math.floor(i / columns) * cell + gap;
      const side = cell - 2 * gap;
      if (kinds[kind] === 'leaf') {
        context.fillStyle = colour('--area');
        context.fillRect(x, y, side, side);
      } else if (kinds[kind] === 'table') {
        context.strokeStyle = colour('--text');
        context.lineWidth = 1.25 * scale();
        context.strokeRect(x + 0.75, y + 0.75, side - 1.5, side - 1.5);
      } else {
        context.fillStyle = colour('--line');
        context.fillRect(x, y, side, side);
        context.fillStyle = colour('--surface');
        context.fillRect(x + 0.5, y + 0.5, side - 1, side - 1);
      }
    }
  }
  if (chosen >= 0) {
    context.strokeStyle = colour('--fault');
    context.lineWidth = 2 * scale();
    context.strokeRect((chosen % columns) * cell, Math.floor(chosen / columns) * cell, cell, cell);
  }
}

function entryAt(map, event) {
  const cell = cellSize(map);
  const box = map.canvas.getBoundingClientRect();
  return Math.floor((event.clientY - box.top) / cell) * columns + Math.floor((event.clientX - box.left) / cell);
}

function choose(map, index) {
  if (index >= 0 && index < map.count && map.canvas.isConnected) caller(map.page, map.canvas)('ChooseAsync', index);
}

function keyed(map, event) {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -map.count, End: map.count }[event.key];
  if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const from = Math.max(map.chosen, 0);
  choose(map, event.key === 'Home' ? 0 : event.key === 'End' ? map.count - 1 : map.chosen < 0 ? 0 : from + step);
}

const sizes = new ResizeObserver(entries => {
  for (const { target } of entries) if (maps.has(target) && maps.get(target).width !== target.clientWidth) {
    maps.get(target).width = target.clientWidth;
    render(maps.get(target));
  }
});

/** Shows a table: count entries in runs of [first, last, kind], and the chosen index or -1. */
export function draw(canvas, page, count, runs, chosen) {
  if (!canvas) return; // Taken off the page while the call was on its way.
  let map = maps.get(canvas);
  if (!map) {
    map = { canvas, width: canvas.clientWidth };
    maps.set(canvas, map);
    canvas.addEventListener('click', event => choose(map, entryAt(map, event)));
    canvas.addEventListener('keydown', event => keyed(map, event));
    canvas.addEventListener('mousemove', event => { canvas.title = `entry ${entryAt(map, event)}`; });
    sizes.observe(canvas);
  }
  Object.assign(map, { page, count, runs, chosen });
  // For tests: what the next key starts from.
  canvas.dataset.chosen = chosen;
  render(map);
}

/** Lets go of maps that have left the page. By then a reference to their canvas leads nowhere, so it is not asked for. */
export function forget() {
  for (const canvas of [...maps.keys()].filter(canvas => !canvas.isConnected)) {
    sizes.unobserve(canvas);
    maps.delete(canvas);
  }
}

addEventListener('iommudash:theme', () => { for (const map of maps.values()) render(map); });
