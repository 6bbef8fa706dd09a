// The page of `acscall bridge acs`.

import { bridgeAcs, silentAudio } from '../acs.js';
import { load, takeOrders } from './orders.js';

/** @import { AcsCall } from '../acs/types.js' */
/** @import { Orders } from './orders.js' */

/**
 * @typedef {object} AcsOrders
 * @property {string} token
 * @property {string} displayName
 * @property {string | null} group One of these three says which call it is.
 * @property {string | null} meetingLink
 * @property {string[]} callees
 */

takeOrders(async (/** @type {Orders & AcsOrders} */ orders, onState) => {
  const sdk = await load('@azure/communication-calling');
  const common = await load('@azure/communication-common');
  try {
    const call = await join(sdk, common, orders);
    call.on('stateChanged', () => onState(call.state));
    return {
      bridge: (ourCall, options) => bridgeAcs(call, ourCall, { ...options, sdk }),
      failed: () => (call.state === 'Disconnected' ? call.callEndReason?.code !== 0 : null),
      hangUp: () => call.hangUp(),
    };
  } catch (/** @type {any} */ error) {
    const { code = '', subCode = '' } = error ?? {};
    const codes = [code, subCode].filter((one) => one !== '').join('/');
    const what = codes ? `ACS refuses (${codes})` : 'ACS refuses';
    throw new Error(`${what}: ${error?.message ?? error}`, { cause: error });
  }
});

/**
 * @param {any} sdk
 * @param {any} common
 * @param {AcsOrders} orders
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
