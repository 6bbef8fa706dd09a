// The choice of camera and microphone: permission, list and memory.

import { CallClient } from '../acscall.js';
import { keep, recallKept } from './memory.js';

/** The keys in storage, by kind. */
const KEYS = { audio: 'microphone', video: 'camera' };

let manager = null;

export function deviceManager() {
  manager ??= new CallClient().getDeviceManager();
  return manager;
}

/** Returns the devices of this kind: `{id, name}`, without names until the user permits access. */
export async function list(kind) {
  const devices = await deviceManager();
  return kind === 'video' ? devices.getCameras() : devices.getMicrophones();
}

/** Returns the device of this kind chosen last, or else the default; null if there is none. */
export async function chosen(kind) {
  const all = await list(kind);
  const remembered = recallKept(KEYS[kind]);
  return (
    all.find(({ id }) => id && id === remembered) ??
    all.find(({ isSystemDefault }) => isSystemDefault) ??
    all[0] ??
    null
  );
}

/** Remembers the device of this kind and returns it; null if it is gone. */
export async function choose(kind, id) {
  keep(KEYS[kind], id);
  return (await list(kind)).find((device) => device.id === id) ?? null;
}

/**
 * Asks the user for permission for these kinds at once, unless already granted.
 * @returns {Promise<Map<string, Error>>} The errors, by kind.
 */
export async function askFor(kinds) {
  const errors = new Map();
  const unnamed = [];
  for (const kind of kinds) {
    const all = await list(kind);
    if (!all.some(({ name }) => name)) unnamed.push(kind);
  }
  if (!unnamed.length) return errors;
  const devices = await deviceManager();
  const wanted = { audio: unnamed.includes('audio'), video: unnamed.includes('video') };
  const access = await devices.askDevicePermission(wanted);
  for (const kind of unnamed) {
    if (!access[kind]) errors.set(kind, access[`${kind}Error`] ?? null);
  }
  return errors;
}

/** Calls `changed` when a device is added or removed. */
export async function watch(changed) {
  const devices = await deviceManager();
  devices.on('videoDevicesUpdated', changed);
  devices.on('audioDevicesUpdated', changed);
}
