// From our call into an Agora channel: publishes what is available and unpublishes the rest.

import { listen } from '../common/listen.js';
import { Reconciler } from '../common/reconciler.js';

/** @import { Outgoing } from '../common/outgoing.js' */
/** @import { Step } from '../common/reconciler.js' */
/** @import { Kind } from '../../acscall/wire/leg.js' */
/** @import { AgoraClient, AgoraLocalTrack, AgoraSdk } from './types.js' */

const NO_SCREEN_CLIENT =
  'An Agora client publishes only one video track. To share the screen, give the bridge a ' +
  'screenClient, a second client that has joined the channel.';

export class AgoraSending {
  #sdk;
  #outgoing;
  #trouble;
  #listening = new AbortController();
  /** The reconcilers, one for each client. @type {Reconciler[]} */
  #steps;
  #hasScreenClient;
  #isScreenReported = false;
  /** @type {Record<Kind, AgoraLocalTrack | null>} */
  #tracks = { audio: null, video: null, screen: null };

  /**
   * @param {{client: AgoraClient, screenClient?: AgoraClient}} clients
   * @param {AgoraSdk} sdk
   * @param {Outgoing} outgoing
   * @param {(error: Error) => void} trouble
   */
  constructor({ client, screenClient }, sdk, outgoing, trouble) {
    this.#sdk = sdk;
    this.#outgoing = outgoing;
    this.#trouble = trouble;
    this.#hasScreenClient = Boolean(screenClient);
    const rejected = (/** @type {string} */ name, /** @type {any} */ error) => {
      const why = error?.message ?? error;
      const message = `Agora rejected ${name}; retrying: ${why}`;
      trouble(new Error(message, { cause: error }));
    };
    const audio = () => this.#next(client, 'audio');
    const video = () => this.#next(client, 'video');
    this.#steps = [new Reconciler([audio, video], rejected)];
    const { signal } = this.#listening;
    listen(client, 'connection-state-change', () => this.update(), signal);
    if (screenClient) {
      const screen = () => this.#next(screenClient, 'screen');
      this.#steps.push(new Reconciler([screen], rejected));
      listen(screenClient, 'connection-state-change', () => this.update(), signal);
    }
    this.update();
  }

  /** Called when the wanted or the actual state may have changed. */
  update() {
    for (const steps of this.#steps) steps.update();
    if (this.#hasScreenClient || this.#isScreenReported || !this.#outgoing.isOn('screen')) return;
    this.#isScreenReported = true;
    this.#trouble(new Error(NO_SCREEN_CLIENT));
  }

  /** Unpublishes everything. */
  async stop() {
    await Promise.all(this.#steps.map((steps) => steps.finish()));
    this.#listening.abort();
    for (const track of Object.values(this.#tracks)) track?.close();
    this.#outgoing.close();
  }

  /**
   * @param {AgoraClient} client
   * @param {Kind} kind
   * @returns {Step | null}
   */
  #next(client, kind) {
    if (client.connectionState !== 'CONNECTED') return null;
    const track = this.#tracks[kind];
    const isOn = track !== null && client.localTracks.includes(track);
    if (isOn === this.#outgoing.isOn(kind)) return null;
    if (isOn) return { name: `to unpublish ${kind}`, run: () => client.unpublish(track) };
    return { name: `to publish ${kind}`, run: () => client.publish(this.#track(kind)) };
  }

  /** @param {Kind} kind */
  #track(kind) {
    this.#tracks[kind] ??= this.#make(kind);
    return this.#tracks[kind];
  }

  /** @param {Kind} kind */
  #make(kind) {
    const [mediaStreamTrack] = this.#outgoing.feeds[kind].copies.create().getTracks();
    if (kind === 'audio') return this.#sdk.createCustomAudioTrack({ mediaStreamTrack });
    const optimizationMode = kind === 'screen' ? 'detail' : 'motion';
    return this.#sdk.createCustomVideoTrack({ mediaStreamTrack, optimizationMode });
  }
}
