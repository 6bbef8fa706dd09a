// From our call into an Agora channel: what is there is published, what is not is unpublished.

import { listen } from '../common/listen.js';
import { Reconciler } from '../common/reconciler.js';

/** @import { Outgoing } from '../common/outgoing.js' */
/** @import { Step } from '../common/reconciler.js' */
/** @import { Kind } from '../../acscall/wire/leg.js' */
/** @import { AgoraClient, AgoraLocalTrack, AgoraSdk } from './types.js' */

const NO_SCREEN_CLIENT =
  'An Agora client publishes one video track: give the bridge a screenClient, a second client ' +
  'that has joined the channel, and it shares the screen.';

export class AgoraSending {
  #sdk;
  #outgoing;
  #trouble;
  #listening = new AbortController();
  /** Of each client. @type {Reconciler[]} */
  #steps;
  #hasScreenClient;
  #isScreenMissed = false;
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
    const refused = (/** @type {string} */ name, /** @type {any} */ error) => {
      const why = error?.message ?? error;
      const message = `Agora refuses ${name}, which is tried again: ${why}`;
      trouble(new Error(message, { cause: error }));
    };
    const audio = () => this.#next(client, 'audio');
    const video = () => this.#next(client, 'video');
    this.#steps = [new Reconciler([audio, video], refused)];
    const { signal } = this.#listening;
    listen(client, 'connection-state-change', () => this.look(), signal);
    if (screenClient) {
      const screen = () => this.#next(screenClient, 'screen');
      this.#steps.push(new Reconciler([screen], refused));
      listen(screenClient, 'connection-state-change', () => this.look(), signal);
    }
    this.look();
  }

  /** What is wanted or what is may have changed. */
  look() {
    for (const steps of this.#steps) steps.look();
    if (this.#hasScreenClient || this.#isScreenMissed || !this.#outgoing.isOn('screen')) return;
    this.#isScreenMissed = true;
    this.#trouble(new Error(NO_SCREEN_CLIENT));
  }

  /** Publishes nothing more. */
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
    const [mediaStreamTrack] = this.#outgoing.feeds[kind].copies.give().getTracks();
    if (kind === 'audio') return this.#sdk.createCustomAudioTrack({ mediaStreamTrack });
    const optimizationMode = kind === 'screen' ? 'detail' : 'motion';
    return this.#sdk.createCustomVideoTrack({ mediaStreamTrack, optimizationMode });
  }
}
