// Another participant of a call, and the legs to and from it.

import { CallingError } from '../errors.js';
import { KINDS, ReceivingLeg, SendingLeg } from './leg.js';

/** @import { Roles } from '../call/options.js' */
/** @import { Kind, Source, Step } from './leg.js' */
/** @import { Message } from './signalling.js' */

/** The delay before a leg is replaced, in milliseconds; it doubles with each attempt. */
const RETRY_DELAY_MIN = 200;
const RETRY_DELAY_MAX = 5_000;

/**
 * How long a leg may take to connect, in milliseconds; it doubles with each leg that did not. On a
 * busy machine a handshake can take longer than the minimum. With a fixed timeout no leg would ever
 * connect there, and the attempts alone would keep the machine busy.
 */
const CONNECT_TIMEOUT_MIN = 5_000;
const CONNECT_TIMEOUT_MAX = 20_000;

/** How long the others may take to join a server that replaced another, in milliseconds. */
const RETURN_TIMEOUT = 30_000;

/** How long the others' old wants hold after such a change, in milliseconds. */
const WANTS_KEPT = 5_000;

/** @type {Source} */
const NOTHING = { track: null, encoding: {} };

/**
 * What a participant needs from its session.
 * @typedef {object} Context
 * @property {RTCIceServer[]} iceServers
 * @property {Roles} roles
 * @property {(kind: Kind) => Source} source What we send.
 * @property {boolean} isHeld Whether receiving is on hold.
 * @property {boolean} isConnected Whether the server can carry signals.
 * @property {() => number} newLeg The next leg's number.
 * @property {(message: Message) => void} send
 * @property {() => void} changed Called when visible state has changed.
 * @property {(participant: Participant) => void} returnTimedOut Called when it did not come back.
 */

export class Participant {
  #context;
  #retryDelay = RETRY_DELAY_MIN;
  #retryTimer = 0;
  /** The timeout of the next leg in each direction. */
  #sendingTimeout = CONNECT_TIMEOUT_MIN;
  #receivingTimeout = CONNECT_TIMEOUT_MIN;
  #returnTimer = 0;
  #wantsTimer = 0;
  /** @type {Set<string> | null} */
  #keptWants = null;
  /** The kinds that we read. Audio is always read. */
  #wanted = new Set(['audio']);
  /** The wants last sent to the server, and whether an update is queued. */
  #sentWants = '';
  #isUpdateQueued = false;

  /**
   * @param {string} id
   * @param {Context} context
   */
  constructor(id, context) {
    this.#context = context;
    this.id = id;
    this.user = '';
    /** The number of this session among the user's sessions in the call, from 1. */
    this.session = 1;
    /** The display name. */
    this.name = '';
    this.receives = false;
    this.sends = false;
    /** The available kinds. @type {Set<string>} */
    this.media = new Set();
    /** The kinds that it reads from us. @type {Set<string>} */
    this.wants = new Set();
    /** False while its connection to the server is lost and may come back. */
    this.connected = true;
    /** @type {SendingLeg | null} */
    this.sending = null;
    /** The newest leg from it. @type {ReceivingLeg | null} */
    this.receiving = null;
    /** The newest answered leg from it, whose tracks are in use. */
    /** @type {ReceivingLeg | null} */
    this.current = null;
  }

