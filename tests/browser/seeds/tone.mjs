// Analyses sound: the strongest frequency, its level, and the level of everything else.

/** Half the width of a tone in the spectrum of SIZE samples at 48 kHz, in Hz. */
const WIDTH = 20;

/** The number of analysed samples: 0.68 s at 48 kHz. */
export const SIZE = 32_768;

/**
 * @param {Float32Array} samples SIZE of them, between -1 and 1.
 * @param {number} rate
 * @returns {{frequency: number, level: number, rest: number}} In Hz and dB: `level` is 0 for a
 *   sine of full scale, `rest` is the level of everything else relative to the tone.
 */
export function toneOf(samples, rate) {
  if (samples.length !== SIZE) throw new RangeError(`${samples.length} samples`);
  const power = powerSpectrum(samples);
  let peak = 1;
  for (let bin = 1; bin < power.length; bin += 1) if (power[bin] > power[peak]) peak = bin;
  const width = Math.ceil((WIDTH * SIZE) / rate);
  let [tone, rest] = [0, 0];
  for (let bin = 1; bin < power.length; bin += 1) {
    if (Math.abs(bin - peak) <= width) tone += power[bin];
    else rest += power[bin];
  }
  return {
    frequency: ((peak + offset(power, peak)) * rate) / SIZE,
    // A Hann window passes 3/8 of the power; a full sine has 1/2, half of it in these bins.
    level: decibels(tone / (SIZE * SIZE * (3 / 8) * (1 / 4))),
    rest: decibels(rest / tone),
  };
}

/**
 * Returns the level of this frequency, in dB of a sine of full scale.
 * @param {Float32Array} samples
 * @param {number} rate
 * @param {number} frequency
 */
export function levelAt(samples, rate, frequency) {
  let [real, imaginary] = [0, 0];
  samples.forEach((sample, at) => {
    const angle = (2 * Math.PI * frequency * at) / rate;
    real += sample * hann(at, samples.length) * Math.cos(angle);
    imaginary += sample * hann(at, samples.length) * Math.sin(angle);
  });
  // A Hann window has the mean 1/2.
  return decibels((real ** 2 + imaginary ** 2) / (samples.length / 4) ** 2);
}

/** @param {number} ratio A ratio of powers. */
const decibels = (ratio) => 10 * Math.log10(Math.max(ratio, 1e-20));

/** @type {(at: number, length: number) => number} */
const hann = (at, length) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / length);

/** Locates the peak between the bins, by a parabola through the logarithms around it. */
function offset(power, peak) {
  const [left, middle, right] = [-1, 0, 1].map((by) => decibels(power[peak + by] ?? 0));
  const curve = left - 2 * middle + right;
  return curve === 0 ? 0 : (left - right) / (2 * curve);
}

/** Transforms SIZE samples under a Hann window with an in-place radix-2 FFT. */
function powerSpectrum(samples) {
  const bits = Math.log2(SIZE);
  const [real, imaginary] = [new Float64Array(SIZE), new Float64Array(SIZE)];
  for (let at = 0; at < SIZE; at += 1) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit += 1) reversed = (reversed << 1) | ((at >> bit) & 1);
    real[reversed] = samples[at] * hann(at, SIZE);
  }
  for (let half = 1; half < SIZE; half *= 2) {
    for (let step = 0; step < half; step += 1) {
      const [cos, sin] = [Math.cos((Math.PI * step) / half), -Math.sin((Math.PI * step) / half)];
      for (let even = step; even < SIZE; even += 2 * half) {
        const odd = even + half;
        const turnedReal = real[odd] * cos - imaginary[odd] * sin;
        const turnedImaginary = real[odd] * sin + imaginary[odd] * cos;
        real[odd] = real[even] - turnedReal;
        imaginary[odd] = imaginary[even] - turnedImaginary;
        real[even] += turnedReal;
        imaginary[even] += turnedImaginary;
      }
    }
  }
  return Float64Array.from({ length: SIZE / 2 }, (_, bin) => real[bin] ** 2 + imaginary[bin] ** 2);
}
