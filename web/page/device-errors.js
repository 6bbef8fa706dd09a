// The messages about devices that cannot be used.

import { listed } from './dom.js';

const DEVICES = { audio: 'Microphone', video: 'Camera', screen: 'Screen' };

/** Describes a list of `[kind, error]`, in one sentence per error. */
export function deviceErrors(failures) {
  const alike = new Map();
  for (const [kind, error] of failures) {
    const name = nameOf(error);
    alike.set(name, { error, kinds: [...(alike.get(name)?.kinds ?? []), kind] });
  }
  return [...alike].map(([name, { kinds, error }]) => sentence(name, kinds, error)).join(' ');
}

/** Returns the browser's name of the error. */
function nameOf(error) {
  if (!navigator.mediaDevices) return 'SecurityError';
  return error?.cause?.name ?? error?.name ?? 'NotAllowedError';
}

function sentence(name, kinds, error) {
  const which = listed(kinds.map((kind) => DEVICES[kind].toLowerCase()));
  const again = `then press ${listed(kinds.map((kind) => DEVICES[kind]))}.`;
  if (name === 'NotAllowedError' && kinds.includes('screen')) {
    return 'Screen sharing was cancelled, or the system does not allow it.';
  }
  switch (name) {
    case 'NotAllowedError':
      return `The browser blocks the ${which} on this page. Allow it with the icon at the left of the address, ${again}`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `No ${which} was found. Connect one, ${again}`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${which} does not start. Close other programs that use it, ${again}`;
    case 'SecurityError':
      return `Browsers allow camera, microphone and screen on localhost and https pages only. Open this page as http://localhost:${location.port}.`;
    default:
      return error?.message || `The ${which} does not start: ${name}.`;
  }
}
