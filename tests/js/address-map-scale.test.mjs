import assert from 'node:assert/strict';
import test from 'node:test';
import * as scale from '../../wwwroot/js/address-map-scale.js';

const whole = { start: 0n, last: scale.LAST };

test('clampWindow: too short, too high and too low windows become allowed ones', () => {
  assert.deepEqual(scale.clampWindow(0x1800n, 0x1900n), { start: 0x1081n, last: 0x2080n });
  assert.deepEqual(scale.clampWindow(-5n, 0xfffn), { start: 0n, last: 0x1004n });
  assert.deepEqual(scale.clampWindow(scale.LAST - 10n, scale.LAST + 5n), { start: scale.LAST - 4095n, last: scale.LAST });
});

test('zoomWindow: the address under the pointer stays under it', () => {
  let window = { start: 0x10_0000n, last: 0x1f_ffffn };
  for (let i = 0; i < 30; i++) {
    const under = scale.toAddress(window, 200, 800);
    window = scale.zoomWindow(window, 0.25, 0.8);
    assert.ok(Math.abs(scale.toX(window, under, 800) - 200) < 1, `step ${i}`);
  }
  assert.equal(scale.sizeOf(window), scale.PAGE);
});

test('zoomWindow: from one page to the whole space and back', () => {
  let window = { start: 0xfee0_0000n, last: 0xfee0_0fffn };
  for (let i = 0; i < 200; i++) window = scale.zoomWindow(window, 0.5, 1.5);
  assert.deepEqual(window, whole);
  for (let i = 0; i < 200; i++) window = scale.zoomWindow(window, 0.5, 0.7);
  assert.equal(scale.sizeOf(window), scale.PAGE);
});

test('panWindow: stops at the ends without getting shorter', () => {
  const window = scale.panWindow({ start: 0x1000n, last: 0x4fffn }, -10);
  assert.deepEqual(window, { start: 0n, last: 0x3fffn });
  assert.equal(scale.panWindow(whole, 3).last, scale.LAST);
});

test('toX and toAddress: inverse within a pixel, at any zoom', () => {
  for (const window of [whole, { start: 0n, last: 0xfffn }, { start: 0xffff_ffff_0000_0000n, last: scale.LAST }]) {
    for (const x of [0, 1, 399, 799]) assert.ok(Math.abs(scale.toX(window, scale.toAddress(window, x, 800), 800) - x) < 1);
  }
});

test('overview: logarithmic places agree with AddressColumns', () => {
  assert.equal(scale.logOf(0n), 0);
  assert.equal(scale.logOf(0x1000n), 1);
  assert.equal(scale.logOf(1n << 64n), 53);
  assert.equal(scale.overviewX(0x1000n, 530, 'log'), 10);
  assert.equal(scale.overviewAddress(10, 530, 'log'), 0x1000n);
  assert.equal(scale.overviewAddress(530, 530, 'log'), scale.LAST);
  assert.equal(scale.overviewX(1n << 63n, 100, 'linear'), 50);
});

test('fetchWindow: covers the view with room, in columns of one to two pixels', () => {
  const window = { start: 0x1_2345_6000n, last: 0x1_4345_5fffn };
  const fetched = scale.fetchWindow(window, 800);
  assert.ok(fetched.start < window.start && fetched.last > window.last);
  const pixels = Number(fetched.column) / Number(scale.sizeOf(window)) * 800;
  assert.ok(pixels >= 1 && pixels < 2, `${pixels}`);
  assert.ok(fetched.columns <= 4096);
  assert.ok(scale.serves(fetched, scale.panWindow(window, 0.5), 800));
  assert.ok(!scale.serves(fetched, scale.panWindow(window, 2), 800));
  assert.ok(!scale.serves(fetched, scale.zoomWindow(window, 0.5, 0.25), 800));
});

test('fetchWindow: a small move asks for the same again', () => {
  const a = scale.fetchWindow({ start: 0x1080_0000n, last: 0x207f_ffffn }, 800);
  const b = scale.fetchWindow({ start: 0x1080_1000n, last: 0x2080_0fffn }, 800);
  assert.deepEqual(a, b);
});

test('fetchWindow: the whole space and the last page do not overflow', () => {
  assert.equal(scale.fetchWindow(whole, 800).last, scale.LAST);
  const last = scale.fetchWindow({ start: scale.LAST - 4095n, last: scale.LAST }, 800);
  assert.equal(last.last, scale.LAST);
});

test('ticks: powers of two, inside the window, not crowded', () => {
  const found = scale.ticks({ start: 0x1001n, last: 0x9000n }, 800, 100);
  assert.ok(found.length > 2 && found.length <= 8);
  for (const tick of found) assert.ok(tick >= 0x1001n && tick <= 0x9000n && tick % (found[1] - found[0]) === 0n);
});

test('rangeAt and rangeNear: exact hits, holes, and areas narrower than a pixel', () => {
  const areas = [{ start: 0x1000n, last: 0x1fffn }, { start: 0x8000n, last: 0x8fffn }];
  assert.equal(scale.rangeAt(areas, 0x1fffn), areas[0]);
  assert.equal(scale.rangeAt(areas, 0x2000n), null);
  assert.equal(scale.rangeAt(areas, 0xfffn), null);
  const wide = { start: 0n, last: (1n << 30n) - 1n };
  assert.equal(scale.rangeNear(areas, wide, 1, 800), areas[0]);
  assert.equal(scale.rangeNear(areas, wide, 400, 800), null);
});

test('countsPerPixel: neighbours in one pixel are counted, not merged', () => {
  const areas = Array.from({ length: 8 }, (_, i) => ({ start: BigInt(i) * 4096n, last: BigInt(i) * 4096n + 4095n }));
  assert.equal(scale.countsPerPixel(areas, { start: 0n, last: 32767n }, 8).greatest, 1);
  const { counts, greatest } = scale.countsPerPixel(areas, { start: 0n, last: 65535n }, 4);
  assert.equal(greatest, 4);
  assert.deepEqual([...counts], [4, 4, 0, 0]);
});

test('hex and size read as the rest of the dashboard', () => {
  assert.equal(scale.hex(0n), '0x0000');
  assert.equal(scale.hex(0xfee00000n), '0xfee0_0000');
  assert.equal(scale.hex(0x100000000n), '0x0001_0000_0000');
  assert.equal(scale.size(4096n), '4 KiB');
  assert.equal(scale.size(1n << 64n), '16 EiB');
  assert.equal(scale.size(1000000n), '≈ 976.6 KiB');
});
