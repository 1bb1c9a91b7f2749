// Where the nodes of the interval tree stand: across in order of IOVA, down by depth; a folded subtree takes one place. Pure: tests/js/interval-tree-layout.test.mjs runs it under node.

export const SLOT = 150;
export const LEVEL = 84;
export const NODE = { width: 138, height: 56 };

/**
 * @param {string | undefined} root key of the root
 * @param {Map<string, object>} nodes by key: left, right (keys or undefined), foldedLeft, foldedRight (counts)
 * @returns {{places: Map<string, {x, y, depth}>, folds: {key, parent, side, count, x, y}[], edges: {from, to, side}[], width: number, height: number}}
 *   x and y are of the middle of a node's top edge
 */
export function place(root, nodes) {
  const places = new Map();
  const folds = [];
  const edges = [];
  let next = 0;
  let deepest = 0;
  // By hand instead of recursion: a broken snapshot must not overflow the stack, and a node is never visited twice.
  const stack = root && nodes.has(root) ? [{ key: root, depth: 0, stage: 0 }] : [];
  const seen = new Set(stack.map(entry => entry.key));
  const fold = (parent, side, count, depth) => {
    folds.push({ key: `${parent}${side === 'left' ? '<' : '>'}`, parent, side, count, x: (next++ + 0.5) * SLOT, y: (depth + 1) * LEVEL });
    deepest = Math.max(deepest, depth + 1);
  };
  const descend = (parent, side, key, depth) => {
    if (!key || !nodes.has(key) || seen.has(key)) return;
    seen.add(key);
    edges.push({ from: parent, to: key, side });
    stack.push({ key, depth, stage: 0 });
  };
  while (stack.length) {
    const entry = stack.at(-1);
    const node = nodes.get(entry.key);
    entry.stage++;
    if (entry.stage === 1) {
      if (node.foldedLeft) fold(entry.key, 'left', node.foldedLeft, entry.depth);
      descend(entry.key, 'left', node.left, entry.depth + 1);
    } else if (entry.stage === 2) {
      places.set(entry.key, { x: (next++ + 0.5) * SLOT, y: entry.depth * LEVEL, depth: entry.depth });
      deepest = Math.max(deepest, entry.depth);
      if (node.foldedRight) fold(entry.key, 'right', node.foldedRight, entry.depth);
      descend(entry.key, 'right', node.right, entry.depth + 1);
    } else {
      stack.pop();
    }
  }
  return { places, folds, edges, width: next * SLOT, height: (deepest + 1) * LEVEL };
}

const LEAST_LEVEL = 30;
const GAP = 6;

/** Scale and offsets that show all of a layout in a view, no larger than life. Levels share the view's height, so that the upper ones, which have room, stay readable however wide the tree is. */
export function fit(layout, view, margin = 10) {
  const levels = Math.max(layout.height / LEVEL, 1);
  return {
    scale: Math.min(1, (view.width - 2 * margin) / Math.max(layout.width, 1)),
    rise: Math.min(Math.max((view.height - 2 * margin) / levels, LEAST_LEVEL), LEVEL) / LEVEL,
    x: margin,
    y: margin,
  };
}

/** The camera zoomed across by a factor, the point at x staying there. */
export function zoom(camera, x, factor) {
  const scale = Math.min(Math.max(camera.scale * factor, 0.002), 2);
  return { ...camera, scale, x: x - (x - camera.x) * (scale / camera.scale) };
}

/** The camera that shows a place in the middle of the view, at full size. */
export function centre(camera, at, view) {
  const scale = Math.max(camera.scale, 1);
  return { ...camera, scale, x: view.width / 2 - at.x * scale, y: Math.min(10, view.height / 2 - at.y * camera.rise) };
}

/** How wide the nodes of each depth may be drawn, in pixels: as much as neighbours leave them. */
export function widths(layout, scale) {
  const lastX = [];
  const gaps = [];
  const all = [...layout.places.values(), ...layout.folds.map(fold => ({ x: fold.x, depth: fold.y / LEVEL }))].sort((a, b) => a.x - b.x);
  for (const { x, depth } of all) {
    if (lastX[depth] !== undefined) gaps[depth] = Math.min(gaps[depth] ?? Infinity, x - lastX[depth]);
    lastX[depth] = x;
  }
  return Array.from(lastX, (_, depth) => Math.max(Math.min(NODE.width, (gaps[depth] ?? Infinity) * scale - GAP), 3));
}

/** Between two sets of places: shared ones move, new ones start at their nearest ancestor that was there, at t from 0 to 1. */
export function between(from, to, parents, t) {
  const eased = t < 0.5 ? 2 * t * t : 1 - (-2 * t + 2) ** 2 / 2;
  const places = new Map();
  for (const [key, end] of to) {
    let start = from.get(key);
    for (let parent = parents.get(key); !start && parent; parent = parents.get(parent)) start = from.get(parent);
    start ??= end;
    places.set(key, { x: start.x + (end.x - start.x) * eased, y: start.y + (end.y - start.y) * eased, depth: end.depth });
  }
  return places;
}

/** What is under a point of the view: { node: key }, { fold } or null. */
export function hit(layout, camera, x, y) {
  const wide = widths(layout, camera.scale);
  const tall = nodeHeight(camera);
  const over = (at, depth) => Math.abs(x - camera.x - at.x * camera.scale) <= Math.max(wide[depth], 8) / 2 && y >= camera.y + at.y * camera.rise && y <= camera.y + at.y * camera.rise + tall;
  for (const fold of layout.folds) if (over(fold, fold.y / LEVEL)) return { fold };
  for (const [key, at] of layout.places) if (over(at, at.depth)) return { node: key };
  return null;
}

export function nodeHeight(camera) {
  return NODE.height * camera.rise;
}
