// Another participant of a call, and the legs that connect us with it.

import { CallingError } from '../errors.js';
import { KINDS, ReceivingLeg, SendingLeg } from './leg.js';

/** @import { Roles } from '../call/options.js' */
/** @import { Kind, Source, Step } from './leg.js' */
/** @import { Message } from './signalling.js' */

/** Waiting before a leg is replaced, in milliseconds: doubled from the first on. */
const RETRY_FIRST = 200;
const RETRY_MOST = 5_000;

/**
 * How long a leg may take to connect, in milliseconds: doubled with each that did not. On a busy
 * machine a handshake can take longer than the first of these. With the same time for every
 * attempt, no leg would ever connect there, and the attempts alone would keep the machine busy.
 */
const CONNECTS_FIRST = 5_000;
const CONNECTS_MOST = 20_000;

/** After another server took over, the others have this long, in milliseconds, to get there. */
const ABSENCE = 30_000;

/** On a new server, what the others want of us is not known until they say so again. */
const WANTS_KEPT = 5_000;

/** @type {Source} */
const NOTHING = { track: null, encoding: {} };

/**
 * What a participant needs of its call.
 * @typedef {object} Host
 * @property {RTCIceServer[]} iceServers
 * @property {Roles} roles
 * @property {(kind: Kind) => Source} source What we send.
 * @property {boolean} isHeld Nothing is to be received.
 * @property {boolean} isConnected Whether the server is there to carry what legs say.
 * @property {() => number} newLeg The next leg's number.
 * @property {(message: Message) => void} send
 * @property {() => void} changed Something is to be shown differently.
 * @property {(participant: Participant) => void} missed It has not come back in time.
 */

export class Participant {
  #host;
  #retryDelay = RETRY_FIRST;
  #retryTimer = 0;
  /** How long the next leg of each direction may take to connect. */
  #sendingConnects = CONNECTS_FIRST;
  #receivingConnects = CONNECTS_FIRST;
  #absenceTimer = 0;
  #wantsTimer = 0;
  /** @type {Set<string> | null} */
  #keptWants = null;
  /** The kinds that are read of it: sound is heard without anybody asking for it. */
  #wanted = new Set(['audio']);
  /** What the server was told of that, and whether it will be told anew. */
  #asked = '';
  #isAsking = false;

  /**
   * @param {string} id
   * @param {Host} host
   */
  constructor(id, host) {
    this.#host = host;
    this.id = id;
    this.user = '';
    /** Which of the user's sessions in the call it is, from 1. */
    this.session = 1;
    /** The name to show. */
    this.name = '';
    this.receives = false;
    this.sends = false;
    /** The kinds that it has available. @type {Set<string>} */
    this.media = new Set();
    /** The kinds that it reads of us. @type {Set<string>} */
    this.wants = new Set();
    /** False while its connection to the server is lost and may come back. */
    this.connected = true;
    /** @type {SendingLeg | null} */
    this.sending = null;
    /** The newest leg from it. @type {ReceivingLeg | null} */
    this.receiving = null;
    /** The newest leg from it that was answered: its tracks are given out. */
    /** @type {ReceivingLeg | null} */
    this.shown = null;
  }

  /**
   * Takes what the server tells: all that is known, each time.
   * @param {Message} told
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
    clearTimeout(this.#absenceTimer);
    this.ask();
    this.#openLeg();
    this.feed();
  }

  /** Whether what it sends can come, if it is to. */
  get isReached() {
    const { receives } = this.#host.roles;
    return !this.sends || !receives || Boolean(this.shown?.connected);
  }

  /**
   * Its track of this kind, if there is a leg. It does not end while the participant is in the
   * call: before a leg is closed, the tracks of the next one are given out.
   * @param {Kind} kind
   */
  track(kind) {
    return this.shown?.track(kind) ?? null;
  }

  /**
   * What receives its stream of this kind.
   * @param {Kind} kind
   */
  receiver(kind) {
    return this.shown?.ends[kind];
  }

  /**
   * Has its stream of this kind sent, from now on.
   * @param {Kind} kind
   */
  want(kind) {
    if (!this.#host.roles.receives) {
      throw new CallingError(400, 'The call receives nothing: it was begun with receives: false.');
    }
    this.#wanted.add(kind);
    this.ask();
  }

