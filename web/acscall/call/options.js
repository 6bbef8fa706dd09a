// The options of a call.

import { CallingError } from '../errors.js';
import { unwrap } from '../proxies.js';
import { checkedSource } from './slots.js';

/** @import { LocalAudioStream } from '../local-audio-stream.js' */
/** @import { LocalVideoStream } from '../local-video-stream.js' */

/**
 * The directions of media.
 * @typedef {object} Roles
 * @property {boolean} sends
 * @property {boolean} receives
 */

/**
 * Limits of the sent video: `bitrate` in bits per second.
 * @typedef {{frameHeight?: {max?: number}, frameRate?: {max?: number}, bitrate?: {max?: number}}}
 *   VideoSendConstraints
 * @typedef {{send?: VideoSendConstraints}} VideoConstraints
 * @typedef {{video?: VideoConstraints}} CallConstraints
 */

/**
 * By default, a call sends the microphone and no video.
 * @typedef {object} CallOptions
 * @property {{muted?: boolean, localAudioStreams?: LocalAudioStream[] | null} | null} [audioOptions]
 * @property {{localVideoStreams?: LocalVideoStream[] | null, constraints?: VideoConstraints}
 *   | null} [videoOptions]
 * @property {boolean} [sends] False: the call never sends and opens no device.
 * @property {boolean} [receives] False: the call never receives.
 */

/**
 * @param {CallOptions | null} [options]
 */
export function parseOptions(options) {
  const { audioOptions, videoOptions, sends = true, receives = true } = options ?? {};
  const audio = onlyOne('audio', 'audioOptions.localAudioStreams', audioOptions?.localAudioStreams);
  const video = onlyOne('video', 'videoOptions.localVideoStreams', videoOptions?.localVideoStreams);
  if (!sends && (audio || video)) {
    throw new CallingError(400, 'There are streams to send, and sends is false. Leave one out.');
  }
  if (!sends && !receives) throw new CallingError(400, 'sends and receives cannot both be false.');
  /** @type {Roles} */
  const roles = { sends, receives };
  const muted = !sends || Boolean(audioOptions?.muted);
  return { muted, audio, video, roles, constraints: videoOptions?.constraints };
}

/**
 * @template {object} S
 * @param {'audio' | 'video'} kind
 * @param {string} name
 * @param {S[] | null | undefined} streams
 * @returns {S | null}
 */
function onlyOne(kind, name, streams) {
  if (streams === undefined || streams === null) return null;
  if (!Array.isArray(streams) || streams.length !== 1) {
    throw new CallingError(400, `${name} takes exactly one stream. Leave it out for none.`);
  }
  const stream = unwrap(streams[0]);
  checkedSource(kind, stream);
  return stream;
}
