// Another participant of a call, and the legs that connect us with it.

import { KINDS, ReceivingLeg, SendingLeg } from './leg.js';

/** Waiting before a leg is replaced, in milliseconds: doubled from the first on. */
const RETRY_FIRST = 200;
const RETRY_MOST = 5_000;

/** After another server took over, the others have this long, in milliseconds, to get there. */
const ABSENCE = 30_000;

/** On a new server, what the others want of us is not known until they say so again. */
const WANTS_KEPT = 5_000;

/**
 * What a participant needs of its call.
 * @typedef {object} Host
 * @property {RTCIceServer[]} iceServers
 * @property {Record<string, MediaStreamTrack | null>} tracks What we send, by kind.
 * @property {boolean} isConnected Whether the server is there to carry what legs say.
 * @property {() => number} newLeg The next leg's number.
 * @property {(message: import('./signalling.js').Message) => void} send
 * @property {() => void} changed Something is to be shown differently.
 * @property {(participant: Participant) => void} missed It has not come back in time.
 */

export class Participant {
  #host;
  #retryDelay = RETRY_FIRST;
  #retryTimer = 0;
  #absenceTimer = 0;
  #wantsTimer = 0;
  /** @type {Set<string> | null} */
  #keptWants = null;
  #isAsked = false;

  /**
   * @param {string} id
   * @param {Host} host
   */
  constructor(id, host) {
    this.#host = host;
    this.id = id;
    this.user = '';
    /** Which of the user's presences in the call it is, from 1. */
    this.presence = 1;
    /** The name to show. */
    this.name = '';
    this.receives = false;
    this.sends = false;
    /** The kinds that it has available. */
    this.media = new Set();
    /** The kinds that it reads of us. */
    this.wants = new Set();
    /** False while its connection to the server is lost and may come back. */
    this.connected = true;
    /** @type {SendingLeg | null} */
    this.sending = null;
    /** @type {ReceivingLeg | null} */
    this.receiving = null;
  }

  /** Takes what the server tells: all that is known, each time. */
  update({ user, presence, displayName, receives, sends, media, wants, connected }) {
    this.user = user;
    this.presence = presence;
    this.name = (displayName || user) + (presence > 1 ? ` (${presence})` : '');
    this.receives = receives ?? false;
    this.sends = sends ?? false;
    this.media = new Set(media);
    this.wants = new Set(wants);
    this.connected = connected ?? true;
    if (this.wants.size) this.#keptWants = null;
    clearTimeout(this.#absenceTimer);
    if (!this.#isAsked) {
      this.#isAsked = true;
      this.#host.send({ type: 'want', of: this.id, kinds: KINDS });
    }
    this.#openLeg();
    this.feed();
  }

  /**
   * Its track of this kind, while it has one available.
   * @param {string} kind
   * @returns {MediaStreamTrack | null}
   */
  track(kind) {
    if (!this.media.has(kind) || !this.receiving || this.receiving.closed) return null;
    return this.receiving.tracks[kind] ?? null;
  }

  /** Puts on the leg to it exactly what we have and it wants. */
  feed() {
    for (const kind of KINDS) {
      const isWanted = (this.#keptWants ?? this.wants).has(kind);
      this.sending?.feed(kind, isWanted ? this.#host.tracks[kind] : null);
    }
  }

  /** The connection to the server is new; `isOther`: and so is the server. */
  reconnecting(isOther) {
    this.#isAsked = false;
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
    this.sending?.close();
    this.receiving?.close();
    this.sending = this.receiving = null;
  }

  /** It says something about a leg. */
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
      else leg.close();
    }
  }

  /** Makes the leg to it, if it takes streams, unless there is one or soon will be. */
  #openLeg() {
    if (!this.receives) {
      clearTimeout(this.#retryTimer);
      this.#retryTimer = 0;
      this.sending?.close();
      this.sending = null;
      return;
    }
    const isPossible = this.#host.isConnected && this.connected;
    if (!isPossible || this.sending || this.#retryTimer) return;
    const leg = new SendingLeg(this.#host.newLeg(), this.#host.iceServers, {
      signal: (step) => this.#signal(leg, step),
      connected: () => {
        this.#retryDelay = RETRY_FIRST;
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

  #offered(number, sdp) {
    if (number <= (this.receiving?.number ?? 0)) return;
    this.receiving?.close();
    const leg = new ReceivingLeg(number, this.#host.iceServers, {
      signal: (step) => {
        this.#signal(leg, step);
        // The tracks are there now.
        this.#host.changed();
      },
      connected: () => this.#host.changed(),
      failed: (reason) => {
        this.#signal(leg, { failed: reason });
        leg.close();
        this.#host.changed();
      },
    });
    this.receiving = leg;
    leg.answer(sdp);
  }

  #signal(leg, step) {
    this.#host.send({ type: 'signal', to: this.id, leg: leg.number, by: leg.by, ...step });
  }
}
