import assert from 'node:assert/strict';
import test from 'node:test';
import { between, centre, fit, hit, LEVEL, place, SLOT, widths, zoom } from '../../wwwroot/js/interval-tree-layout.js';

const nodes = list => new Map(list.map(([key, left, right, foldedLeft = 0, foldedRight = 0]) => [key, { left, right, foldedLeft, foldedRight }]));

test('place: order across, depth down', () => {
  const { places, edges, width } = place('c', nodes([['c', 'a', 'd'], ['a', undefined, 'b'], ['b'], ['d']]));
  assert.deepEqual([...places.entries()].sort((p, q) => p[1].x - q[1].x).map(([key]) => key), ['a', 'b', 'c', 'd']);
  assert.equal(places.get('b').y, 2 * LEVEL);
  assert.equal(edges.length, 3);
  assert.equal(width, 4 * SLOT);
});

test('place: a folded subtree stands where it belongs', () => {
  const { places, folds } = place('c', nodes([['c', undefined, 'd', 40], ['d', undefined, undefined, 0, 7]]));
  assert.deepEqual(folds.map(fold => [fold.parent, fold.side, fold.count]), [['c', 'left', 40], ['d', 'right', 7]]);
  assert.ok(folds[0].x < places.get('c').x && folds[1].x > places.get('d').x);
});

test('place: empty, missing and circular snapshots end', () => {
  assert.equal(place(undefined, new Map()).places.size, 0);
  assert.equal(place('a', nodes([['a', 'gone', 'b'], ['b', 'a']])).places.size, 2);
});

test('fit and zoom: all is seen, and the point under the pointer stays', () => {
  const camera = fit({ width: 8000, height: 900 }, { width: 800, height: 400 });
  assert.ok(8000 * camera.scale <= 800 && camera.x >= 0);
  assert.ok(camera.rise * 900 <= 400);
  const closer = zoom(camera, 300, 2);
  assert.ok(Math.abs((300 - closer.x) / closer.scale - (300 - camera.x) / camera.scale) < 1e-6);
  const at = { x: 5000, y: 400 };
  const centred = centre(camera, at, { width: 800, height: 400 });
  assert.equal(centred.x + at.x * centred.scale, 400);
});

test('widths: upper levels get the room that they have', () => {
  const layout = place('d', nodes([['d', 'b', 'f'], ['b', 'a', 'c'], ['a'], ['c'], ['f', 'e', 'g'], ['e'], ['g']]));
  const [root, middle, leaves] = widths(layout, 0.1);
  assert.ok(root > middle && middle > leaves);
});

test('between: a new node comes out of its parent', () => {
  const from = new Map([['p', { x: 0, y: 0 }]]);
  const to = new Map([['p', { x: 100, y: 0 }], ['n', { x: 200, y: 80 }]]);
  const parents = new Map([['n', 'p']]);
  assert.deepEqual({ ...between(from, to, parents, 0).get('n') }, { x: 0, y: 0, depth: undefined });
  assert.equal(between(from, to, parents, 1).get('n').x, 200);
});

test('hit: nodes and folds', () => {
  const layout = place('c', nodes([['c', undefined, 'd', 40], ['d']]));
  const camera = { scale: 1, rise: 1, x: 0, y: 0 };
  const c = layout.places.get('c');
  assert.deepEqual(hit(layout, camera, c.x, c.y + 5), { node: 'c' });
  assert.equal(hit(layout, camera, layout.folds[0].x, layout.folds[0].y + 5).fold.count, 40);
  assert.equal(hit(layout, camera, -500, 0), null);
});
