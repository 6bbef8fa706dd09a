// An Agora channel and one of our calls, as if they were one: the public entry. docs/bridges.md
// describes it.

import { AgoraReceiving } from './agora/receiving.js';
import { AgoraSending } from './agora/sending.js';
import { Bridge } from './common/bridge.js';
import { listen } from './common/listen.js';

/** @import { Call } from '../acscall/call.js' */
/** @import { BridgeOptions } from './common/bridge.js' */

/** @typedef {import('./agora/types.js').AgoraClient} AgoraClient */
/** @typedef {import('./agora/types.js').AgoraRemoteUser} AgoraRemoteUser */
/** @typedef {import('./agora/types.js').AgoraSdk} AgoraSdk */
/** @typedef {import('./agora/types.js').AgoraUid} AgoraUid */

/**
 * @typedef {object} AgoraOptions
 * @property {AgoraSdk} sdk The AgoraRTC object.
 * @property {(user: AgoraRemoteUser) => string} [user] What a user is called in our call; by
 *   default `agora-` and the uid.
 * @property {(user: AgoraRemoteUser) => string | undefined} [displayName] By default the uid.
 * @property {(uid: AgoraUid) => AgoraUid | undefined} [screenOf] Whose screen that user is:
 *   Agora's applications share screens as users of their own.
 * @property {AgoraClient} [screenClient] A second client, joined, for our screen share: a client
 *   publishes one video track.
 */

/**
 * Bridges them until either is over, or it is stopped.
 * @param {AgoraClient} client Has joined the channel.
 * @param {Call} ourCall
 * @param {BridgeOptions & AgoraOptions} options
 */
export function bridgeAgora(client, ourCall, options) {
  const { sdk, screenClient, screenOf = () => undefined } = options ?? {};
  const user = options?.user ?? (({ uid }) => `agora-${uid}`);
  const displayName = options?.displayName ?? (({ uid }) => String(uid));
  if (!sdk?.createCustomAudioTrack || !sdk.createCustomVideoTrack) {
    throw new Error("The option sdk is missing: import AgoraRTC from 'agora-rtc-sdk-ng', pass it.");
  }
  if (client?.connectionState === 'DISCONNECTED') {
    throw new Error('The client is in no channel. Join one first: await client.join(…).');
  }
  return new Bridge(ourCall, options, (bridge, outgoing) => {
    const listening = new AbortController();
    const trouble = (/** @type {Error} */ error) => bridge.trouble(error);
    const clients = { client, screenClient };
    const sending = outgoing && new AgoraSending(clients, sdk, outgoing, trouble);
    const names = { user, displayName, screenOf };
    /** @type {AgoraReceiving | null} */
    let receiving = null;
    const changed = (/** @type {string} */ state, /** @type {string} */ _, why = '') => {
      if (state === 'DISCONNECTED') bridge.end(`The Agora client has left the channel: ${why}.`);
    };
    listen(client, 'connection-state-change', changed, listening.signal);
    return {
      begin: () => {
        const isOwn = (/** @type {AgoraUid} */ uid) => uid === screenClient?.uid;
        receiving = new AgoraReceiving(client, bridge, names, isOwn);
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
