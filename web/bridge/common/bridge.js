// What is between two calls: guests in ours for the participants of the other one, and what goes
// out of ours. Whatever is special to the other call's SDK is its `Side`.

import { Emitter, emit } from '../../acscall/emitter.js';
import { Guest } from './guest.js';
import { listen } from './listen.js';
import { guestStats } from './measure.js';
import { Outgoing } from './outgoing.js';

/** @import { Call } from '../../acscall/call.js' */
/** @import { Updated } from '../../acscall/emitter.js' */
/** @import { House } from './guest.js' */
/** @import { StreamStats } from './measure.js' */

/**
 * What both bridges are told.
 * @typedef {object} BridgeOptions
 * @property {string} [from] The user of our call whose sound, camera and screen go into the other
 *   call; without it nothing does.
 * @property {string} [server] Ours, for the guests; by default where the page is from.
 * @property {House['token']} [token] What lets a guest of that name in, where the server asks.
 */

/**
 * What brings the other call and the bridge together.
 * @typedef {object} Side
 * @property {() => void} begin Our call is there: guests can come.
 * @property {() => void} look What is to go out has changed.
 * @property {() => Promise<void>} stop Sends nothing more. The guests are the bridge's.
 */

/** Stopping waits this long for the other call, in milliseconds: it may have died. */
const PATIENCE = 5_000;

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
   * @param {Call} call Ours.
   * @param {BridgeOptions} options
   * @param {(bridge: Bridge, outgoing: Outgoing | null) => Side} makeSide
   */
  constructor(call, options, makeSide) {
    super();
    check(call);
    this.#call = call;
    this.#options = options;
    const { from } = options;
    // Not at once, so that whoever listens from now on hears of everything.
    const trouble = (/** @type {Error} */ error) => queueMicrotask(() => this.trouble(error));
    const changed = () => this.#side?.look();
    this.#outgoing = from ? new Outgoing(call, from, { changed, trouble }) : null;
    /** @type {Side | undefined} */
    this.#side = makeSide(this, this.#outgoing);
    listen(call, 'stateChanged', () => this.#look(), this.#listening.signal);
    queueMicrotask(() => this.#look());
  }

  get state() {
    return this.#state;
  }

  /** Why it is stopped, for people; empty before. */
  get stopReason() {
    return this.#stopReason;
  }

  /** Those of the other call in ours: `{user, displayName, call}`. */
  get guests() {
    return this.#guests;
  }

  /**
   * What goes through it now, an object for each stream.
   * @returns {Promise<StreamStats[]>}
   */
  async getStats() {
    const coming = await Promise.all(this.#guests.map(guestStats));
    return [...coming.flat(), ...(this.#outgoing?.stats ?? [])];
  }

  /** Ends all of it. Neither call is hung up. */
  async stop() {
    await this.end('It was stopped.');
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
    this.#update([...this.#guests, guest]);
    return guest;
  }

  /**
   * @internal
   * @param {Guest} guest
   */
  dismiss(guest) {
    guest.leave();
    this.#update(this.#guests.filter((one) => one !== guest));
  }

  /**
   * Something went wrong, and the bridge goes on.
   * @internal
   * @param {Error} error
   */
  trouble(error) {
    if (this.#state === 'Bridging') emit(this, 'trouble', { error });
  }

  /**
   * It is over.
   * @internal
   * @param {string} reason For people.
   */
  end(reason) {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  // ---- Inside

  #look() {
    const { state, callEndReason } = this.#call;
    if (state === 'Disconnected') {
      this.end(`Our call is over${callEndReason?.message ? `: ${callEndReason.message}` : '.'}`);
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
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    this.#update([]);
    this.#stopReason = reason;
    this.#state = 'Stopped';
    emit(this, 'stateChanged');
  }

  /** @param {Guest[]} guests */
  #update(guests) {
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
    throw new Error('The second argument is a call of acscall.js: agent.join({groupId: name}).');
  }
  if (call.state === 'Disconnected') throw new Error('Our call is over. Join it again.');
  // Before it has begun, only who calls somebody has others in it.
  const isPlaced = call.state === 'None' && call.remoteParticipants.length > 0;
  if (isPlaced || call.direction === 'Incoming') {
    throw new Error('Guests can only join a call that has a name: agent.join({groupId: name}).');
  }
}
