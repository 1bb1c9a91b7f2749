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

/** Scale and offset that show all of a layout in a view, no larger than life. */
export function fit(layout, view, margin = 12) {
  const scale = Math.min(1, (view.width - 2 * margin) / Math.max(layout.width, 1), (view.height - 2 * margin) / Math.max(layout.height, 1));
  return { scale, x: (view.width - layout.width * scale) / 2, y: margin };
}

/** The view with the point under (x, y) staying there while it grows by a factor. */
export function zoom(camera, x, y, factor) {
  const scale = Math.min(Math.max(camera.scale * factor, 0.004), 2);
  const grown = scale / camera.scale;
  return { scale, x: x - (x - camera.x) * grown, y: y - (y - camera.y) * grown };
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

/** What is under a point of the drawing: { node: key }, { fold } or null. */
export function hit(layout, x, y) {
  for (const fold of layout.folds) if (Math.abs(x - fold.x) <= NODE.width / 2 && y >= fold.y && y <= fold.y + NODE.height) return { fold };
  for (const [key, at] of layout.places) if (Math.abs(x - at.x) <= NODE.width / 2 && y >= at.y && y <= at.y + NODE.height) return { node: key };
  return null;
}