  /**
   * Takes over the complete state from the server.
   * @param {Message} message
   */
  update({ user, session, displayName, receives, sends, media, wants, connected }) {
    this.user = user;
    this.session = session;
    this.name = (displayName || user) + (session > 1 ? ` (${session})` : '');
    this.receives = receives ?? false;
    this.sends = sends ?? false;
    this.media = new Set(media);
    this.wants = new Set(wants);
    this.connected = connected ?? true;
    if (this.wants.size) this.#keptWants = null;
    clearTimeout(this.#returnTimer);
    this.updateWants();
    this.#openLeg();
    this.updateTracks();
  }

  /** Whether the media that it may send can arrive. */
  get isReached() {
    const { receives } = this.#context.roles;
    return !this.sends || !receives || Boolean(this.current?.connected);
  }

  /**
   * Returns its track of this kind, if there is a leg. The track does not end while the participant
   * is in the call: the tracks of the next leg are in use before a leg is closed.
   * @param {Kind} kind
   */
  track(kind) {
    return this.current?.track(kind) ?? null;
  }

  /**
   * Returns the receiver of this kind.
   * @param {Kind} kind
   */
  receiver(kind) {
    return this.current?.ends[kind];
  }

  /**
   * Requests its stream of this kind, or stops it.
   * @param {Kind} kind
   * @param {boolean} isWanted
   */
  want(kind, isWanted) {
    if (!this.#context.roles.receives) {
      throw new CallingError(400, 'The call was started with receives: false, so it gets nothing.');
    }
    if (isWanted) this.#wanted.add(kind);
    else this.#wanted.delete(kind);
    this.updateWants();
  }

  /** Sends the kinds that we read if they have changed. */
  updateWants() {
    if (this.#isUpdateQueued) return;
    this.#isUpdateQueued = true;
    // Once for all changes of the same task.
    queueMicrotask(() => {
      this.#isUpdateQueued = false;
      const { isHeld, roles } = this.#context;
      const kinds = KINDS.filter((kind) => !isHeld && roles.receives && this.#wanted.has(kind));
      if (!this.#context.isConnected || this.#sentWants === kinds.join()) return;
      this.#sentWants = kinds.join();
      this.#context.send({ type: 'want', of: this.id, kinds });
    });
  }

  /** Gives the leg the tracks that we have and the participant wants. */
  updateTracks() {
    for (const kind of KINDS) {
      const isWanted = (this.#keptWants ?? this.wants).has(kind);
      this.sending?.setSource(kind, isWanted ? this.#context.source(kind) : NOTHING);
    }
  }

  /**
   * Called on a new connection; `isOther`: to another run of the server.
   * @param {boolean} isOther
   */
  reconnecting(isOther) {
    this.#sentWants = '';
    if (!isOther) return;
    this.#keptWants = this.wants;
    clearTimeout(this.#wantsTimer);
    this.#wantsTimer = setTimeout(() => {
      this.#keptWants = null;
      this.updateTracks();
    }, WANTS_KEPT);
  }

  /** Replaces a leg that is not connected: its signals may be lost with the old connection. */
  reconnected() {
    this.#sendingTimeout = this.#receivingTimeout = CONNECT_TIMEOUT_MIN;
    if (this.sending && !this.sending.connected) this.#replace(0);
  }

  /** Keeps media running for a while until the participant joins the new server. */
  awaitReturn() {
    this.connected = false;
    clearTimeout(this.#returnTimer);
    this.#returnTimer = setTimeout(() => this.#context.returnTimedOut(this), RETURN_TIMEOUT);
    this.#context.changed();
  }

  close() {
    for (const timer of [this.#retryTimer, this.#returnTimer, this.#wantsTimer]) {
      clearTimeout(timer);
    }
    for (const leg of [this.sending, this.receiving, this.current]) leg?.close();
    this.sending = this.receiving = this.current = null;
  }

  /**
   * Handles a signal of the other end.
   * @param {Message} message
   */
  handleSignal({ leg: number, by, offer, answer, candidate, failed }) {
    if (offer !== undefined) {
      this.#handleOffer(number, offer);
      return;
    }
    const leg = by === 'sender' ? this.receiving : this.sending;
    if (!leg || leg.number !== number || leg.closed) return;
    if (answer !== undefined) this.sending?.setAnswer(answer);
    else if (candidate !== undefined) leg.addCandidate(candidate);
    else if (failed !== undefined) {
      console.debug(`leg ${number} to or from ${this.user} was given up: ${failed}`);
      if (leg === this.sending) this.#replace(this.#retryDelay);
      else this.#context.changed();
    }
  }

  /** Opens the leg to it, if it receives and there is none. */
  #openLeg() {
    if (!this.receives || !this.#context.roles.sends) {
      clearTimeout(this.#retryTimer);
      this.#retryTimer = 0;
      this.sending?.close();
      this.sending = null;
      return;
    }
    const isPossible = this.#context.isConnected && this.connected;
    if (!isPossible || this.sending || this.#retryTimer) return;
    const timeout = this.#sendingTimeout;
    this.#sendingTimeout = Math.min(2 * timeout, CONNECT_TIMEOUT_MAX);
    const leg = new SendingLeg(this.#context.newLeg(), this.#context.iceServers, timeout, {
      signal: (step) => this.#signal(leg, step),
      connected: () => {
        this.#retryDelay = RETRY_DELAY_MIN;
        this.#sendingTimeout = CONNECT_TIMEOUT_MIN;
        this.#context.changed();
      },
      failed: (reason) => {
        this.#signal(leg, { failed: reason });
        this.#replace(this.#retryDelay);
      },
    });
    this.sending = leg;
    this.updateTracks();
    leg.offer();
  }

  /** @param {number} delay */
  #replace(delay) {
    this.sending?.close();
    this.sending = null;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = 0;
      this.#openLeg();
    }, delay);
    this.#retryDelay = Math.min(2 * this.#retryDelay, RETRY_DELAY_MAX);
  }

  /**
   * @param {number} number
   * @param {string} sdp
   */
  async #handleOffer(number, sdp) {
    if (number <= (this.receiving?.number ?? 0)) return;
    if (this.receiving !== this.current) this.receiving?.close();
    const timeout = this.#receivingTimeout;
    this.#receivingTimeout = Math.min(2 * timeout, CONNECT_TIMEOUT_MAX);
    const leg = new ReceivingLeg(number, this.#context.iceServers, timeout, {
      signal: (step) => this.#signal(leg, step),
      connected: () => {
        this.#receivingTimeout = CONNECT_TIMEOUT_MIN;
        this.#context.changed();
      },
      failed: (reason) => {
        // Stays open so that its tracks do not end before they are replaced.
        this.#signal(leg, { failed: reason });
        this.#context.changed();
      },
    });
    this.receiving = leg;
    if (!(await leg.answer(sdp)) || this.receiving !== leg) return;
    const last = this.current;
    this.current = leg;
    this.#context.changed();
    last?.close();
  }

  /**
   * @param {SendingLeg | ReceivingLeg} leg
   * @param {Step} step
   */
  #signal(leg, step) {
    this.#context.send({ type: 'signal', to: this.id, leg: leg.number, by: leg.by, ...step });
  }
}
