// The page's black and white on bytes, with the weights of CSS grayscale(1).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grayRgb, grayYuv } from '../../web/page/luma.js';

const COLOURS = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
  [255, 255, 255],
  [0, 0, 0],
  [40, 90, 200],
  [200, 120, 30],
];

const gray = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** One colour in I420 or NV12 with this matrix; odd sizes included. */
function picture([r, g, b], { width = 5, height = 3, matrix, fullRange, semiPlanar }) {
  const [red, blue] = matrix === 'bt709' ? [0.2126, 0.0722] : [0.299, 0.114];
  const luma = (red * r + (1 - red - blue) * g + blue * b) / 255;
  const chroma = [(b / 255 - luma) / (2 * (1 - blue)), (r / 255 - luma) / (2 * (1 - red))];
  const [base, scale, chromaScale] = fullRange ? [0, 255, 255] : [16, 219, 224];
  const clamp = (value) => Math.min(255, Math.max(0, Math.round(value)));
  const [y, u, v] = [base + scale * luma, ...chroma.map((value) => 128 + chromaScale * value)].map(
    clamp,
  );
  const [columns, lines] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  // The padding of the lines must not change.
  const stride = width + 3;
  const data = new Uint8Array(stride * height + 2 * lines * (columns + 2)).fill(77);
  const layout = [{ offset: 0, stride }];
  for (let line = 0; line < height; line += 1) data.fill(y, line * stride, line * stride + width);
  const start = stride * height;
  if (semiPlanar) {
    layout.push({ offset: start, stride: 2 * columns + 2 });
    for (let line = 0; line < lines; line += 1) {
      for (let x = 0; x < columns; x += 1)
        data.set([u, v], start + line * (2 * columns + 2) + 2 * x);
    }
  } else {
    for (const [plane, value] of [u, v].entries()) {
      const offset = start + plane * lines * (columns + 2);
      layout.push({ offset, stride: columns + 2 });
      for (let line = 0; line < lines; line += 1) {
        data.fill(value, offset + line * (columns + 2), offset + line * (columns + 2) + columns);
      }
    }
  }
  return { data, layout, width, height, columns, lines, base, scale };
}

for (const matrix of ['bt709', 'smpte170m', null]) {
  for (const fullRange of [false, true]) {
    for (const semiPlanar of [false, true]) {
      const format = semiPlanar ? 'NV12' : 'I420';
      test(`${format} in ${matrix ?? 'no matrix'}, full range ${fullRange}, is as gray as in the browser`, () => {
        for (const colour of COLOURS) {
          const made = picture(colour, { matrix, fullRange, semiPlanar });
          const { data, layout, width, height, columns, lines, base, scale } = made;
          grayYuv({ data, layout, width, height }, { matrix, fullRange });
          for (let at = 0; at < width * height; at += 1) {
            const [x, y] = [at % width, Math.floor(at / width)];
            const level = (255 * (data[y * layout[0].stride + x] - base)) / scale;
            assert.ok(Math.abs(level - gray(colour)) <= 2, `${colour} at ${x},${y}: ${level}`);
          }
          for (const { offset, stride } of layout.slice(1)) {
            for (let line = 0; line < lines; line += 1) {
              const end = offset + line * stride + (semiPlanar ? 2 : 1) * columns;
              assert.ok(data.subarray(offset + line * stride, end).every((value) => value === 128));
            }
          }
          assert.equal(data[width], 77);
        }
      });
    }
  }
}

for (const blueFirst of [false, true]) {
  test(`${blueFirst ? 'BGRA' : 'RGBA'} is as gray as in the browser, and keeps its opacity`, () => {
    const bytes = COLOURS.flatMap(([r, g, b]) => (blueFirst ? [b, g, r, 9] : [r, g, b, 9]));
    const data = new Uint8Array(bytes);
    grayRgb(data, blueFirst);
    COLOURS.forEach((colour, at) => {
      const [first, second, third, opacity] = data.subarray(4 * at);
      assert.ok(first === second && second === third && opacity === 9);
      assert.ok(Math.abs(first - gray(colour)) <= 0.51, `${colour}: ${first}`);
    });
  });
}
