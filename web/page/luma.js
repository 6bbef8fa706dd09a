// Black and white as CSS grayscale(1) defines it: 0.2126 R + 0.7152 G + 0.0722 B, without undoing
// gamma, on the bytes of a picture. No DOM.

const [RED, GREEN, BLUE] = [0.2126, 0.7152, 0.0722];

/** The weights of red and blue in Y, by matrix; unknown ones count as BT.601. */
const MATRICES = { bt709: [0.2126, 0.0722], smpte170m: [0.299, 0.114] };

/** The chroma value without colour. */
const NEUTRAL = 128;

/**
 * @typedef {object} Planes A picture in I420 or NV12.
 * @property {Uint8Array} data
 * @property {{offset: number, stride: number}[]} layout
 * @property {number} width
 * @property {number} height
 */

/**
 * Removes the colour from a YUV picture, in place.
 * @param {Planes} planes
 * @param {{matrix?: string | null, fullRange?: boolean | null}} colours
 */
export function grayYuv({ data, layout, width, height }, { matrix, fullRange }) {
  const [luma, first, second] = layout;
  const columns = Math.ceil(width / 2);
  const lines = Math.ceil(height / 2);
  // NV12 interleaves U and V in one plane.
  const step = second ? 1 : 2;
  const [red, blue] = MATRICES[matrix ?? ''] ?? MATRICES.smpte170m;
  const chroma = fullRange ? 1 : 255 / 224;
  const fromV = 2 * (1 - red) * chroma;
  const fromU = 2 * (1 - blue) * chroma;
  const green = 1 - red - blue;
  const base = fullRange ? 0 : 16;
  const scale = fullRange ? 1 : 255 / 219;
  for (let line = 0; line < lines; line += 1) {
    let u = first.offset + line * first.stride;
    let v = second ? second.offset + line * second.stride : u + 1;
    const upper = luma.offset + 2 * line * luma.stride;
    const isOdd = 2 * line + 1 === height;
    for (let column = 0; column < columns; column += 1, u += step, v += step) {
      const r = fromV * (data[v] - NEUTRAL);
      const b = fromU * (data[u] - NEUTRAL);
      if (r === 0 && b === 0) continue;
      const g = -(red * r + blue * b) / green;
      const change = RED * r + GREEN * g + BLUE * b;
      const least = -Math.min(r, g, b);
      const most = 255 - Math.max(r, g, b);
      const x = 2 * column;
      const wide = x + 1 < width ? 2 : 1;
      for (let pixel = 0; pixel < (isOdd ? wide : 2 * wide); pixel += 1) {
        const at = upper + x + (pixel < wide ? pixel : luma.stride + pixel - wide);
        const y = scale * (data[at] - base);
        // Clamps YUV values outside the RGB range.
        const gray =
          y >= least && y <= most
            ? y + change
            : RED * clamp(y + r) + GREEN * clamp(y + g) + BLUE * clamp(y + b);
        data[at] = base + gray / scale + 0.5;
      }
    }
  }
  for (const plane of second ? [first, second] : [first]) {
    for (let line = 0; line < lines; line += 1) {
      const at = plane.offset + line * plane.stride;
      data.fill(NEUTRAL, at, at + step * columns);
    }
  }
}

function clamp(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/**
 * Removes the colour from pixels of four bytes, in place. `blueFirst`: BGRA or BGRX.
 * @param {Uint8Array | Uint8ClampedArray} data
 * @param {boolean} [blueFirst]
 */
export function grayRgb(data, blueFirst = false) {
  const [first, third] = blueFirst ? [BLUE, RED] : [RED, BLUE];
  for (let at = 0; at < data.length; at += 4) {
    const gray = first * data[at] + GREEN * data[at + 1] + third * data[at + 2] + 0.5;
    data[at] = data[at + 1] = data[at + 2] = gray;
  }
}
