// One leg: a one-way RTCPeerConnection from a sender to a receiver.
//
// The sender offers, once, three m-lines in the order of KINDS. Streams start, stop and change
// by `replaceTrack` alone; a leg that breaks is replaced by a new one, never renegotiated.

/** @typedef {'audio' | 'video' | 'screen'} Kind */

/**
 * What a stream can be, in the order of a leg's m-lines.
 * @type {readonly Kind[]}
 */
export const KINDS = ['audio', 'video', 'screen'];

/**
 * How a stream is to be encoded.
 * @typedef {{maxBitrate?: number, maxFramerate?: number,
 *   degradationPreference?: RTCDegradationPreference}} Encoding
 */

/**
 * What is sent of a kind.
 * @typedef {{track: MediaStreamTrack | null, encoding: Encoding}} Source
 */

/**
 * A step of a leg, as it is told to the other end.
 * @typedef {{offer?: string, answer?: string, failed?: string,
 *   candidate?: {candidate: string, sdpMLineIndex: number}}} Step
 */

/**
 * What a leg tells its owner: `signal` is to be sent to the other end; `connected` and `failed` are
 * told at most once each connection; after `failed` the owner replaces or keeps it, and closes it.
 * @typedef {{signal: (step: Step) => void, connected: () => void,
 *   failed: (reason: string) => void}} LegOwner
 */

/** At most this much for each stream, in bits per second. @type {Record<string, number>} */
const MAX_BITRATE = { video: 2_500_000, screen: 4_000_000 };

/** A leg whose connection is interrupted for this long, in milliseconds, has failed. */
const PATIENCE = 5_000;

/** What is taken out of the browser's statistics of a stream. */
const MEASURED = [
  'timestamp',
  'frameWidth',
  'frameHeight',
  'framesPerSecond',
  'framesDecoded',
  'framesEncoded',
  'framesDropped',
  'keyFramesDecoded',
  'audioLevel',
  'totalAudioEnergy',
  'totalSamplesDuration',
  'concealedSamples',
  'packetsLost',
  'qualityLimitationReason',
];

/**
 * A connection that is being made is closed after this time, in milliseconds: Chromium keeps one for
 * ever that is closed while an event of it, such as a change of state, waits to be told.
 */
const SETTLING = 1_000;

/**
 * What both ends have in common.
 * @template {RTCRtpSender | RTCRtpReceiver} End
 */
class Leg {
  /** @type {Step[]} */
  #outgoing = [];
  /** @type {RTCIceCandidateInit[]} */
  #incoming = [];
  #isDescribed = false;
  #hasFailed = false;

