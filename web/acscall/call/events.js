// The events of a call.

/** @import { Updated } from '../emitter.js' */
/** @import { CallingError } from '../errors.js' */
/** @import { LocalAudioStream } from '../local-audio-stream.js' */
/** @import { LocalVideoStream } from '../local-video-stream.js' */
/** @import { RemoteAudioStream } from '../remote-audio-stream.js' */
/** @import { RemoteParticipant } from '../remote-participant.js' */

/**
 * @typedef {object} CallEvents
 * @property {void} stateChanged
 * @property {void} idChanged
 * @property {void} isMutedChanged
 * @property {void} isIncomingAudioMutedChanged
 * @property {void} isScreenSharingOnChanged
 * @property {void} isLocalVideoStartedChanged
 * @property {Updated<RemoteParticipant>} remoteParticipantsUpdated
 * @property {Updated<LocalVideoStream>} localVideoStreamsUpdated
 * @property {Updated<LocalAudioStream>} localAudioStreamsUpdated
 * @property {Updated<RemoteAudioStream>} remoteAudioStreamsUpdated
 * @property {void} connectionChanged `reconnecting` has changed.
 * @property {{error: CallingError, mediaType: 'Audio' | 'Video'}} mediaError A device could not be
 *   opened; the call goes on without it.
 * @property {{error: CallingError}} trouble The server rejected a request; the call goes on.
 * @property {void} roleChanged Never emitted, like the following: for code written for ACS.
 * @property {void} mutedByOthers
 * @property {void} callerInfoChanged
 * @property {void} transferorInfoChanged
 */

/** @type {readonly (keyof CallEvents)[]} */
export const EVENTS = [
  'stateChanged',
  'idChanged',
  'isMutedChanged',
  'isIncomingAudioMutedChanged',
  'isScreenSharingOnChanged',
  'isLocalVideoStartedChanged',
  'remoteParticipantsUpdated',
  'localVideoStreamsUpdated',
  'localAudioStreamsUpdated',
  'remoteAudioStreamsUpdated',
  'connectionChanged',
  'mediaError',
  'trouble',
  'roleChanged',
  'mutedByOthers',
  'callerInfoChanged',
  'transferorInfoChanged',
];
