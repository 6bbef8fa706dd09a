// The layout of the page's tiles, as arithmetic.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrange } from '../../web/page/layout.js';

const DESKTOP = { width: 1280, height: 660 };
const PHONE = { width: 374, height: 640 };
const HD = 16 / 9;
const GAP = 8;

const overlap = (a, b) =>
  a.x < b.x + b.width - 0.1 &&
  b.x < a.x + a.width - 0.1 &&
  a.y < b.y + b.height - 0.1 &&
  b.y < a.y + a.height - 0.1;

for (const [name, stage] of Object.entries({ DESKTOP, PHONE })) {
  for (const count of [1, 2, 3, 5, 9, 16]) {
    for (const featured of [[], [0]]) {
      const what = `${count} tiles on a ${name.toLowerCase()}${featured.length ? ', one large' : ''}`;
      test(`${what}: tiles do not overlap and keep their aspect ratio`, () => {
        const aspects = Array.from({ length: count }, (_, at) => [HD, 4 / 3, 9 / 16][at % 3]);
        const { boxes, height } = arrange(stage, aspects, GAP, featured);
        assert.equal(boxes.length, count);
        boxes.forEach((box, at) => {
          assert.ok(box.width > 0 && Math.abs(box.width / box.height - aspects[at]) < 0.01);
          assert.ok(box.x > -0.1 && box.x + box.width < stage.width + 0.1, JSON.stringify(box));
          assert.ok(box.y > -0.1 && box.y + box.height < height + 0.1, JSON.stringify(box));
          for (const other of boxes.slice(at + 1)) assert.ok(!overlap(box, other));
        });
      });
    }
  }
}

test('one picture fills the stage in one direction', () => {
  const { boxes } = arrange(DESKTOP, [HD], GAP);
  assert.equal(boxes[0].height, DESKTOP.height);
});

test('two pictures are side by side on a desktop, and stacked on a phone', () => {
  const [left, right] = arrange(DESKTOP, [HD, HD], GAP).boxes;
  assert.equal(left.y, right.y);
  const [upper, lower] = arrange(PHONE, [HD, HD], GAP).boxes;
  assert.equal(upper.x, lower.x);
});

test('featured tiles are much larger than the others', () => {
  for (const stage of [DESKTOP, PHONE]) {
    const { boxes } = arrange(stage, [HD, HD, HD, HD], GAP, [2]);
    const area = ({ width, height }) => width * height;
    for (const at of [0, 1, 3]) assert.ok(area(boxes[2]) > 2 * area(boxes[at]));
  }
});

test('the last row is centred', () => {
  const { boxes } = arrange(DESKTOP, [HD, HD, HD, HD, HD], GAP);
  const middle = (some) => (some[0].x + some.at(-1).x + some.at(-1).width) / 2;
  const last = boxes.filter(({ y }) => y === boxes[4].y);
  assert.ok(last.length < 3);
  assert.ok(Math.abs(middle(last) - DESKTOP.width / 2) < 0.1);
});

test('a small stage with many tiles scrolls', () => {
  const { boxes, height } = arrange(PHONE, Array(40).fill(HD), GAP);
  assert.ok(height > PHONE.height);
  assert.ok(boxes.every(({ width }) => width > 100));
});
