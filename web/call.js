// A call in the browser: signalling over a WebSocket, and a leg each way to every participant.

import { KINDS, ReceivingLeg, SendingLeg } from './leg.js';

export { KINDS };

/** Waiting before a connection is tried again, in milliseconds: doubled from the first on. */
const RETRY_FIRST = 200;
const RETRY_MOST = 5_000;

/** The server has this long, in milliseconds, from the attempt to connect to `joined`. */
const JOIN_PATIENCE = 8_000;

/** After another server took over, the others have this long, in milliseconds, to get there. */
const ABSENCE = 30_000;

/** On a new server, what the others want of us is not known until they say so again. */
const WANTS_KEPT = 5_000;

/** Another participant, and what connects us with it. */
class Participant {
  constructor(id) {
    this.id = id;
    this.sending = null;
    this.receiving = null;
    this.retryDelay = RETRY_FIRST;
    this.retryTimer = 0;
    this.absenceTimer = 0;
    this.keptWants = null;
    this.asked = false;
  }

  update({ user, presence, displayName, receives, sends, media, wants, connected }) {
    this.user = user;
    this.presence = presence;
    this.name = (displayName || user) + (presence > 1 ? ` (${presence})` : '');
    this.receives = receives ?? false;
    this.sends = sends ?? false;
    this.media = new Set(media);
    this.wants = new Set(wants);
    this.connected = connected ?? true;
    if (this.wants.size) this.keptWants = null;
    clearTimeout(this.absenceTimer);
  }

  /** Its track of this kind, while it has one available. */
  track(kind) {
    if (!this.media.has(kind) || !this.receiving || this.receiving.closed) return null;
    return this.receiving.tracks[kind] ?? null;
  }

  wantsOfUs(kind) {
    return (this.keptWants ?? this.wants).has(kind);
  }

  close() {
    clearTimeout(this.retryTimer);
    clearTimeout(this.absenceTimer);
    this.sending?.close();
    this.receiving?.close();
    this.sending = this.receiving = null;
  }
}

/**
 * One presence in one call.
 *
 * Events: `state`; `change` (participants, their streams or our own); `joined` and `left`
 * (`detail.participant`); `trouble` (`detail.message`: something that the call survives).
 */
export class Call extends EventTarget {
  #url;
  #token;
  #socket = null;
  #server = null;
  #changedServer = false;
  #resume = null;
  #iceServers = [];
  #retryDelay = RETRY_FIRST;
  #retryTimer = 0;
  #legs = 0;
  #joining = null;

  /**
   * `call` is its name, `user` who we are, `token` the proof of it that some servers ask for,
   * `url` the server's WebSocket.
   */
  constructor({ call, user, displayName, token, url = serverOfThisPage() }) {
    super();
    this.#url = url;
    this.#token = token;
    this.call = call;
    this.user = user;
    this.displayName = displayName;
    /** none, connecting, connected, reconnecting, disconnected. */
    this.state = 'none';
    /** Why the call ended, for people; null when we left. */
    this.endReason = null;
    /** The server's code for that, where it is one of its errors. */
    this.endCode = null;
    /** The others, by id. */
    this.participants = new Map();
    /** What we send, by kind. */
    this.tracks = { audio: null, video: null, screen: null };
  }

  /** Joins; rejects, with a message for people, where that is refused or impossible. */
  join() {
    if (this.state !== 'none') throw new Error('a call can be joined once');
    return new Promise((resolve, reject) => {
      this.#joining = { resolve, reject };
      this.#setState('connecting');
      this.#connect();
    });
  }

  leave() {
    this.#end(null);
  }

  /**
   * Sends `track` as our stream of `kind`, or nothing. Whoever gives a track ends it too.
   * Tracks without a content hint are taken for pictures whose details matter.
   */
  setTrack(kind, track) {
    if (!KINDS.includes(kind)) throw new TypeError(`no such kind: ${kind}`);
    if (this.tracks[kind] === track) return;
    const before = KINDS.filter((kind) => this.tracks[kind]).join();
    this.tracks[kind] = track;
    if (track) {
      if (track.kind === 'video' && !track.contentHint) track.contentHint = 'detail';
      track.addEventListener('ended', () => {
        if (this.tracks[kind] === track) this.setTrack(kind, null);
      });
    }
    if (KINDS.filter((kind) => this.tracks[kind]).join() !== before) {
      this.#send({ type: 'media', kinds: this.#media() });
    }
    for (const participant of this.participants.values()) this.#feed(participant);
    this.#tell('change');
  }

