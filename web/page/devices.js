// Which camera and which microphone: asked for, listed, chosen and remembered.

import { CallClient } from '../acscall.js';
import { keep, recallKept } from './memory.js';

/** What is remembered, by kind. */
const KEYS = { audio: 'microphone', video: 'camera' };

let manager = null;

export function deviceManager() {
  manager ??= new CallClient().getDeviceManager();
  return manager;
}

/** The devices of this kind: `{id, name}`; without names before the user has let us at them. */
export async function list(kind) {
  const devices = await deviceManager();
  return kind === 'video' ? devices.getCameras() : devices.getMicrophones();
}

/** The device of this kind that was chosen last, if it is here, or another; null: there is none. */
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

/** Remembers the device of this kind, and returns it; null where it is gone. */
export async function choose(kind, id) {
  keep(KEYS[kind], id);
  return (await list(kind)).find((device) => device.id === id) ?? null;
}

/**
 * Has the browser ask the user for these kinds at once, where it has not yet.
 * @returns {Promise<Map<string, Error>>} Why not, by kind.
 */
export async function askFor(kinds) {
  const refused = new Map();
  const unnamed = [];
  for (const kind of kinds) {
    const all = await list(kind);
    if (!all.some(({ name }) => name)) unnamed.push(kind);
  }
  if (!unnamed.length) return refused;
  const devices = await deviceManager();
  const wanted = { audio: unnamed.includes('audio'), video: unnamed.includes('video') };
  const access = await devices.askDevicePermission(wanted);
  for (const kind of unnamed) {
    if (!access[kind]) refused.set(kind, access[`${kind}Error`] ?? null);
  }
  return refused;
}

/** Tells `changed` when a device comes or goes. */
export async function watch(changed) {
  const devices = await deviceManager();
  devices.on('videoDevicesUpdated', changed);
  devices.on('audioDevicesUpdated', changed);
}
