// How loud a stream of this page is.

import { Volume } from './volume.js';

/** @type {AudioContext | undefined} */
let context;
/** @type {WeakMap<MediaStream, Volume>} */
const meters = new WeakMap();

/** The page's own context: browsers give only a few. */
export function audioContext() {
  context ??= new AudioContext();
  // In vain before the user has touched the page, and never fulfilled without a sound device.
  if (context.state === 'suspended') context.resume().catch(() => {});
  return context;
}

/** @param {MediaStream} stream Has a track with audio. */
export function meter(stream) {
  const known = meters.get(stream);
  if (known) return known;
  const node = audioContext().createMediaStreamSource(stream);
  const analyser = new AnalyserNode(node.context, { fftSize: 1024 });
  node.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const made = new Volume(() => {
    analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  });
  meters.set(stream, made);
  return made;
}