  /** Every stream that the others have available: `{participant, user, kind, track}`. */
  get streams() {
    const streams = [];
    for (const participant of this.participants.values()) {
      for (const kind of KINDS) {
        const track = participant.track(kind);
        if (track) streams.push({ participant: participant.id, user: participant.user, kind, track });
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

  /** How loud a participant is now: 0 to 1. */
  loudness(participant) {
    if (!participant.track('audio')) return 0;
    return participant.receiving.ends.audio.getSynchronizationSources()[0]?.audioLevel ?? 0;
  }

  // ---- The connection to the server

  #connect() {
    const socket = new WebSocket(this.#url, 'acscall');
    this.#socket = socket;
    let refusal = null;
    const patience = setTimeout(() => lost(), JOIN_PATIENCE);
    const lost = () => {
      clearTimeout(patience);
      if (this.#socket !== socket) return;
      this.#socket = null;
      socket.close();
      this.#lost(refusal);
    };
    socket.addEventListener('close', lost);
    socket.addEventListener('open', () => {
      const { user, displayName } = this;
      this.#send({ type: 'hello', versions: [1], user, displayName, token: this.#token });
    });
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket !== socket) return;
      const message = parse(data);
      if (message?.type === 'joined') clearTimeout(patience);
      if (message?.type === 'error' && isFatal(message.code)) refusal = message;
      else if (message) this.#received(message);
    });
  }

  #lost(refusal) {
    if (refusal?.code === 'bad-resume') {
      // The server has given our place up: come in again as somebody new.
      this.#resume = null;
      for (const participant of this.participants.values()) this.#remove(participant);
    } else if (refusal && (this.state === 'connecting' || refusal.code !== 'limit-exceeded')) {
      this.#end(refusal.message, refusal.code);
      return;
    } else if (this.state === 'connecting') {
      this.#end('The server does not answer. Is it running, and is this the right address?');
      return;
    }
    this.#setState('reconnecting');
    this.#retryTimer = setTimeout(() => this.#connect(), this.#retryDelay);
    this.#retryDelay = Math.min(2 * this.#retryDelay, RETRY_MOST);
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #received(message) {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(message);
      case 'joined':
        return this.#joined(message);
      case 'participant':
        return this.#participant(message);
      case 'participant-left':
        return this.#remove(this.participants.get(message.participant));
      case 'signal':
        return this.#signalled(message);
      case 'call-ended':
        return this.#end(message.reason);
      case 'error':
        // Somebody left while we were still speaking to them.
        if (message.code === 'unknown-participant') return undefined;
        return this.#tell('trouble', { message: message.message, code: message.code });
      default:
        // A later version's message.
        return undefined;
    }
  }

  #welcome({ server }) {
    this.#changedServer = this.#server !== null && this.#server !== server;
    this.#server = server;
    this.#send({
      type: 'join',
      call: this.call,
      receives: true,
      sends: true,
      media: this.#media(),
      ...(this.#resume && { resume: this.#resume }),
    });
  }

  #joined({ resume, participants, iceServers }) {
    this.#resume = resume;
    this.#iceServers = iceServers ?? [];
    this.#retryDelay = RETRY_FIRST;
    const present = new Set(participants.map(({ id }) => id));
    for (const participant of this.participants.values()) {
      participant.asked = false;
      if (this.#changedServer) {
        participant.keptWants = participant.wants;
        setTimeout(() => this.#forgetWants(participant), WANTS_KEPT);
      }
      if (present.has(participant.id)) continue;
      if (this.#changedServer) this.#miss(participant);
      else this.#remove(participant);
    }
    this.#setState('connected');
    this.#joining?.resolve();
    this.#joining = null;
    for (const participant of participants) this.#participant(participant);
    for (const participant of this.participants.values()) {
      // What was said about a leg while the server was away is lost: begin again.
      if (participant.sending && !participant.sending.connected) this.#replace(participant, 0);
    }
  }

  // ---- Participants

  #participant(told) {
    const known = this.participants.get(told.id);
    const participant = known ?? new Participant(told.id);
    participant.update(told);
    this.participants.set(told.id, participant);
    if (!participant.asked) {
      participant.asked = true;
      this.#send({ type: 'want', of: told.id, kinds: KINDS });
    }
    this.#openLeg(participant);
    this.#feed(participant);
    if (!known) this.#tell('joined', { participant });
    this.#tell('change');
  }

  #remove(participant) {
    if (!participant || !this.participants.delete(participant.id)) return;
    participant.close();
    this.#tell('left', { participant });
    this.#tell('change');
  }

  /** Keeps a participant that is not on the new server yet: media goes on without it. */
  #miss(participant) {
    participant.connected = false;
    clearTimeout(participant.absenceTimer);
    participant.absenceTimer = setTimeout(() => this.#remove(participant), ABSENCE);
    this.#tell('change');
  }

  #forgetWants(participant) {
    participant.keptWants = null;
    this.#feed(participant);
  }

  // ---- Legs

  /** Makes the leg to a participant that takes streams, unless there is one or soon will be. */
  #openLeg(participant) {
    if (!participant.receives) {
      clearTimeout(participant.retryTimer);
      participant.retryTimer = 0;
      participant.sending?.close();
      participant.sending = null;
      return;
    }
    const possible = this.state === 'connected' && participant.connected;
    if (!possible || participant.sending || participant.retryTimer) return;
    const leg = new SendingLeg(++this.#legs, this.#iceServers, {
      signal: (step) => this.#signal(participant, leg, step),
      connected: () => {
        participant.retryDelay = RETRY_FIRST;
        this.#tell('change');
      },
      failed: (reason) => {
        this.#signal(participant, leg, { failed: reason });
        this.#replace(participant, participant.retryDelay);
      },
    });
    participant.sending = leg;
    this.#feed(participant);
    leg.offer();
  }

  #replace(participant, delay) {
    participant.sending?.close();
    participant.sending = null;
    clearTimeout(participant.retryTimer);
    participant.retryTimer = setTimeout(() => {
      participant.retryTimer = 0;
      this.#openLeg(participant);
    }, delay);
    participant.retryDelay = Math.min(2 * participant.retryDelay, RETRY_MOST);
  }

  /** Puts on the leg to a participant exactly what we have and it wants. */
  #feed(participant) {
    for (const kind of KINDS) {
      participant.sending?.feed(kind, participant.wantsOfUs(kind) ? this.tracks[kind] : null);
    }
  }

  #signal(participant, leg, step) {
    this.#send({ type: 'signal', to: participant.id, leg: leg.number, by: leg.by, ...step });
  }

  #signalled({ from, leg: number, by, offer, answer, candidate, failed }) {
    const participant = this.participants.get(from);
    if (!participant) return;
    if (offer !== undefined) {
      this.#offered(participant, number, offer);
      return;
    }
    const leg = by === 'sender' ? participant.receiving : participant.sending;
    if (leg?.number !== number || leg.closed) return;
    if (answer !== undefined) leg.answered?.(answer);
    else if (candidate !== undefined) leg.addCandidate(candidate);
    else if (failed !== undefined) {
      console.debug(`leg ${number} to or from ${participant.user} was given up: ${failed}`);
      if (leg === participant.sending) this.#replace(participant, participant.retryDelay);
      else leg.close();
    }
  }

  #offered(participant, number, sdp) {
    if (number <= (participant.receiving?.number ?? 0)) return;
    participant.receiving?.close();
    const leg = new ReceivingLeg(number, this.#iceServers, {
      signal: (step) => {
        this.#signal(participant, leg, step);
        // The tracks are there now.
        this.#tell('change');
      },
      connected: () => this.#tell('change'),
      failed: (reason) => {
        this.#signal(participant, leg, { failed: reason });
        leg.close();
        this.#tell('change');
      },
    });
    participant.receiving = leg;
    leg.answer(sdp);
  }

  // ---- Own state

  #media() {
    return KINDS.filter((kind) => this.tracks[kind]);
  }

  #end(reason, code = null) {
    if (this.state === 'disconnected') return;
    clearTimeout(this.#retryTimer);
    this.#send({ type: 'leave' });
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const participant of this.participants.values()) participant.close();
    this.participants.clear();
    this.endReason = reason;
    this.endCode = code;
    this.#setState('disconnected');
    this.#joining?.reject(new Error(reason ?? 'You left before the call was joined.'));
    this.#joining = null;
    this.#tell('change');
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

function serverOfThisPage() {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
}

/** Another attempt with the same token is of no use. */
export function isAboutToken(code) {
  return code?.startsWith('token-') ?? false;
}

/** After these the server closes the connection. */
function isFatal(code) {
  const codes = [
    'malformed',
    'unsupported-version',
    'bad-name',
    'bad-resume',
    'limit-exceeded',
    'replaced',
  ];
  return codes.includes(code) || isAboutToken(code);
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
