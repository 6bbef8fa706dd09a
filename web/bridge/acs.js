// Bridges a call of Azure Communication Services and one of ours: the public entry.
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
 * @property {(participant: AcsRemoteParticipant) => string} [user] The participant's user name in
 *   our call; by default its raw id, such as `8:acs:…`.
 * @property {(participant: AcsRemoteParticipant) => string | undefined} [displayName] By default
 *   the participant's own.
 */

/**
 * Bridges the two calls until either ends or the bridge is stopped.
 * @param {AcsCall} acsCall Started with `audioOptions: silentAudio(sdk)`, so that no microphone
 *   opens before the bridge sends its own sound.
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
  if (acsCall?.state === 'Disconnected') throw new Error('The ACS call has ended. Start another.');
  return new Bridge(ourCall, options, (bridge, outgoing) => {
    const listening = new AbortController();
    const trouble = (/** @type {Error} */ error) => bridge.trouble(error);
    const sending = outgoing && new AcsSending(acsCall, sdk, outgoing, trouble);
    const checkEnd = () => {
      if (acsCall.state === 'Disconnected') bridge.end(endOf(acsCall));
    };
    listen(acsCall, 'stateChanged', checkEnd, listening.signal);
    /** @type {AcsReceiving | null} */
    let receiving = null;
    return {
      begin: () => {
        receiving = new AcsReceiving(acsCall, bridge, { user, displayName });
        checkEnd();
      },
      outgoingChanged: () => sending?.update(),
      stop: async () => {
        listening.abort();
        receiving?.stop();
        await sending?.stop();
      },
    };
  });
}

/**
 * Returns audio options for an ACS call that keep its SDK from opening a microphone: muted, with a
 * stream that stays silent until the bridge replaces it.
 * @param {AcsSdk} sdk
 * @returns {{muted: true, localAudioStreams: any[]}} Options for `audioOptions`.
 */
export function silentAudio(sdk) {
  // Exists in Chromium only, hence not in TypeScript's types.
  const { MediaStreamTrackGenerator } = /** @type {any} */ (globalThis);
  const media = new MediaStream([new MediaStreamTrackGenerator({ kind: 'audio' })]);
  const stream = new sdk.LocalAudioStream(media, { autoDisposeOnCallEnd: false });
  return { muted: true, localAudioStreams: [stream] };
}

/**
 * Returns the same as getIdentifierRawId() of @azure/communication-common.
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
  if (!callEndReason) return 'The ACS call has ended.';
  const { code, subCode = 0, message } = callEndReason;
  return `The ACS call has ended (${code}/${subCode})${message ? `: ${message}` : '.'}`;
}
