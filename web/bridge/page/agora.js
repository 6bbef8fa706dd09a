// The page of `acscall bridge agora`.

import { bridgeAgora } from '../agora.js';
import { load, takeOrders } from './orders.js';

/** @import { Orders } from './orders.js' */

/**
 * @typedef {object} AgoraOrders
 * @property {string} appId
 * @property {string} channel
 * @property {number | null} uid
 * @property {string | null} token
 * @property {number | null} screenUid The second client's, which sends the screen share.
 * @property {string | null} screenToken
 */

takeOrders(async (/** @type {Orders & AgoraOrders} */ orders, onState) => {
  const module = await load('agora-rtc-sdk-ng');
  // The package's main file is a script, which leaves its object among the globals.
  const sdk = module.default ?? /** @type {any} */ (globalThis).AgoraRTC;
  const { appId, channel, uid, token, screenUid, screenToken } = orders;
  const make = () => sdk.createClient({ mode: 'rtc', codec: 'vp8' });
  const client = make();
  const screenClient = screenUid === null ? undefined : make();
  client.on('connection-state-change', (/** @type {string} */ state) => {
    // As ACS has it.
    onState(state.charAt(0) + state.slice(1).toLowerCase());
  });
  try {
    await client.join(appId, channel, token, uid);
    await screenClient?.join(appId, channel, screenToken, screenUid);
  } catch (/** @type {any} */ error) {
    throw new Error(`Agora refuses: ${error?.message ?? error}`, { cause: error });
  }
  return {
    bridge: (ourCall, options) => bridgeAgora(client, ourCall, { ...options, sdk, screenClient }),
    // A channel never ends by itself.
    failed: () => (client.connectionState === 'DISCONNECTED' ? true : null),
    hangUp: async () => {
      await Promise.all([client.leave(), screenClient?.leave()]);
    },
  };
});
