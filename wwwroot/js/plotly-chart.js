// Draws the figures of PlotlyChart.razor. Loads plotly on first use; colours given as var(--token) become those of the theme on the screen.
import { colour, scale } from './theme.js';

const figures = new Map(); // element -> figure as it came
const sizes = new ResizeObserver(entries => {
  for (const { target } of entries) if (target.isConnected && target.clientWidth > 0 && target.classList.contains('js-plotly-plot')) Plotly.Plots.resize(target);
});
let loading;

function load() {
  return loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = '/lib/plotly-basic.min.js';
    script.onload = resolve;
    script.onerror = () => reject(new Error('plotly did not load'));
    document.head.append(script);
  });
}

function themed(value) {
  if (typeof value === 'string') {
    const token = /^var\((--[a-z-]+)\)$/.exec(value);
    return token ? colour(token[1]) : value;
  }
  if (Array.isArray(value)) return value.map(themed);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item)]));
  return value;
}

function render(element, figure) {
  const { data, layout, config } = themed(figure);
  const line = colour('--line');
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
  return Plotly.react(element, data, {
    margin: { l: 48, r: 12, t: 12, b: 36 },
    ...layout,
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: getComputedStyle(document.body).fontFamily, size: 12 * scale(), color: colour('--text') },
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
  }, { displaylogo: false, ...config });
}

export async function draw(element, json) {
  if (!element) return; // Taken off the page while the call was on its way.
  const figure = JSON.parse(json);
  if (!figures.has(element)) sizes.observe(element);
  figures.set(element, figure);
  await load();
  // Only the newest of the figures that arrived while plotly loaded.
  if (figures.get(element) === figure) await render(element, figure);
}

/** Lets go of charts that have left the page. By then a reference to their element leads nowhere, so it is not asked for. */
export function forget() {
  for (const element of [...figures.keys()].filter(element => !element.isConnected)) {
    sizes.unobserve(element);
    figures.delete(element);
    if (window.Plotly) Plotly.purge(element);
  }
}

addEventListener('iommudash:theme', () => {
  if (window.Plotly) for (const [element, figure] of figures) render(element, figure);
});
