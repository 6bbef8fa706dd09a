// Bridges an Agora channel and one of our calls: the public entry. docs/bridges.md describes it.

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
 * @property {(user: AgoraRemoteUser) => string} [user] The user's name in our call; by default
 *   `agora-` and the uid.
 * @property {(user: AgoraRemoteUser) => string | undefined} [displayName] By default the uid.
 * @property {(uid: AgoraUid) => AgoraUid | undefined} [screenOf] Returns whose screen this user is,
 *   if any: Agora's applications share screens as separate users.
 * @property {AgoraClient} [screenClient] A second client in the channel for our screen share, since
 *   a client publishes only one video track.
 */

/**
 * Bridges the channel and the call until either ends or the bridge is stopped.
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
    throw new Error('The client is not in a channel. Join one first: await client.join(…).');
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
      outgoingChanged: () => sending?.update(),
      stop: async () => {
        listening.abort();
        receiving?.stop();
        await sending?.stop();
      },
    };
  });
}
