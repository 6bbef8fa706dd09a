// bwfilter's luma=bt709 compared with the browser's grayscale(), on pictures of many colours.
//
// A canvas whose `filter` is grayscale(1), as in the seed, and bwfilter on the same bytes differ by
// one level at most, because they round at different points.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runToEnd } from './gst.mjs';
import { TEST, startBrowser } from './harness.mjs';

const AMOUNTS = [0.25, 0.5, 1];

/** The largest difference of a channel from the browser's. */
const RGB_BOUND = 1;
/** The same if Y, U and V were rounded as well. */
const YUV_BOUND = 2;

const OPAQUE = ['RGB', 'BGR', 'RGBx', 'BGRx', 'xRGB', 'xBGR', 'RGBA', 'BGRA', 'ARGB', 'ABGR'];
const WITH_ALPHA = ['RGBA', 'BGRA', 'ARGB', 'ABGR'];
const FULL_CHROMA = ['Y444', 'AYUV'];
const SUBSAMPLED = ['I420', 'NV12', 'YUY2'];
/** The weights of red and blue in Y. */
const MATRICES = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722] };

/** 64,000 colours from the whole cube, one per pixel. */
const CUBE = picture(256, 256, (x, y) => {
  const at = (y * 256 + x) % 64_000;
  const level = (step) => Math.round((step * 255) / 39);
  return [level(at % 40), level(Math.floor(at / 40) % 40), level(Math.floor(at / 1600)), 255];
});

/** 4,096 colours from the whole cube, one per block of 8×8. */
const BLOCKS = picture(512, 512, (x, y) => {
  const at = Math.floor(y / 8) * 64 + Math.floor(x / 8);
  return [17 * (at % 16), 17 * (Math.floor(at / 16) % 16), 17 * Math.floor(at / 256), 255];
});

/**
 * Colours from the whole cube that a canvas can store at their opacity: it stores premultiplied
 * pixels, as integers. Each opacity is paired with the distance of two levels of a channel.
 */
const OPACITIES = [
  [3, 85],
  [15, 17],
  [51, 5],
  [85, 3],
  [170, 3],
  [204, 5],
  [240, 17],
  [255, 1],
];
const GLASS = picture(256, 256, (x, y) => {
  const [opacity, distance] = OPACITIES[(x + y) % OPACITIES.length];
  const at = 4 * (y * 256 + x);
  const near = (value) => distance * Math.round(value / distance);
  return [...[...CUBE.pixels.subarray(at, at + 3)].map(near), opacity];
});

let browser;
let page;
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'acscall-grayscale-'));
  browser = await startBrowser();
  page = await browser.newPage();
});

after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

for (const format of OPAQUE) {
  test(`${format} is as gray as in the browser`, TEST, async (t) => {
    const { unfiltered, filtered } = await filter(CUBE, format);
    // Otherwise the test would not compare the filter.
    assert.deepEqual(unfiltered.pixels, CUBE.pixels);
    for (const amount of AMOUNTS) {
      const reference = await inBrowser(CUBE, amount);
      check(t, difference(filtered.get(amount), reference), RGB_BOUND, format, amount);
    }
  });
}

for (const format of WITH_ALPHA) {
  test(`${format} that is translucent is as gray as in the browser`, TEST, async (t) => {
    assert.deepEqual((await inBrowser(GLASS, 0)).pixels, GLASS.pixels);
    const { unfiltered, filtered } = await filter(GLASS, format);
    assert.deepEqual(unfiltered.pixels, GLASS.pixels);
    for (const amount of AMOUNTS) {
      // In the form that a canvas stores and shows.
      const reference = premultiplied(await inBrowser(GLASS, amount));
      const ours = premultiplied(filtered.get(amount));
      check(t, difference(ours, reference), RGB_BOUND, format, amount);
    }
  });
}

for (const format of [...FULL_CHROMA, ...SUBSAMPLED]) {
  for (const matrix of Object.keys(MATRICES)) {
    test(`${format} in ${matrix} is as gray as in the browser`, TEST, async (t) => {
      const subsampled = SUBSAMPLED.includes(format);
      const { unfiltered, filtered } = await filter(subsampled ? BLOCKS : CUBE, format, matrix);
      const { picture: source, coloured } = fromYuv(unfiltered, matrix);
      // Chroma is interpolated between the blocks.
      const flat = (x, y) => !subsampled || [x % 8, y % 8].every((at) => at >= 2 && at < 6);
      const inside = (x, y) => coloured[y * source.width + x] && flat(x, y);
      for (const amount of AMOUNTS) {
        const reference = await inBrowser(source, amount);
        const ours = fromYuv(filtered.get(amount), matrix).picture;
        const worst = difference(ours, reference, inside);
        check(t, worst, YUV_BOUND, `${format} ${matrix}`, amount);
      }
    });
  }
}

/** A picture from the function `colour` of each pixel, as [red, green, blue, alpha]. */
function picture(width, height, colour) {
  const pixels = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) pixels.set(colour(x, y), 4 * (y * width + x));
  }
  return { width, height, pixels };
}