  /** Tells what is read of it, if that has changed. */
  ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    // Once for all that is asked for in the same breath.
    queueMicrotask(() => {
      this.#isAsking = false;
      const { isHeld, roles } = this.#host;
      const kinds = KINDS.filter((kind) => !isHeld && roles.receives && this.#wanted.has(kind));
      if (!this.#host.isConnected || this.#asked === kinds.join()) return;
      this.#asked = kinds.join();
      this.#host.send({ type: 'want', of: this.id, kinds });
    });
  }

  /** Puts on the leg to it exactly what we have and it wants. */
  feed() {
    for (const kind of KINDS) {
      const isWanted = (this.#keptWants ?? this.wants).has(kind);
      this.sending?.feed(kind, isWanted ? this.#host.source(kind) : NOTHING);
    }
  }

  /**
   * The connection to the server is new; `isOther`: and so is the server.
   * @param {boolean} isOther
   */
  reconnecting(isOther) {
    this.#asked = '';
    if (!isOther) return;
    this.#keptWants = this.wants;
    clearTimeout(this.#wantsTimer);
    this.#wantsTimer = setTimeout(() => {
      this.#keptWants = null;
      this.feed();
    }, WANTS_KEPT);
  }

  /** What was said about a leg while the server was away is lost: begins again. */
  reconnected() {
    this.#sendingConnects = this.#receivingConnects = CONNECTS_FIRST;
    if (this.sending && !this.sending.connected) this.#replace(0);
  }

  /** It is not on the new server yet: media goes on without it for a while. */
  miss() {
    this.connected = false;
    clearTimeout(this.#absenceTimer);
    this.#absenceTimer = setTimeout(() => this.#host.missed(this), ABSENCE);
    this.#host.changed();
  }

  close() {
    for (const timer of [this.#retryTimer, this.#absenceTimer, this.#wantsTimer]) {
      clearTimeout(timer);
    }
    for (const leg of [this.sending, this.receiving, this.shown]) leg?.close();
    this.sending = this.receiving = this.shown = null;
  }

  /**
   * It says something about a leg.
   * @param {Message} message
   */
  signalled({ leg: number, by, offer, answer, candidate, failed }) {
    if (offer !== undefined) {
      this.#offered(number, offer);
      return;
    }
    const leg = by === 'sender' ? this.receiving : this.sending;
    if (!leg || leg.number !== number || leg.closed) return;
    if (answer !== undefined) this.sending?.answered(answer);
    else if (candidate !== undefined) leg.addCandidate(candidate);
    else if (failed !== undefined) {
      console.debug(`leg ${number} to or from ${this.user} was given up: ${failed}`);
      if (leg === this.sending) this.#replace(this.#retryDelay);
      else this.#host.changed();
    }
  }

  /** Makes the leg to it, if it takes streams, unless there is one or soon will be. */
  #openLeg() {
    if (!this.receives || !this.#host.roles.sends) {
      clearTimeout(this.#retryTimer);
      this.#retryTimer = 0;
      this.sending?.close();
      this.sending = null;
      return;
    }
    const isPossible = this.#host.isConnected && this.connected;
    if (!isPossible || this.sending || this.#retryTimer) return;
    const patience = this.#sendingConnects;
    this.#sendingConnects = Math.min(2 * patience, CONNECTS_MOST);
    const leg = new SendingLeg(this.#host.newLeg(), this.#host.iceServers, patience, {
      signal: (step) => this.#signal(leg, step),
      connected: () => {
        this.#retryDelay = RETRY_FIRST;
        this.#sendingConnects = CONNECTS_FIRST;
        this.#host.changed();
      },
      failed: (reason) => {
        this.#signal(leg, { failed: reason });
        this.#replace(this.#retryDelay);
      },
    });
    this.sending = leg;
    this.feed();
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
    this.#retryDelay = Math.min(2 * this.#retryDelay, RETRY_MOST);
  }

  /**
   * @param {number} number
   * @param {string} sdp
   */
  async #offered(number, sdp) {
    if (number <= (this.receiving?.number ?? 0)) return;
    if (this.receiving !== this.shown) this.receiving?.close();
    const patience = this.#receivingConnects;
    this.#receivingConnects = Math.min(2 * patience, CONNECTS_MOST);
    const leg = new ReceivingLeg(number, this.#host.iceServers, patience, {
      signal: (step) => this.#signal(leg, step),
      connected: () => {
        this.#receivingConnects = CONNECTS_FIRST;
        this.#host.changed();
      },
      failed: (reason) => {
        // It stays open, so that its tracks do not end before there are others.
        this.#signal(leg, { failed: reason });
        this.#host.changed();
      },
    });
    this.receiving = leg;
    if (!(await leg.answer(sdp)) || this.receiving !== leg) return;
    const last = this.shown;
    this.shown = leg;
    this.#host.changed();
    last?.close();
  }

  /**
   * @param {SendingLeg | ReceivingLeg} leg
   * @param {Step} step
   */
  #signal(leg, step) {
    this.#host.send({ type: 'signal', to: this.id, leg: leg.number, by: leg.by, ...step });
  }
}
