// The user's camera, in colour or in black and white: one `LocalVideoStream` for preview and call.

import { LocalVideoStream } from '../acscall.js';
import { choose as remember, chosen } from './devices.js';
import { blackAndWhite } from './grayscale.js';
import { keep, recallKept } from './memory.js';

/** @type {LocalVideoStream | null} */
let stream = null;
/** The camera's stream that is being filtered, and the filter. */
let raw = null;
let gray = null;
let wantsGray = recallKept('black-and-white') === 'on';
/** Serialises changes. */
let last = Promise.resolve();

/** The stream that is open, or null. */
export function opened() {
  return stream;
}

export function isGray() {
  return wantsGray;
}

/** Returns the stream of the camera chosen last, opened if necessary. */
export function open() {
  return inTurn(async () => {
    if (stream) return stream;
    const camera = await chosen('video');
    if (!camera) throw new DOMException('no camera', 'NotFoundError');
    stream = new LocalVideoStream(camera);
    try {
      if (wantsGray) await filter(stream);
    } catch (error) {
      closeNow();
      throw error;
    }
    return stream;
  });
}

/** Switches to the camera with this id. */
export function choose(id) {
  return inTurn(async () => {
    const camera = await remember('video', id);
    if (!stream || !camera) return undefined;
    if (!wantsGray) return stream.switchSource(camera);
    // The switch must not show a frame in colour.
    return filter(new LocalVideoStream(camera), stream);
  });
}

export function setGray(on) {
  wantsGray = on;
  keep('black-and-white', on ? 'on' : 'off');
  return inTurn(async () => {
    if (!stream || Boolean(gray) === wantsGray) return undefined;
    if (wantsGray) return filter(stream);
    const made = [raw, gray];
    raw = gray = null;
    await stream.switchSource(await chosen('video'));
    return release(...made);
  });
}

export function close() {
  return inTurn(closeNow);
}

/** Whether to mirror `track` of the stream `shown`: true for a camera that faces the user. */
export function isMirrored(shown, track) {
  if (!shown || shown !== stream) return false;
  if (!gray && shown.mediaStreamType !== 'Video') return false;
  const camera = gray ? raw?.getVideoTracks()[0] : track;
  return camera?.getSettings().facingMode !== 'environment';
}

/** Sends the filtered picture of `source` as `target`. */
async function filter(source, target = source) {
  const made = [raw, gray];
  const camera = await source.getMediaStream();
  try {
    const filtered = await blackAndWhite(camera.getVideoTracks()[0]);
    // The picture still comes from a camera.
    filtered.track.contentHint ||= 'motion';
    await target.setMediaStream(new MediaStream([filtered.track]));
    [raw, gray] = [camera, filtered];
  } catch (error) {
    release(camera, null);
    throw error;
  }
  release(...made);
}

function closeNow() {
  release(raw, gray);
  raw = gray = null;
  stream?.dispose();
  stream = null;
}

function release(camera, filtered) {
  filtered?.stop();
  camera?.getTracks().forEach((track) => track.stop());
}

/**
 * @template T
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
function inTurn(work) {
  const turn = last.then(work);
  last = turn.then(
    () => {},
    () => {},
  );
  return turn;
}
