// The contents of an I420 picture: colours, and their share of the picture.

/** @typedef {{width: number, height: number, data: Buffer}} Picture In I420. */
/** @typedef {[number, number, number]} Triple Y, U and V, or red, green and blue. */

/** The side of the squares over which chroma is not smeared, in pixels. */
const BLOCK = 8;

/**
 * Returns Y, U and V of a colour in BT.601, limited range.
 * @param {Triple} rgb
 * @returns {Triple}
 */
export function yuv([red, green, blue]) {
  const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
  return [
    16 + (219 * luma) / 255,
    128 + ((224 / 1.772) * (blue - luma)) / 255,
    128 + ((224 / 1.402) * (red - luma)) / 255,
  ];
}

/** The CSS colours that the documents paint with, on a canvas. */
export const COLOURS = {
  blue: yuv([0, 0, 255]),
  red: yuv([255, 0, 0]),
  yellow: yuv([255, 255, 0]),
  green: yuv([0, 128, 0]),
};

/** Returns GStreamer's layout of the planes: rows are padded to four bytes. */
function planes({ width, height }) {
  const up = (value, to) => Math.ceil(value / to) * to;
  const [luma, chroma] = [up(width, 4), up(up(width, 2) / 2, 4)];
  const [u, v, size] = [0, 1, 2].map((of) => up(height, 2) * (luma + (of * chroma) / 2));
  return { luma, chroma, u, v, size };
}

/**
 * Creates a picture of four colours, one in each quarter.
 * @param {number} width
 * @param {number} height
 * @param {Triple[]} colours Top left, top right, bottom left, bottom right.
 * @returns {Picture}
 */
export function quarters(width, height, colours) {
  const { luma, chroma, u, v, size } = planes({ width, height });
  const data = Buffer.alloc(size);
  const fill = (from, stride, rows, channel) => {
    for (let y = 0; y < rows; y += 1) {
      for (let x = 0; x < stride; x += 1) {
        const quarter = 2 * Number(2 * y >= rows) + Number(2 * x >= stride);
        data[from + y * stride + x] = Math.min(255, Math.round(colours[quarter][channel]));
      }
    }
  };
  fill(0, luma, u / luma, 0);
  fill(u, chroma, (v - u) / chroma, 1);
  fill(v, chroma, (size - v) / chroma, 2);
  return { width, height, data };
}

/**
 * Returns the mean Y, U and V of a part of the picture.
 * @param {Picture} picture
 * @returns {Triple}
 */
export function meanOf(picture, { x, y, width, height }) {
  const { luma, chroma, u, v } = planes(picture);
  /** @type {Triple} */
  const sums = [0, 0, 0];
  for (let row = y; row < y + height; row += 1) {
    for (let column = x; column < x + width; column += 1) {
      const small = (row >> 1) * chroma + (column >> 1);
      sums[0] += picture.data[row * luma + column];
      sums[1] += picture.data[u + small];
      sums[2] += picture.data[v + small];
    }
  }
  return /** @type {Triple} */ (sums.map((sum) => sum / (width * height)));
}

/**
 * Returns the means of all whole blocks of 8×8.
 * @param {Picture} picture
 */
export function blocksOf(picture) {
  const blocks = [];
  for (let y = 0; y + BLOCK <= picture.height; y += BLOCK) {
    for (let x = 0; x + BLOCK <= picture.width; x += BLOCK) {
      blocks.push({ x, y, yuv: meanOf(picture, { x, y, width: BLOCK, height: BLOCK }) });
    }
  }
  return blocks;
}

/**
 * Returns the share of each of `colours` in the picture, in blocks within `tolerance` levels in all
 * channels; `other` is the rest.
 * @param {Picture} picture
 * @param {Record<string, Triple>} colours
 * @param {number} tolerance
 * @returns {Record<string, number>}
 */
export function sharesOf(picture, colours, tolerance) {
  const blocks = blocksOf(picture);
  const shares = Object.fromEntries([...Object.keys(colours), 'other'].map((name) => [name, 0]));
  for (const { yuv } of blocks) {
    const near = ([, colour]) => distance(colour, yuv) <= tolerance;
    shares[Object.entries(colours).find(near)?.[0] ?? 'other'] += 1 / blocks.length;
  }
  return shares;
}

/** @type {(a: Triple, b: Triple) => number} Returns the largest difference of a channel. */
export function distance(a, b) {
  return Math.max(...a.map((value, at) => Math.abs(value - b[at])));
}
