// The common part of all bridges: guests in our call for the participants of the other one, and the
// media that leaves our call. A `Side` adds what is specific to the other call's SDK.

import { Emitter, emit } from '../../acscall/emitter.js';
import { Guest } from './guest.js';
import { listen } from './listen.js';
import { guestStats } from './measure.js';
import { Outgoing } from './outgoing.js';

/** @import { Call } from '../../acscall/call.js' */
/** @import { Updated } from '../../acscall/emitter.js' */
/** @import { GuestOptions } from './guest.js' */
/** @import { StreamStats } from './measure.js' */

/**
 * The options of all bridges.
 * @typedef {object} BridgeOptions
 * @property {string} [from] The user of our call whose audio, camera and screen enter the other
 *   call; without it nothing does.
 * @property {string} [server] Our server, for the guests; by default the origin of the page.
 * @property {GuestOptions['token']} [token] Returns a guest's token, for servers that require it.

/**
 * The part of a bridge that handles the other call.
 * @typedef {object} Side
 * @property {() => void} begin Called when our call is connected: guests can join.
 * @property {() => void} outgoingChanged Called when the media to send may have changed.
 * @property {() => Promise<void>} stop Stops sending. The bridge dismisses the guests.
 */

/** How long stopping waits for the other call, in milliseconds, since that may hang. */
const STOP_TIMEOUT = 5_000;

/**
 * @extends {Emitter<{stateChanged: void, guestsUpdated: Updated<Guest>, trouble: {error: Error}}>}
 */
export class Bridge extends Emitter {
  /** @type {'Bridging' | 'Stopped'} */
  #state = 'Bridging';
  #stopReason = '';
  /** @type {readonly Guest[]} */
  #guests = Object.freeze([]);
  #call;
  #options;
  #side;
  #outgoing;
  #listening = new AbortController();
  #hasBegun = false;
  /** @type {Promise<void> | null} */
  #stopping = null;

  /**
   * @internal
   * @param {Call} call Our call.
   * @param {BridgeOptions} options
   * @param {(bridge: Bridge, outgoing: Outgoing | null) => Side} makeSide
   */
  constructor(call, options, makeSide) {
    super();
    check(call);
    this.#call = call;
    this.#options = options;
    const { from } = options;
    // Deferred, so that a listener added right after this call hears of everything.
    const trouble = (/** @type {Error} */ error) => queueMicrotask(() => this.trouble(error));
    const changed = () => this.#side?.outgoingChanged();
    this.#outgoing = from ? new Outgoing(call, from, { changed, trouble }) : null;
    /** @type {Side | undefined} */
    this.#side = makeSide(this, this.#outgoing);
    listen(call, 'stateChanged', () => this.#update(), this.#listening.signal);
    queueMicrotask(() => this.#update());
  }

  get state() {
    return this.#state;
  }

  /** Why the bridge stopped, for people; empty while it runs. */
  get stopReason() {
    return this.#stopReason;
  }

  /** The guests in our call: `{user, displayName, call}`. */
  get guests() {
    return this.#guests;
  }

  /**
   * Returns statistics for the bridged streams, an object for each.
   * @returns {Promise<StreamStats[]>}
   */
  async getStats() {
    const coming = await Promise.all(this.#guests.map(guestStats));
    return [...coming.flat(), ...(this.#outgoing?.stats ?? [])];
  }

  /** Stops the bridge. Both calls continue. */
  async stop() {
    await this.end('The bridge was stopped.');
  }

  // ---- For the sides

  /**
   * @internal
   * @param {string} user
   * @param {string} [displayName]
   */
  invite(user, displayName) {
    const { server, token } = this.#options;
    const trouble = (/** @type {Error} */ error) => this.trouble(error);
    const guest = new Guest({ groupId: this.#call.id, server, token, trouble }, user, displayName);
    this.#setGuests([...this.#guests, guest]);
    return guest;
  }

  /**
   * @internal
   * @param {Guest} guest
   */
  dismiss(guest) {
    guest.leave();
    this.#setGuests(this.#guests.filter((one) => one !== guest));
  }

  /**
   * Reports an error that the bridge survives.
   * @internal
   * @param {Error} error
   */
  trouble(error) {
    if (this.#state === 'Bridging') emit(this, 'trouble', { error });
  }

  /**
   * Ends the bridge.
   * @internal
   * @param {string} reason For people.
   */
  end(reason) {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  // ---- Internals

  #update() {
    const { state, callEndReason } = this.#call;
    if (state === 'Disconnected') {
      this.end(`Our call has ended${callEndReason?.message ? `: ${callEndReason.message}` : '.'}`);
    } else if (state === 'Connected' && !this.#hasBegun && !this.#stopping) {
      this.#hasBegun = true;
      this.#side?.begin();
    }
  }

  /** @param {string} reason */
  async #stop(reason) {
    this.#listening.abort();
    this.#outgoing?.stop();
    const guests = this.#guests;
    const done = Promise.all([this.#side?.stop(), ...guests.map((guest) => guest.leave())]);
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, STOP_TIMEOUT))]);
    this.#setGuests([]);
    this.#stopReason = reason;
    this.#state = 'Stopped';
    emit(this, 'stateChanged');
  }

  /** @param {Guest[]} guests */
  #setGuests(guests) {
    const before = this.#guests;
    this.#guests = Object.freeze(guests);
    const added = guests.filter((guest) => !before.includes(guest));
    const removed = before.filter((guest) => !guests.includes(guest));
    if (added.length || removed.length) emit(this, 'guestsUpdated', { added, removed });
  }
}

/** @param {Call} call */
function check(call) {
  if (typeof (/** @type {any} */ (globalThis).MediaStreamTrackGenerator) !== 'function') {
    throw new Error('This browser has no MediaStreamTrackGenerator. Bridges run in Chromium.');
  }
  if (!Array.isArray(call?.remoteParticipants)) {
    throw new Error('The second argument must be a call of acscall.js.');
  }
  if (call.state === 'Disconnected') throw new Error('Our call has ended. Join it again.');
  // Before it starts, only a call placed by us has other participants.
  const isPlaced = call.state === 'None' && call.remoteParticipants.length > 0;
  if (isPlaced || call.direction === 'Incoming') {
    throw new Error('Guests can only join a named call: agent.join({groupId: name}).');
  }
}
