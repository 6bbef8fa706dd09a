// The entry point.

import { CallAgent } from './call-agent.js';
import { deviceManager } from './device-manager.js';
import { CallingError } from './errors.js';
import { featuresOf } from './features.js';
import { Proxyable, proxyable } from './proxies.js';

/** The protocols of server addresses. */
const PROTOCOLS = ['ws:', 'wss:', 'http:', 'https:'];

/** @import { FeatureFactory } from './features.js' */
/** @import { DeviceManager } from './device-manager.js' */

/**
 * The user, and the server.
 * @typedef {object} Credential
 * @property {string} user
 * @property {string | null} [token] Proves the user's identity to servers that require it.
 * @property {string | null} [server] The server's address, ws(s):// or http(s)://; by default the origin
 *   of the page.
 */

export class CallClient extends Proxyable {
  #features = featuresOf();
  /** @type {Set<CallAgent>} */
  #agents = new Set();
  #isDisposed = false;

  static {
    proxyable(this);
  }

  /**
   * Fulfilled as soon as the user can be called.
   * @param {Credential} credential
   * @param {{displayName?: string} | null} [options]
   * @returns {Promise<CallAgent>}
   */
  async createCallAgent(credential, options) {
    if (this.#isDisposed) throw new CallingError(400, 'The client was disposed. Create a new one.');
    const { user, token, server } = Object(credential);
    if (typeof user !== 'string' || !user) {
      throw new CallingError(400, 'Name the user: createCallAgent({user: name, token?, server?}).');
    }
    const agent = new CallAgent({
      user,
      token: token ?? undefined,
      displayName: options?.displayName ?? undefined,
      url: addressOf(server),
    });
    this.#agents.add(agent);
    try {
      await agent.listen();
    } catch (error) {
      this.#agents.delete(agent);
      agent.dispose();
      throw error;
    }
    return agent;
  }

  /** @returns {Promise<DeviceManager>} */
  async getDeviceManager() {
    return deviceManager();
  }

  /**
   * Returns one of the `Features` of the calling SDK, all of which are unsupported here.
   * @param {FeatureFactory} factory
   */
  feature(factory) {
    return this.#features(factory);
  }

  /** Disposes of the agents that this client has created. */
  async dispose() {
    this.#isDisposed = true;
    await Promise.all([...this.#agents].map((agent) => agent.dispose()));
    this.#agents.clear();
  }
}

/**
 * Returns the address of the server's WebSocket.
 * @param {string | null} [server]
 */
function addressOf(server) {
  let url;
  try {
    url = new URL(server ?? location.origin);
  } catch (cause) {
    throw new CallingError(400, `This is not a server address: ${server}.`, { cause });
  }
  if (!PROTOCOLS.includes(url.protocol)) {
    const message = `A server address begins with ws, wss, http or https; this one is ${url.href}.`;
    throw new CallingError(400, message);
  }
  url.protocol = url.protocol.replace('http', 'ws');
  if (url.pathname === '/') url.pathname = '/ws';
  return url.href;
}
