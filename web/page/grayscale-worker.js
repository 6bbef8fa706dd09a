// A worker that removes the colour from every frame of a track, even in a hidden tab.

import { grayRgb, grayYuv } from './luma.js';

/** The global scope of a worker, for the type checker. */
const worker = /** @type {any} */ (globalThis);

/** Reused for all frames; it grows as needed. */
let bytes = new Uint8Array(0);

addEventListener('message', async ({ data: { readable, writable, track } }) => {
  if (track) {
    // Safari has both only in workers.
    readable = new worker.MediaStreamTrackProcessor({ track }).readable;
    const generator = new worker.VideoTrackGenerator();
    writable = generator.writable;
    worker.postMessage({ track: generator.track }, [generator.track]);
  }
  try {
    await readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable);
    worker.postMessage({ ended: true });
  } catch (error) {
    worker.postMessage({ ended: true, error: String(error) });
  }
});

async function transform(frame, controller) {
  try {
    controller.enqueue(await gray(frame));
  } finally {
    frame.close();
  }
}

async function gray(frame) {
  const isYuv = frame.format === 'I420' || frame.format === 'NV12';
  const isRgb = ['RGBA', 'RGBX', 'BGRA', 'BGRX'].includes(frame.format);
  // The browser converts frames on the graphics card, which have no format, and rare formats.
  const format = isYuv || isRgb ? frame.format : 'RGBA';
  const options = format === frame.format ? {} : { format };
  const size = frame.allocationSize(options);
  if (bytes.length < size) bytes = new Uint8Array(size);
  const layout = await frame.copyTo(bytes, options);
  const { width, height } = frame.visibleRect;
  if (isYuv) grayYuv({ data: bytes, layout, width, height }, frame.colorSpace);
  else grayRgb(bytes.subarray(0, size), format.startsWith('BG'));
  /** @type {any} Includes members newer than the type definitions. */
  const made = {
    format,
    layout,
    codedWidth: width,
    codedHeight: height,
    displayWidth: frame.displayWidth,
    displayHeight: frame.displayHeight,
    timestamp: frame.timestamp,
    duration: frame.duration ?? undefined,
    rotation: frame.rotation,
    flip: frame.flip,
    ...(isYuv && { colorSpace: frame.colorSpace }),
  };
  return new VideoFrame(bytes, made);
}
