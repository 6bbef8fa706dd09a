// Makes a track black and white: in a worker if the browser gives access to frames, otherwise on a
// canvas.

import { setTick } from '../acscall.js';
import { grayRgb } from './luma.js';

/**
 * A black-and-white copy of a track.
 * @typedef {object} Gray
 * @property {MediaStreamTrack} track
 * @property {() => void} stop Ends `track`, but not the original.
 */

/**
 * @param {MediaStreamTrack} track When it ends, so does `Gray.track`.
 * @returns {Promise<Gray>}
 */
export async function blackAndWhite(track) {
  if ('MediaStreamTrackProcessor' in window && 'MediaStreamTrackGenerator' in window) {
    return byGenerator(track);
  }
  return (await inWorker(track)) ?? onCanvas(track);
}

/** Missing in some browsers, hence in the type definitions. */
const { MediaStreamTrackProcessor, MediaStreamTrackGenerator } = /** @type {any} */ (window);

/** For Chromium: both ends are created here, the frames pass through a worker. */
function byGenerator(track) {
  const { readable } = new MediaStreamTrackProcessor({ track });
  const generator = new MediaStreamTrackGenerator({ kind: 'video' });
  const worker = startWorker();
  worker.addEventListener('message', ({ data: { error } }) => {
    if (error) console.warn('The black-and-white filter failed:', error);
    generator.stop();
    // The generator does not fire this event itself.
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

/** For Safari: transfers the track to the worker. Returns null in browsers that cannot do that. */
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

/** The canvas's frame rate. */
const RATE = 30;

/** For all browsers: draws a video element on a canvas with a filter. */
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
    // Setting the size resets the filter.
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
  // Stays punctual in a hidden tab.
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
