// A call of Azure Communication Services and one of ours, as if they were one: the public entry.
// docs/bridges.md describes it.

import { AcsReceiving } from './acs/receiving.js';
import { AcsSending } from './acs/sending.js';
import { Bridge } from './common/bridge.js';
import { listen } from './common/listen.js';

/** @import { Call } from '../acscall/call.js' */
/** @import { BridgeOptions } from './common/bridge.js' */

/** @typedef {import('./acs/types.js').AcsCall} AcsCall */
/** @typedef {import('./acs/types.js').AcsRemoteParticipant} AcsRemoteParticipant */
/** @typedef {import('./acs/types.js').AcsSdk} AcsSdk */

/**
 * @typedef {object} AcsOptions
 * @property {AcsSdk} sdk The calling SDK's module.
 * @property {(participant: AcsRemoteParticipant) => string} [user] What a participant is called in
 *   our call; by default its raw id, such as `8:acs:…`.
 * @property {(participant: AcsRemoteParticipant) => string | undefined} [displayName] By default
 *   its own.
 */

/**
 * Bridges them until either call is over, or it is stopped.
 * @param {AcsCall} acsCall Begun with `audioOptions: silentAudio(sdk)`, so that no microphone is
 *   opened before the bridge sends its own sound.
 * @param {Call} ourCall
 * @param {BridgeOptions & AcsOptions} options
 */
export function bridgeAcs(acsCall, ourCall, options) {
  const { sdk, user = rawId } = options ?? {};
  const displayName = options?.displayName ?? ((participant) => participant.displayName);
  if (!sdk?.LocalAudioStream || !sdk.LocalVideoStream) {
    throw new Error(
      "The option sdk is missing: import * as sdk from '@azure/communication-calling', pass {sdk}.",
    );
  }
  if (acsCall?.state === 'Disconnected') throw new Error('The ACS call is over. Begin another.');
  return new Bridge(ourCall, options, (bridge, outgoing) => {
    const listening = new AbortController();
    const trouble = (/** @type {Error} */ error) => bridge.trouble(error);
    const sending = outgoing && new AcsSending(acsCall, sdk, outgoing, trouble);
    const look = () => {
      if (acsCall.state === 'Disconnected') bridge.end(endOf(acsCall));
    };
    listen(acsCall, 'stateChanged', look, listening.signal);
    /** @type {AcsReceiving | null} */
    let receiving = null;
    return {
      begin: () => {
        receiving = new AcsReceiving(acsCall, bridge, { user, displayName });
        look();
      },
      look: () => sending?.look(),
      stop: async () => {
        listening.abort();
        receiving?.stop();
        await sending?.stop();
      },
    };
  });
}

/**
 * What an ACS call has to begin with so that its SDK opens no microphone: muted, and with a sound
 * of which nothing ever comes, until the bridge gives its own.
 * @param {AcsSdk} sdk
 * @returns {{muted: true, localAudioStreams: any[]}} for `audioOptions`
 */
export function silentAudio(sdk) {
  // Not among TypeScript's types: Chromium's alone.
  const { MediaStreamTrackGenerator } = /** @type {any} */ (globalThis);
  const media = new MediaStream([new MediaStreamTrackGenerator({ kind: 'audio' })]);
  const stream = new sdk.LocalAudioStream(media, { autoDisposeOnCallEnd: false });
  return { muted: true, localAudioStreams: [stream] };
}

/**
 * As @azure/communication-common's getIdentifierRawId().
 * @param {AcsRemoteParticipant} participant
 */
function rawId({ identifier }) {
  /** @type {Record<string, string | undefined>} */
  const { rawId, communicationUserId, microsoftTeamsUserId, phoneNumber, teamsAppId, id } =
    Object(identifier);
  if (rawId) return rawId;
  if (communicationUserId) return communicationUserId;
  if (microsoftTeamsUserId) return `8:orgid:${microsoftTeamsUserId}`;
  if (phoneNumber) return `4:${phoneNumber}`;
  return teamsAppId ? `28:orgid:${teamsAppId}` : (id ?? '');
}

/** @param {AcsCall} acsCall */
function endOf({ callEndReason }) {
  if (!callEndReason) return 'The ACS call is over.';
  const { code, subCode = 0, message } = callEndReason;
  return `The ACS call is over (${code}/${subCode})${message ? `: ${message}` : '.'}`;
}
