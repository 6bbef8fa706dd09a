// Devices and the screen, opened; and what goes wrong with that, in words.

import { CallingError } from './errors.js';

/** What a camera is asked for; it gives what it has. */
const PICTURE = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};

/** Where browsers give devices at all. */
const WHERE =
  'Browsers give camera, microphone and screen to pages from https or localhost only. ' +
  'Open this page from there.';

/** How one speaks of what is opened. @typedef {'camera' | 'microphone' | 'screen'} DeviceName */

/**
 * Opens the camera or microphone with this id; an empty one is the browser's or user's choice.
 * @param {'audio' | 'video'} kind
 * @param {string} id
 * @returns {Promise<MediaStream>} rejected with a CallingError
 */
export function openDevice(kind, id) {
  const device = id ? { deviceId: { exact: id } } : {};
  return capture(kind === 'audio' ? 'microphone' : 'camera', (devices) =>
    devices.getUserMedia({ [kind]: kind === 'audio' ? device : { ...PICTURE, ...device } }),
  );
}

/**
 * Has the user choose a screen, window or tab.
 * @returns {Promise<MediaStream>} rejected with a CallingError
 */
export function openScreen() {
  return capture('screen', (devices) => {
    if (!devices.getDisplayMedia) throw new CallingError(404, 'This browser cannot share screens.');
    return devices.getDisplayMedia({ video: { frameRate: { ideal: 30 } } });
  });
}

/**
 * Opens the devices of both kinds, or of one, and closes them again: for the permission alone.
 * @param {{audio: boolean, video: boolean}} constraints
 */
export async function tryDevices(constraints) {
  const which = constraints.video ? 'camera' : 'microphone';
  const stream = await capture(which, (devices) => devices.getUserMedia(constraints));
  for (const track of stream.getTracks()) track.stop();
}

/**
 * @param {DeviceName} which
 * @param {(devices: MediaDevices) => Promise<MediaStream>} open
 */
async function capture(which, open) {
  const devices = navigator.mediaDevices;
  try {
    if (!devices) throw new DOMException('', 'SecurityError');
    return await open(devices);
  } catch (error) {
    throw error instanceof CallingError ? error : refusal(which, error);
  }
}

/**
 * @param {DeviceName} which
 * @param {any} cause What the browser says.
 */
function refusal(which, cause) {
  switch (cause.name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return new CallingError(
        403,
        which === 'screen'
          ? 'The screen is not shared: that was cancelled, or the system does not allow it.'
          : `The ${which} may not be used. Allow it at the left of the page's address.`,
        { cause },
      );
    case 'SecurityError':
      return new CallingError(403, WHERE, { cause });
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new CallingError(404, `The ${which} was not found. Connect it.`, { cause });
    case 'InvalidStateError':
      return new CallingError(
        400,
        `The ${which} opens only while the page is looked at, and the screen on a click.`,
        { cause },
      );
    case 'NotReadableError':
    case 'AbortError':
      return new CallingError(
        409,
        `The ${which} does not start. Close other programs that use it.`,
        { cause },
      );
    default:
      return new CallingError(409, `The ${which} does not start: ${cause.message || cause.name}.`, {
        cause,
      });
  }
}
