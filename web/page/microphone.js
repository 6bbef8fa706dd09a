// One's own microphone: a `LocalAudioStream` that is muted, and closed at the call's end.

import { LocalAudioStream } from '../acscall.js';
import { choose as remember, chosen } from './devices.js';

/** @type {LocalAudioStream | null} */
let stream = null;

/** The stream that is open, or null. */
export function opened() {
  return stream;
}

/** The stream from the microphone that was chosen last. */
export async function open() {
  if (stream) return stream;
  const microphone = await chosen('audio');
  if (!microphone) throw new DOMException('no microphone', 'NotFoundError');
  stream ??= new LocalAudioStream(microphone);
  return stream;
}

/** Takes the microphone with this id from now on. */
export async function choose(id) {
  const microphone = await remember('audio', id);
  if (microphone) await stream?.switchSource(microphone);
}

export function close() {
  stream?.dispose();
  stream = null;
}
