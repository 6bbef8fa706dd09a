// Measures the volume of local streams.

import { Volume } from './volume.js';

/** @type {AudioContext | undefined} */
let context;
/** @type {WeakMap<MediaStream, Volume>} */
const meters = new WeakMap();

/** The events that allow a page to play sound. */
const GESTURES = ['click', 'keydown', 'touchend'];

/** Returns the page's one AudioContext (browsers limit their number), running after a gesture. */
export function audioContext() {
  if (!context) {
    context = new AudioContext();
    for (const gesture of GESTURES) addEventListener(gesture, resume, true);
  }
  resume();
  return context;
}

function resume() {
  if (context?.state === 'running') {
    for (const gesture of GESTURES) removeEventListener(gesture, resume, true);
  } else {
    // Has no effect before a gesture, and never settles without a sound device.
    context?.resume().catch(() => {});
  }
}

/** @param {MediaStream} stream Has an audio track. */
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