  /**
   * @param {number} number
   * @param {'sender' | 'receiver'} by
   * @param {RTCIceServer[]} iceServers
   * @param {number} patience It fails if it takes longer than this, in milliseconds, to connect.
   * @param {LegOwner} on
   */
  constructor(number, by, iceServers, patience, on) {
    this.number = number;
    this.by = by;
    this.on = on;
    this.connected = false;
    this.closed = false;
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc.addEventListener('icecandidate', ({ candidate }) => this.#gathered(candidate));
    this.pc.addEventListener('connectionstatechange', () => this.#changed());
    /** The senders or receivers by kind. @type {Partial<Record<Kind, End>>} */
    this.ends = {};
    this.patience = setTimeout(() => {
      this.fail(`no connection within ${patience / 1_000} seconds`);
    }, patience);
  }

  /**
   * A candidate of the other end; kept until its description is there.
   * @param {RTCIceCandidateInit} candidate
   */
  addCandidate(candidate) {
    if (this.closed) return;
    if (!this.pc.remoteDescription) {
      this.#incoming.push(candidate);
      return;
    }
    // One bad candidate is no reason to give up: the others may do.
    this.pc.addIceCandidate(candidate).catch((error) => console.debug('candidate refused:', error));
  }

  close() {
    this.closed = true;
    this.connected = false;
    clearTimeout(this.patience);
    const { connectionState, iceGatheringState } = this.pc;
    const isSettled = connectionState === 'connected' && iceGatheringState === 'complete';
    if (isSettled) this.pc.close();
    else setTimeout(() => this.pc.close(), SETTLING);
  }

  /**
   * The browser's own measurements of the stream of this kind; undefined before the first.
   * @param {Kind} kind
   */
  async measure(kind) {
    const end = this.ends[kind];
    if (!end || this.closed) return undefined;
    for (const report of (await end.getStats()).values()) {
      if (report.type !== 'inbound-rtp' && report.type !== 'outbound-rtp') continue;
      const bytes = report.bytesReceived ?? report.bytesSent;
      return { ...Object.fromEntries(MEASURED.map((name) => [name, report[name]])), bytes };
    }
    return undefined;
  }

  /**
   * Sends this end's description, and then the candidates that were gathered meanwhile.
   * @param {Step} step
   */
  describe(step) {
    this.on.signal(step);
    this.#isDescribed = true;
    for (const candidate of this.#outgoing.splice(0)) this.on.signal(candidate);
  }

  /** @param {RTCSessionDescriptionInit} description */
  async setRemote(description) {
    await this.pc.setRemoteDescription(description);
    for (const candidate of this.#incoming.splice(0)) this.addCandidate(candidate);
  }

  /** @param {string} reason */
  fail(reason) {
    clearTimeout(this.patience);
    this.connected = false;
    if (this.closed || this.#hasFailed) return;
    this.#hasFailed = true;
    this.on.failed(reason);
  }

  /** @param {RTCIceCandidate | null} candidate */
  #gathered(candidate) {
    if (this.closed || !candidate?.candidate) return;
    const told = {
      candidate: {
        candidate: candidate.candidate,
        sdpMLineIndex: candidate.sdpMLineIndex ?? 0,
      },
    };
    if (this.#isDescribed) this.on.signal(told);
    else this.#outgoing.push(told);
  }

  #changed() {
    if (this.closed || this.#hasFailed) return;
    const state = this.pc.connectionState;
    if (state === 'connected') {
      clearTimeout(this.patience);
      this.connected = true;
      this.on.connected();
    } else if (state === 'failed') {
      this.fail('the connection was lost');
    } else if (state === 'disconnected' && this.connected) {
      // It may come back by itself, but not for ever.
      this.connected = false;
      this.patience = setTimeout(() => this.fail('the connection was lost'), PATIENCE);
    }
  }
}

/**
 * The end that offers, and sends.
 * @extends {Leg<RTCRtpSender>}
 */
export class SendingLeg extends Leg {
  /** @type {Partial<Record<Kind, Encoding>>} */
  #encodings = {};

  /**
   * @param {number} number
   * @param {RTCIceServer[]} iceServers
   * @param {number} patience
   * @param {LegOwner} on
   */
  constructor(number, iceServers, patience, on) {
    super(number, 'sender', iceServers, patience, on);
    for (const kind of KINDS) {
      const transceiver = this.pc.addTransceiver(kind === 'audio' ? 'audio' : 'video', {
        direction: 'sendonly',
        sendEncodings: [{ maxBitrate: MAX_BITRATE[kind] }],
      });
      transceiver.setCodecPreferences?.(codecs(kind));
      this.ends[kind] = transceiver.sender;
    }
  }

  async offer() {
    try {
      await this.pc.setLocalDescription(await this.pc.createOffer());
      const { sdp } = /** @type {RTCSessionDescription} */ (this.pc.localDescription);
      if (!this.closed) this.describe({ offer: withoutStrays(sdp) });
    } catch (/** @type {any} */ error) {
      this.fail(`no offer could be made: ${error.message}`);
    }
  }

  /** @param {string} sdp */
  async answered(sdp) {
    if (this.closed || this.pc.signalingState !== 'have-local-offer') return;
    try {
      await this.setRemote({ type: 'answer', sdp });
      await Promise.all(KINDS.map((kind) => this.#encode(kind)));
    } catch (/** @type {any} */ error) {
      this.fail(`the answer cannot be used: ${error.message}`);
    }
  }

  /**
   * Puts a track, or nothing, on the line of `kind`.
   * @param {Kind} kind
   * @param {Source} source
   */
  feed(kind, { track, encoding }) {
    const sender = this.ends[kind];
    if (this.closed || !sender) return;
    if (track && this.#encodings[kind] !== encoding) {
      this.#encodings[kind] = encoding;
      if (this.pc.remoteDescription) this.#encode(kind);
    }
    if (sender.track === track) return;
    sender.replaceTrack(track).catch((error) => {
      this.fail(`${kind} cannot be sent: ${error.message}`);
    });
  }

  /**
   * Has the browser lower the frame rate rather than the size, where the network is short, and
   * keeps to the bitrate, unless the application chose otherwise.
   * @param {Kind} kind
   */
  async #encode(kind) {
    const sender = this.ends[kind];
    if (!sender || this.closed) return;
    const { degradationPreference, ...encoding } = this.#encodings[kind] ?? {};
    const parameters = sender.getParameters();
    if (kind !== 'audio') {
      parameters.degradationPreference = degradationPreference ?? 'maintain-resolution';
    }
    for (const one of parameters.encodings) {
      Object.assign(one, { maxBitrate: MAX_BITRATE[kind] }, encoding);
    }
    await sender.setParameters(parameters).catch((error) => {
      console.debug(`the browser does not take parameters for ${kind}:`, error);
    });
  }
}

/**
 * The end that answers, and receives.
 * @extends {Leg<RTCRtpReceiver>}
 */
export class ReceivingLeg extends Leg {
  /**
   * @param {number} number
   * @param {RTCIceServer[]} iceServers
   * @param {number} patience
   * @param {LegOwner} on
   */
  constructor(number, iceServers, patience, on) {
    super(number, 'receiver', iceServers, patience, on);
  }

  /**
   * The track of this kind: there from the answer on, whether anything is sent or not.
   * @param {Kind} kind
   */
  track(kind) {
    return this.ends[kind]?.track ?? null;
  }

  /**
   * Says whether that went well.
   * @param {string} sdp
   */
  async answer(sdp) {
    try {
      await this.setRemote({ type: 'offer', sdp });
      if (this.closed) return false;
      this.pc.getTransceivers().forEach(({ receiver }, line) => {
        if (line in KINDS) this.ends[KINDS[line]] = receiver;
      });
      const answer = await this.pc.createAnswer();
      await this.pc.setLocalDescription({ type: 'answer', sdp: withStereo(answer.sdp ?? '') });
      if (!this.closed) this.describe({ answer: this.pc.localDescription?.sdp });
    } catch (/** @type {any} */ error) {
      this.fail(`the offer cannot be used: ${error.message}`);
      return false;
    }
    return !this.closed;
  }
}

/**
 * Opus, or VP8 with its retransmission: one codec for each line.
 * @param {Kind} kind
 */
function codecs(kind) {
  const audio = kind === 'audio';
  const wanted = audio ? ['audio/opus'] : ['video/VP8', 'video/rtx'];
  const { codecs } = RTCRtpReceiver.getCapabilities(audio ? 'audio' : 'video') ?? { codecs: [] };
  return codecs.filter(({ mimeType }) => wanted.includes(mimeType));
}

/**
 * Browsers decode Opus to one channel unless the answer asks for two.
 * @param {string} sdp
 */
function withStereo(sdp) {
  const payload = /^a=rtpmap:(\d+) opus\//im.exec(sdp)?.[1];
  if (!payload || /stereo=1/.test(sdp)) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${payload} .*?)(\r?)$`, 'm'), '$1;stereo=1$2');
}

/**
 * Of the codecs that are not on its lines Firefox's offer still has the feedback, and Chromium
 * refuses that.
 * @param {string} sdp
 */
function withoutStrays(sdp) {
  const media = sdp.split(/^(?=m=)/m).map((media) => {
    const [, , , ...offered] = media.split('\r\n', 1)[0].split(' ');
    return media.replace(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) .*\r\n/gm, (line, payload) =>
      offered.includes(payload) ? line : '',
    );
  });
  return media.join('');
}
