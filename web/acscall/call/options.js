// What a call is to begin with.

import { CallingError } from '../errors.js';
import { checkedSource } from './slots.js';

/** @import { LocalAudioStream } from '../local-audio-stream.js' */
/** @import { LocalVideoStream } from '../local-video-stream.js' */

/**
 * Without `localAudioStreams` it is the microphone; without `localVideoStreams` there are no
 * pictures.
 * @typedef {object} CallOptions
 * @property {{muted?: boolean, localAudioStreams?: LocalAudioStream[]}} [audioOptions]
 * @property {{localVideoStreams?: LocalVideoStream[]}} [videoOptions]
 */

/**
 * @param {CallOptions} [options]
 */
export function parseOptions({ audioOptions = {}, videoOptions = {} } = {}) {
  return {
    muted: Boolean(audioOptions.muted),
    audio: onlyOne('audio', 'audioOptions.localAudioStreams', audioOptions.localAudioStreams),
    video: onlyOne('video', 'videoOptions.localVideoStreams', videoOptions.localVideoStreams),
  };
}

/**
 * @template {object} S
 * @param {'audio' | 'video'} kind
 * @param {string} name
 * @param {S[] | undefined} streams
 * @returns {S | null}
 */
function onlyOne(kind, name, streams) {
  if (streams === undefined) return null;
  if (!Array.isArray(streams) || streams.length !== 1) {
    throw new CallingError(400, `${name} takes exactly one stream. Leave it out for none.`);
  }
  checkedSource(kind, streams[0]);
  return streams[0];
}
