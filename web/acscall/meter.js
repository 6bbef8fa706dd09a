// How loud a stream of this page is.

import { Volume } from './volume.js';

/** @type {AudioContext | undefined} */
let context;
/** @type {WeakMap<MediaStream, Volume>} */
const meters = new WeakMap();

/** What lets a page have sound. */
const GESTURES = ['click', 'keydown', 'touchend'];

/** The page's own context: browsers give only a few. It runs once the user has touched the page. */
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
    // In vain before a gesture, and never fulfilled without a sound device.
    context?.resume().catch(() => {});
  }
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
