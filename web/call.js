// A call in the browser: a presence in it, and a leg each way to every participant.

import { KINDS } from './leg.js';
import { Participant } from './participant.js';
import { Callees, PLACED, checkCallees } from './placing.js';
import { UNREACHABLE } from './signalling.js';

/** The server has this long, in milliseconds, to end the call for everybody. */
const FAREWELL = 2_000;

/**
 * One presence in one call; `CallAgent` makes it.
 *
 * Events: `state`; `connection` (`reconnecting` is another); `change` (participants, their
 * streams, our own, or callees); `joined` and `left` (`detail.participant`); `callee`
 * (`detail.user`, `detail.state`: how it stands with one who was called, `accepted` too);
 * `trouble` (`detail.message`: something that the call survives).
 */
export class Call extends EventTarget {
  /** @type {import('./signalling.js').Connection | null} */
  #connection = null;
  /** @type {import('./signalling.js').Message} */
  #entry;
  /** What the server takes us back for. @type {object | null} */
  #resume = null;
  #legs = 0;
  #hasEntered = false;
  /** @type {PromiseWithResolvers<void>} */
  #entering = Promise.withResolvers();
  #farewell = 0;
  /** @type {import('./participant.js').Host} */
  #host;

  /**
   * @param {import('./signalling.js').Identity} identity
   * @param {import('./signalling.js').Message} entry What to say to the server in order to get in:
   *   `join`, `place` or `accept`.
   */
  constructor({ user, displayName }, entry) {
    super();
    this.#entry = entry;
    /** Its name; null until the server has made one for a placed call. */
    this.name = entry.call ?? null;
    this.user = user;
    this.displayName = displayName;
    /** As in ACS: none, connecting, ringing, connected, disconnecting, disconnected. */
    this.state = 'none';
    /** The connection to the server is lost and tried again; media goes on. */
    this.reconnecting = false;
    /** Why the call ended, for people; null when we left. @type {string | null} */
    this.endReason = null;
    /** The server's code for that, where it is one of its errors. @type {string | null} */
    this.endCode = null;
    /** The others, by id. @type {Map<string, Participant>} */
    this.participants = new Map();
    /** Those who were called and are not here. */
    this.callees = new Callees();
    /** What we send, by kind. @type {Record<string, MediaStreamTrack | null>} */
    this.tracks = { audio: null, video: null, screen: null };
    this.#host = this.#makeHost();
    /** Settled once the server has let us in, or with an Error for people. @type {Promise<void>} */
    this.entered = this.#entering.promise;
    // Whoever looks at the state need not look at this, too.
    this.entered.catch(() => {});
  }

  /** Whether it came about by calling somebody: nobody else can join it by its name. */
  get isPlaced() {
    return this.name?.startsWith(PLACED) ?? true;
  }

