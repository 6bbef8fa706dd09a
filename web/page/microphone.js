// The user's microphone: a `LocalAudioStream`, muted during the call and closed after it.

import { LocalAudioStream } from '../acscall.js';
import { choose as remember, chosen } from './devices.js';

/** @type {LocalAudioStream | null} */
let stream = null;

/** The stream that is open, or null. */
export function opened() {
  return stream;
}

/** Returns the stream of the microphone chosen last. */
export async function open() {
  if (stream) return stream;
  const microphone = await chosen('audio');
  if (!microphone) throw new DOMException('no microphone', 'NotFoundError');
  stream ??= new LocalAudioStream(microphone);
  return stream;
}

/** Switches to the microphone with this id. */
export async function choose(id) {
  const microphone = await remember('audio', id);
  if (microphone) await stream?.switchSource(microphone);
}

export function close() {
  stream?.dispose();
  stream = null;
}
