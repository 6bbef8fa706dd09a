// Opens devices and the screen, and explains failures.

import { CallingError } from './errors.js';

/** The ideal camera format; the camera gives the closest it has. */
const PICTURE = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};

/** Where browsers allow capture at all. */
const SECURE_CONTEXT =
  'Browsers allow camera, microphone and screen on https and localhost pages only. ' +
  'Open this page from such an address.';

/** The device's name in messages. @typedef {'camera' | 'microphone' | 'screen'} DeviceName */

/**
 * Opens the camera or microphone with this id; an empty id leaves the choice to browser and user.
 * @param {'audio' | 'video'} kind
 * @param {string} id
 * @returns {Promise<MediaStream>} Rejects with a CallingError.
 */
export function openDevice(kind, id) {
  const device = id ? { deviceId: { exact: id } } : {};
  return capture(kind === 'audio' ? 'microphone' : 'camera', (devices) =>
    devices.getUserMedia({ [kind]: kind === 'audio' ? device : { ...PICTURE, ...device } }),
  );
}

/**
 * Lets the user choose a screen, window or tab.
 * @returns {Promise<MediaStream>} Rejects with a CallingError.
 */
export function openScreen() {
  return capture('screen', (devices) => {
    if (!devices.getDisplayMedia) throw new CallingError(404, 'This browser cannot share screens.');
    return devices.getDisplayMedia({ video: { frameRate: { ideal: 30 } } });
  });
}

/**
 * Opens devices of one or both kinds and closes them again, to obtain the permission.
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
    throw error instanceof CallingError ? error : captureError(which, error);
  }
}

/**
 * Returns the cause and the remedy of a denied device. A permissions policy forbids it regardless of
 * the user, but only Chromium tells that.
 * @param {DeviceName} which
 */
function deniedAdvice(which) {
  const feature = which === 'screen' ? 'display-capture' : which;
  const isAllowed = /** @type {any} */ (document).featurePolicy?.allowsFeature(feature);
  const isEmbedded = window !== window.top;
  const embedding = `the <iframe> in the page around this one needs allow="${feature}"`;
  if (isAllowed === false) {
    const remedy = isEmbedded ? embedding : `the server's Permissions-Policy header forbids it`;
    return `This page may not use the ${which}: ${remedy}.`;
  }
  const also = isEmbedded && isAllowed === undefined ? ` Also, ${embedding}.` : '';
  return which === 'screen'
    ? `Screen sharing was cancelled, or the system does not allow it.${also}`
    : `The ${which} is blocked. Allow it with the icon beside the page's address.${also}`;
}

/**
 * @param {DeviceName} which
 * @param {any} cause The browser's error.
 */
function captureError(which, cause) {
  switch (cause.name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return new CallingError(403, deniedAdvice(which), { cause });
    case 'SecurityError':
      return new CallingError(403, SECURE_CONTEXT, { cause });
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new CallingError(404, `No ${which} was found. Connect one.`, { cause });
    case 'InvalidStateError':
      return new CallingError(
        400,
        `The ${which} opens only while the page is visible; the screen needs a click.`,
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
