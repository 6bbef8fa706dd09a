// A track in black and white: in a worker where the browser lets one at the frames, on a canvas
// elsewhere.

import { setTick } from '../acscall.js';
import { grayRgb } from './luma.js';

/**
 * A track that is being made black and white.
 * @typedef {object} Gray
 * @property {MediaStreamTrack} track
 * @property {() => void} stop Ends `track`, and not the one that it was made of.
 */

/**
 * @param {MediaStreamTrack} track Ends `Gray.track` when it ends.
 * @returns {Promise<Gray>}
 */
export async function blackAndWhite(track) {
  if ('MediaStreamTrackProcessor' in window && 'MediaStreamTrackGenerator' in window) {
    return byGenerator(track);
  }
  return (await inWorker(track)) ?? onCanvas(track);
}

/** What not all browsers have, for the types. */
const { MediaStreamTrackProcessor, MediaStreamTrackGenerator } = /** @type {any} */ (window);

/** Chromium: both ends are made here, and the frames go through a worker. */
function byGenerator(track) {
  const { readable } = new MediaStreamTrackProcessor({ track });
  const generator = new MediaStreamTrackGenerator({ kind: 'video' });
  const worker = startWorker();
  worker.addEventListener('message', ({ data: { error } }) => {
    if (error) console.warn('The picture cannot be made black and white:', error);
    generator.stop();
    // Nobody else says that it is over.
    generator.dispatchEvent(new Event('ended'));
  });
  const { writable } = generator;
  worker.postMessage({ readable, writable }, [readable, writable]);
  return {
    track: generator,
    stop() {
      worker.terminate();
      generator.stop();
    },
  };
}

/** Safari: the track itself goes to the worker. Elsewhere it cannot, and this gives null. */
async function inWorker(track) {
  const copy = track.clone();
  const worker = startWorker();
  const answer = new Promise((resolve) => {
    worker.addEventListener('message', ({ data }) => resolve(data.track ?? null), { once: true });
    worker.addEventListener('error', () => resolve(null), { once: true });
  });
  const giveUp = () => {
    worker.terminate();
    copy.stop();
    return null;
  };
  try {
    worker.postMessage({ track: copy }, [copy]);
  } catch {
    return giveUp();
  }
  const made = await answer;
  if (!made) return giveUp();
  return {
    track: made,
    stop() {
      worker.terminate();
      made.stop();
    },
  };
}

function startWorker() {
  return new Worker(new URL('./grayscale-worker.js', import.meta.url), { type: 'module' });
}

/** How often the canvas is painted, per second. */
const RATE = 30;

/** Everywhere: a video element, painted on a canvas that has a filter. */
async function onCanvas(track) {
  const video = document.createElement('video');
  video.muted = video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  const canvas = document.createElement('canvas');
  const paint = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext('2d', { willReadFrequently: true })
  );
  const draw = () => {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width) return;
    // A canvas that gets a size forgets all else.
    if (canvas.width !== width || canvas.height !== height)
      Object.assign(canvas, { width, height });
    paint.filter = 'grayscale(1)';
    paint.drawImage(video, 0, 0);
    if ('filter' in CanvasRenderingContext2D.prototype) return;
    const picture = paint.getImageData(0, 0, width, height);
    grayRgb(picture.data);
    paint.putImageData(picture, 0, 0);
  };
  draw();
  // On time in a hidden tab, too.
  const stopPainting = setTick(draw, 1000 / RATE);
  const [made] = canvas.captureStream(RATE).getVideoTracks();
  const stop = () => {
    stopPainting();
    video.srcObject = null;
    made.stop();
  };
  track.addEventListener('ended', () => {
    stop();
    made.dispatchEvent(new Event('ended'));
  });
  return { track: made, stop };
}
