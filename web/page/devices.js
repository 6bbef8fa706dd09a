// Camera, microphone and screen: opened, sent into the call, closed.

import { $, complain } from './dom.js';

const DEVICES = { audio: 'Microphone', video: 'Camera', screen: 'Screen' };

/** The cameras' tracks: shown to their owner as in a mirror. */
const cameras = new WeakSet();

export function isMirrored(track) {
  return cameras.has(track);
}

/** Starts or stops the device of this kind. */
export async function toggle(kind, call) {
  if ($(kind).ariaBusy) return;
  complain(null);
  const track = call?.tracks[kind];
  if (track) {
    call.setTrack(kind, null);
    track.stop();
  } else if (call) {
    await open([kind], call);
  }
}

/** Opens devices for `kinds`, together where the browser can ask once, and sends them. */
export async function open(kinds, call) {
  if (!kinds.length) return;
  // Not `disabled`: that would take the keyboard's focus away.
  for (const kind of kinds) $(kind).setAttribute('aria-busy', 'true');
  try {
    const stream = await capture(kinds);
    for (const track of stream.getTracks()) {
      const kind = kinds.find((kind) => (kind === 'audio') === (track.kind === 'audio'));
      // A camera that looks away from its owner shows no mirror image.
      if (kind === 'video' && track.getSettings().facingMode !== 'environment') cameras.add(track);
      if (call.state === 'disconnected') track.stop();
      else call.setTrack(kind, track);
    }
  } catch (error) {
    // One of two may still work.
    const each = kinds.length > 1 && error.name !== 'NotAllowedError';
    if (each) for (const kind of kinds) await open([kind], call);
    else if (call.state !== 'disconnected') complain(deviceTrouble(kinds, error));
  } finally {
    for (const kind of kinds) $(kind).removeAttribute('aria-busy');
  }
}

/** Closes all devices of the call. */
export function close(call) {
  for (const track of Object.values(call.tracks)) track?.stop();
}

function capture(kinds) {
  const devices = navigator.mediaDevices;
  if (!devices) throw new DOMException('', 'SecurityError');
  if (kinds.includes('screen')) return devices.getDisplayMedia({ video: { frameRate: 30 } });
  return devices.getUserMedia({
    audio: kinds.includes('audio'),
    video: kinds.includes('video') && {
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30 },
    },
  });
}

function deviceTrouble(kinds, { name, message }) {
  const which = kinds.map((kind) => DEVICES[kind].toLowerCase()).join(' and ');
  const again = `then press ${kinds.map((kind) => DEVICES[kind]).join(' and ')}.`;
  if (name === 'NotAllowedError' && kinds.includes('screen')) {
    return 'The screen is not shared: that was cancelled, or the system does not allow it.';
  }
  switch (name) {
    case 'NotAllowedError':
      return `The browser does not let this page use the ${which}. Allow it with the icon at the left of the address, ${again}`;
    case 'NotFoundError':
      return `No ${which} was found. Connect one, ${again}`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${which} does not start. Close other programs that use it, ${again}`;
    case 'SecurityError':
      return `Browsers give camera, microphone and screen to pages from localhost or https only. Open this page as http://localhost:${location.port}.`;
    default:
      return `The ${which} does not start: ${message || name}.`;
  }
}
