// The entry point.

import { CallAgent } from './call-agent.js';
import { parseCredential } from './credential.js';
import { deviceManager } from './device-manager.js';
import { CallingError } from './errors.js';
import { featuresOf } from './features.js';
import { Proxyable, proxyable } from './proxies.js';

/** @import { Credential, TokenCredential } from './credential.js' */
/** @import { FeatureFactory } from './features.js' */
/** @import { DeviceManager } from './device-manager.js' */

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
   * @param {Credential | TokenCredential} credential
   * @param {{displayName?: string} | null} [options]
   * @returns {Promise<CallAgent>}
   */
  async createCallAgent(credential, options) {
    if (this.#isDisposed) throw new CallingError(400, 'The client was disposed. Create a new one.');
    const identity = await parseCredential(credential);
    const agent = new CallAgent({ ...identity, displayName: options?.displayName ?? undefined });
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