  /**
   * Calls further users into it.
   * @param {string[]} users
   */
  invite(users) {
    checkCallees(users, this.user);
    if (!this.#canSpeak()) throw new Error('The server is lost just now. Try it again in a while.');
    this.#send({ type: 'invite', users });
  }

  /** Leaves, or ends it for the others, too, where the server allows that. */
  leave({ forEveryone = false } = {}) {
    if (!forEveryone || !this.#hasEntered) return this.end(null);
    if (!this.#canSpeak()) {
      const message = 'The server is lost just now: the others cannot be told. Try again in a while.';
      return this.#tell('trouble', { message });
    }
    this.#setState('disconnecting');
    this.#send({ type: 'leave', forEveryone });
    this.#farewell = setTimeout(() => this.end(null), FAREWELL);
  }

  /**
   * Sends `track` as our stream of `kind`, or nothing. Whoever gives a track ends it too.
   * Tracks without a content hint are taken for pictures whose details matter.
   * @param {string} kind
   * @param {MediaStreamTrack | null} track
   */
  setTrack(kind, track) {
    if (!KINDS.includes(kind)) throw new TypeError(`no such kind: ${kind}`);
    if (this.tracks[kind] === track) return;
    const before = this.#media().join();
    this.tracks[kind] = track;
    if (track) {
      if (track.kind === 'video' && !track.contentHint) track.contentHint = 'detail';
      track.addEventListener('ended', () => {
        if (this.tracks[kind] === track) this.setTrack(kind, null);
      });
    }
    if (this.#media().join() !== before) this.#send({ type: 'media', kinds: this.#media() });
    for (const participant of this.participants.values()) participant.feed();
    this.#tell('change');
  }

  /** Every stream that the others have available: `{participant, user, kind, track}`. */
  get streams() {
    const streams = [];
    for (const participant of this.participants.values()) {
      const { id, user } = participant;
      for (const kind of KINDS) {
        const track = participant.track(kind);
        if (track) streams.push({ participant: id, user, kind, track });
      }
    }
    return streams;
  }

  /**
   * The browser's own measurements of every stream of `streams`, and of those that we send
   * (`direction` is `receive` or `send`).
   */
  async stats() {
    const wanted = [];
    for (const participant of this.participants.values()) {
      const { id, user, sending, receiving } = participant;
      const measure = async (leg, kind, direction) => {
        const measured = await leg.measure(kind);
        if (measured) return { participant: id, user, kind, direction, ...measured };
      };
      for (const kind of KINDS) {
        if (participant.track(kind)) wanted.push(measure(receiving, kind, 'receive'));
        if (sending?.ends[kind].track) wanted.push(measure(sending, kind, 'send'));
      }
    }
    return (await Promise.all(wanted)).filter(Boolean);
  }

  /**
   * How loud a participant is now: 0 to 1.
   * @param {Participant} participant
   */
  loudness(participant) {
    if (!participant.track('audio')) return 0;
    return participant.receiving?.ends.audio.getSynchronizationSources()[0]?.audioLevel ?? 0;
  }

  // ---- Getting in: for CallAgent

  /** The server is being asked. */
  begin() {
    this.#setState('connecting');
  }

  /** What to say to the server in order to get in. */
  get entry() {
    return { ...this.#entry, ...this.#roles() };
  }

  /**
   * From now on `connection` is this call's.
   * @param {import('./signalling.js').Connection} connection
   */
  use(connection) {
    this.#connection = connection;
    connection.owner = {
      welcomed: () => this.#enter(),
      received: (message) => this.#received(message),
      lost: (refusal) => this.#lost(refusal),
    };
  }

  /**
   * It is over. `reason` is for people; null when we wanted it.
   * @param {string | null} reason
   * @param {string | null} code
   */
  end(reason, code = null) {
    if (this.state === 'disconnected') return;
    clearTimeout(this.#farewell);
    if (this.state !== 'disconnecting') {
      this.#setState('disconnecting');
      this.#send({ type: 'leave' });
    }
    this.#connection?.close();
    this.#connection = null;
    for (const participant of this.participants.values()) participant.close();
    this.participants.clear();
    this.callees.clear();
    this.reconnecting = false;
    this.endReason = reason;
    this.endCode = code;
    this.#setState('disconnected');
    this.#entering.reject(new Error(reason ?? 'You left before the call began.'));
    this.#tell('change');
  }

  // ---- The connection to the server

  #enter() {
    if (!this.#hasEntered) return this.#send(this.entry);
    const resume = this.#resume ?? undefined;
    this.#send({ type: 'join', call: this.name, ...this.#roles(), resume });
  }

  #lost(refusal) {
    if (this.state === 'disconnecting') return this.end(null);
    if (!this.#hasEntered) return this.end(refusal?.message ?? UNREACHABLE, refusal?.code);
    if (refusal?.code === 'bad-resume') {
      // The server has given our place up: come in again as somebody new.
      this.#resume = null;
      for (const participant of this.participants.values()) this.#remove(participant);
    } else if (refusal && refusal.code !== 'limit-exceeded') {
      return this.end(refusal.message, refusal.code);
    }
    this.#setReconnecting(true);
    this.#connection?.retry();
  }

  #send(message) {
    this.#connection?.send(message);
  }

  #canSpeak() {
    return this.#hasEntered && !this.reconnecting && Boolean(this.#connection?.isOpen);
  }

  #received(message) {
    switch (message.type) {
      case 'joined':
        return this.#joined(message);
      case 'participant':
        return this.#participant(message);
      case 'participant-left':
        return this.#remove(this.participants.get(message.participant));
      case 'callee':
        return this.#callee(message);
      case 'signal':
        return this.participants.get(message.from)?.signalled(message);
      case 'call-ended':
        return this.end(this.state === 'disconnecting' ? null : message.reason);
      case 'error':
        return this.#refused(message);
      default:
        // A later version's message.
        return undefined;
    }
  }

  #refused({ code, message }) {
    // Somebody left while we were still speaking to them.
    if (code === 'unknown-participant') return;
    if (!this.#hasEntered) return this.end(message, code);
    if (this.state === 'disconnecting') {
      // It is not ended for everybody, then.
      clearTimeout(this.#farewell);
      this.#setState('connected');
    }
    this.#tell('trouble', { message, code });
  }

  #joined({ call, resume, participants, ringing, iceServers }) {
    const isOther = this.#connection?.settled() ?? false;
    this.name = call;
    this.#resume = resume;
    this.#host.iceServers = iceServers ?? [];
    this.callees.reset(ringing ?? []);
    const nobody = !participants.length && !this.callees.ringing.length;
    if (isOther && this.state === 'ringing' && nobody) {
      return this.end('The server was started anew while it rang. Call again.');
    }
    const present = new Set(participants.map(({ id }) => id));
    for (const participant of this.participants.values()) {
      participant.reconnecting(isOther);
      if (present.has(participant.id)) continue;
      if (isOther) participant.miss();
      else this.#remove(participant);
    }
    const isFirst = !this.#hasEntered;
    this.#hasEntered = true;
    this.#setReconnecting(false);
    const isAlone = this.#entry.type === 'place' && !participants.length;
    if (isFirst) this.#setState(isAlone ? 'ringing' : 'connected');
    this.#entering.resolve();
    for (const participant of participants) this.#participant(participant);
    for (const participant of this.participants.values()) participant.reconnected();
    this.#tell('change');
  }

  // ---- Participants

  #participant(told) {
    const known = this.participants.get(told.id);
    const participant = known ?? new Participant(told.id, this.#host);
    participant.update(told);
    this.participants.set(told.id, participant);
    // Whoever did not answer may come in later.
    this.callees.update(told.user, 'accepted');
    if (this.state === 'ringing') this.#setState('connected');
    if (!known) this.#tell('joined', { participant });
    this.#tell('change');
  }

  #remove(participant) {
    if (!participant || !this.participants.delete(participant.id)) return;
    participant.close();
    this.#tell('left', { participant });
    this.#tell('change');
  }

  #callee({ user, state }) {
    this.callees.update(user, state);
    this.#tell('callee', { user, state });
    this.#tell('change');
  }

  #makeHost() {
    const call = this;
    return {
      iceServers: [],
      tracks: call.tracks,
      get isConnected() {
        return call.#canSpeak();
      },
      newLeg: () => ++call.#legs,
      send: (message) => call.#send(message),
      changed: () => call.#tell('change'),
      missed: (participant) => call.#remove(participant),
    };
  }

  // ---- Own state

  #media() {
    return KINDS.filter((kind) => this.tracks[kind]);
  }

  #roles() {
    return { receives: true, sends: true, media: this.#media() };
  }

  #setReconnecting(reconnecting) {
    if (this.reconnecting === reconnecting) return;
    this.reconnecting = reconnecting;
    this.#tell('connection');
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell('state');
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
