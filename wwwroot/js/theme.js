// Theme and projector mode: cookies for the server's next first paint, attributes for this one.
// Canvases read the same colours as the style sheets through colour(); they redraw on the event 'iommudash:theme'.

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const root = document.documentElement;
let resolved = new Map();

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict`;
}

function changed() {
  resolved = new Map();
  dispatchEvent(new CustomEvent('iommudash:theme'));
}

/** Sets 'light', 'dark' or 'system'. The media queries are those of DisplayPreferences.MediaOf. */
export function setTheme(theme) {
  root.dataset.theme = theme;
  for (const sheet of document.querySelectorAll('[data-theme-sheet]')) {
    const own = sheet.dataset.themeSheet;
    sheet.media = theme === 'system' ? `(prefers-color-scheme: ${own})` : theme === own ? 'all' : 'not all';
  }
  remember('iommudash-theme', theme);
  changed();
}

export function setProjector(on) {
  root.dataset.projector = on ? 'on' : 'off';
  remember('iommudash-projector', on ? 'on' : 'off');
  changed();
}

/** True when what is on the screen is dark, whichever way it came to be. */
export function isDark() {
  return root.dataset.theme === 'dark' || (root.dataset.theme === 'system' && systemDark.matches);
}

/** Line width and type scale for canvases: 1.25 in projector mode. */
export function scale() {
  return parseFloat(getComputedStyle(root).getPropertyValue('--type-scale')) || 1;
}

/** The colour of a token as rgb(), e.g. colour('--area'). A property's own value is unresolved light-dark(), so a probe element computes it. */
export function colour(token) {
  let value = resolved.get(token);
  if (value === undefined) {
    const probe = document.createElement('span');
    probe.style.color = `var(${token})`;
    root.append(probe);
    value = getComputedStyle(probe).color;
    probe.remove();
    resolved.set(token, value);
  }
  return value;
}

systemDark.addEventListener('change', changed);
