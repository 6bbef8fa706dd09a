// The page of `acscall bridge agora`.

import { bridgeAgora } from '../agora.js';
import { handleCommands, load } from './commands.js';

/** @import { Options } from './commands.js' */

/**
 * @typedef {object} AgoraOptions
 * @property {string} appId
 * @property {string} channel
 * @property {number | null} uid
 * @property {string | null} token
 * @property {number | null} screenUid The uid of the second client, which sends the screen share.
 * @property {string | null} screenToken
 */

handleCommands(async (/** @type {Options & AgoraOptions} */ agoraOptions, onState) => {
  const module = await load('agora-rtc-sdk-ng');
  // The package's main file is a script that defines a global.
  const sdk = module.default ?? /** @type {any} */ (globalThis).AgoraRTC;
  const { appId, channel, uid, token, screenUid, screenToken } = agoraOptions;
  const make = () => sdk.createClient({ mode: 'rtc', codec: 'vp8' });
  const client = make();
  const screenClient = screenUid === null ? undefined : make();
  client.on('connection-state-change', (/** @type {string} */ state) => {
    // The spelling of ACS states.
    onState(state.charAt(0) + state.slice(1).toLowerCase());
  });
  try {
    await client.join(appId, channel, token, uid);
    await screenClient?.join(appId, channel, screenToken, screenUid);
  } catch (/** @type {any} */ error) {
    throw new Error(`Agora rejected the client: ${error?.message ?? error}`, { cause: error });
  }
  return {
    bridge: (ourCall, options) => bridgeAgora(client, ourCall, { ...options, sdk, screenClient }),
    // A channel never ends regularly.
    failed: () => (client.connectionState === 'DISCONNECTED' ? true : null),
    hangUp: async () => {
      await Promise.all([client.leave(), screenClient?.leave()]);
    },
  };
});