/**
 * Returns `source` in `format`, unfiltered and filtered by bwfilter: in RGBA, or in AYUV if
 * `matrix` gives the colorimetry of a YUV `format`.
 */
async function filter(source, format, matrix) {
  const { width, height } = source;
  const file = (name) => join(folder, String(name));
  await writeFile(file('source'), source.pixels);
  const caps = (format) =>
    `video/x-raw,format=${format}${matrix ? `,colorimetry=${matrix}` : ''}`;
  const branch = (name, effect) =>
    `t. ! queue ! ${effect} ! videoconvert ! ${caps(matrix ? 'AYUV' : 'RGBA')} ! filesink location=${file(name)}`;
  await runToEnd(
    [
      `filesrc location=${file('source')} blocksize=${source.pixels.length}`,
      `! rawvideoparse format=rgba width=${width} height=${height} framerate=1/1`,
      `! videoconvert ! ${caps(format)} ! tee name=t`,
      branch('unfiltered', 'identity'),
      ...AMOUNTS.map((amount) => branch(amount, `bwfilter luma=bt709 amount=${amount}`)),
    ].join(' '),
  );
  const read = async (name) => {
    const pixels = new Uint8Array(await readFile(file(name)));
    assert.equal(pixels.length, source.pixels.length);
    return { width, height, pixels };
  };
  const filtered = new Map();
  for (const amount of AMOUNTS) filtered.set(amount, await read(amount));
  return { unfiltered: await read('unfiltered'), filtered };
}

/**
 * Converts an AYUV picture to RGBA, and tells which pixels are valid: some YUV values are outside
 * the RGB range, which no canvas can hold. videoconvert differs by up to five levels here, more
 * than what the test measures.
 */
function fromYuv({ width, height, pixels }, matrix) {
  const [red, blue] = MATRICES[matrix];
  const coloured = [];
  const rgba = picture(width, height, (x, y) => {
    const at = 4 * (y * width + x);
    const luma = (pixels[at + 1] - 16) / 219;
    const r = luma + ((2 * (1 - red)) / 224) * (pixels[at + 3] - 128);
    const b = luma + ((2 * (1 - blue)) / 224) * (pixels[at + 2] - 128);
    const g = (luma - red * r - blue * b) / (1 - red - blue);
    const exact = [r, g, b].map((value) => 255 * value);
    coloured.push(exact.every((value) => value >= 0 && value <= 255));
    return [...exact.map((value) => Math.min(255, Math.max(0, Math.round(value)))), 255];
  });
  // The faces of the cube, where rounding may leave the RGB range.
  assert.ok(coloured.filter(Boolean).length > 0.75 * coloured.length);
  return { picture: rgba, coloured };
}

/** Draws `source` on a canvas with `filter = grayscale(amount)` and reads it back. */
async function inBrowser({ width, height, pixels }, amount) {
  const answer = await page.evaluate(
    async ([width, height, base64, amount]) => {
      const canvas = () => {
        const made = Object.assign(document.createElement('canvas'), { width, height });
        return made.getContext('2d', { willReadFrequently: true });
      };
      const bytes = await (await fetch(`data:;base64,${base64}`)).arrayBuffer();
      const [source, filtered] = [canvas(), canvas()];
      source.putImageData(new ImageData(new Uint8ClampedArray(bytes), width, height), 0, 0);
      filtered.filter = `grayscale(${amount})`;
      filtered.drawImage(source.canvas, 0, 0);
      const { data } = filtered.getImageData(0, 0, width, height);
      const reader = new FileReader();
      reader.readAsDataURL(new Blob([data]));
      await new Promise((resolve) => reader.addEventListener('load', resolve));
      return reader.result.split(',')[1];
    },
    [width, height, Buffer.from(pixels).toString('base64'), amount],
  );
  return { width, height, pixels: new Uint8Array(Buffer.from(answer, 'base64')) };
}

function premultiplied({ width, height, pixels }) {
  const multiply = (value, at) => (at % 4 === 3 ? value : Math.round((value * pixels[at | 3]) / 255));
  return { width, height, pixels: pixels.map(multiply) };
}

/** Returns the largest difference of the channels, where `inside` is true. */
function difference(ours, reference, inside = () => true) {
  let worst = { levels: 0 };
  ours.pixels.forEach((value, at) => {
    const levels = Math.abs(value - reference.pixels[at]);
    if (levels <= worst.levels) return;
    const [x, y] = [(at >> 2) % ours.width, Math.floor((at >> 2) / ours.width)];
    if (!inside(x, y)) return;
    const pixel = ({ pixels }) => [...pixels.subarray(at & ~3, (at & ~3) + 4)];
    worst = { levels, x, y, ours: pixel(ours), browser: pixel(reference) };
  });
  return worst;
}

function check(t, worst, bound, what, amount) {
  t.diagnostic(`${what}, amount ${amount}: at most ${worst.levels} of 255 off`);
  assert.ok(worst.levels <= bound, `${what}, amount ${amount}: ${JSON.stringify(worst)}`);
}
