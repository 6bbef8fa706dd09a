// Where everything begins.

import { CallAgent } from './call-agent.js';
import { deviceManager } from './device-manager.js';
import { CallingError } from './errors.js';

/** @import { DeviceManager } from './device-manager.js' */

/**
 * Who one is, and where.
 * @typedef {object} Credential
 * @property {string} user
 * @property {string} [token] The proof of it that some servers ask for.
 * @property {string} [server] The server's address, ws(s):// or http(s)://; by default where the
 *   page is from.
 */

export class CallClient {
  /**
   * Fulfilled when the user can be called.
   * @param {Credential} credential
   * @param {{displayName?: string}} [options]
   * @returns {Promise<CallAgent>}
   */
  async createCallAgent(credential, { displayName } = {}) {
    const { user, token, server } = Object(credential);
    if (typeof user !== 'string' || !user) {
      throw new CallingError(400, 'Say who calls: createCallAgent({user: name, token?, server?}).');
    }
    const agent = new CallAgent({ user, token, displayName, url: addressOf(server) });
    try {
      await agent.listen();
    } catch (error) {
      agent.dispose();
      throw error;
    }
    return agent;
  }

  /** @returns {Promise<DeviceManager>} */
  async getDeviceManager() {
    return deviceManager();
  }
}

/**
 * The server's WebSocket.
 * @param {string} [server]
 */
function addressOf(server = location.origin) {
  let url;
  try {
    url = new URL(server);
  } catch (cause) {
    throw new CallingError(400, `This is no server's address: ${server}.`, { cause });
  }
  url.protocol = url.protocol.replace('http', 'ws');
  if (url.pathname === '/') url.pathname = '/ws';
  return url.href;
}
