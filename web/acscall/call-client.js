// The entry point.

import { CallAgent } from './call-agent.js';
import { deviceManager } from './device-manager.js';
import { CallingError } from './errors.js';

/** @import { DeviceManager } from './device-manager.js' */

/**
 * The user, and the server.
 * @typedef {object} Credential
 * @property {string} user
 * @property {string} [token] Proves the user's identity to servers that require it.
 * @property {string} [server] The server's address, ws(s):// or http(s)://; by default the origin
 *   of the page.
 */

export class CallClient {
  /**
   * Fulfilled as soon as the user can be called.
   * @param {Credential} credential
   * @param {{displayName?: string}} [options]
   * @returns {Promise<CallAgent>}
   */
  async createCallAgent(credential, { displayName } = {}) {
    const { user, token, server } = Object(credential);
    if (typeof user !== 'string' || !user) {
      throw new CallingError(400, 'Name the user: createCallAgent({user: name, token?, server?}).');
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
 * Returns the address of the server's WebSocket.
 * @param {string} [server]
 */
function addressOf(server = location.origin) {
  let url;
  try {
    url = new URL(server);
  } catch (cause) {
    throw new CallingError(400, `This is not a server address: ${server}.`, { cause });
  }
  url.protocol = url.protocol.replace('http', 'ws');
  if (url.pathname === '/') url.pathname = '/ws';
  return url.href;
}
