// The page of `acscall bridge acs`.

import { bridgeAcs, silentAudio } from '../acs.js';
import { handleCommands, load } from './commands.js';

/** @import { AcsCall } from '../acs/types.js' */
/** @import { Options } from './commands.js' */

/**
 * @typedef {object} AcsOptions
 * @property {string} token
 * @property {string} displayName
 * @property {string | null} group One of `group`, `meetingLink` and `callees` selects the call.
 * @property {string | null} meetingLink
 * @property {string[]} callees
 */

handleCommands(async (/** @type {Options & AcsOptions} */ acsOptions, onState) => {
  const sdk = await load('@azure/communication-calling');
  const common = await load('@azure/communication-common');
  try {
    const call = await join(sdk, common, acsOptions);
    call.on('stateChanged', () => onState(call.state));
    return {
      bridge: (ourCall, options) => bridgeAcs(call, ourCall, { ...options, sdk }),
      failed: () => (call.state === 'Disconnected' ? call.callEndReason?.code !== 0 : null),
      hangUp: () => call.hangUp(),
    };
  } catch (/** @type {any} */ error) {
    const { code = '', subCode = '' } = error ?? {};
    const codes = [code, subCode].filter((one) => one !== '').join('/');
    const what = codes ? `ACS rejected the call (${codes})` : 'ACS rejected the call';
    throw new Error(`${what}: ${error?.message ?? error}`, { cause: error });
  }
});

/**
 * @param {any} sdk
 * @param {any} common
 * @param {AcsOptions} options
 * @returns {Promise<AcsCall & {hangUp: () => Promise<void>}>}
 */
async function join(sdk, common, { token, displayName, group, meetingLink, callees }) {
  const credential = new common.AzureCommunicationTokenCredential(token);
  const agent = await new sdk.CallClient().createCallAgent(credential, { displayName });
  const options = { audioOptions: silentAudio(sdk) };
  if (group) return agent.join({ groupId: group }, options);
  if (meetingLink) return agent.join({ meetingLink }, options);
  return agent.startCall(callees.map(common.createIdentifierFromRawId), options);
}
