// One leg: a one-way RTCPeerConnection from a sender to a receiver.
//
// The sender offers three m-lines, once, in the order of KINDS. Streams start, stop and change by
// `replaceTrack` alone. A leg that fails is replaced, never renegotiated.

import { codecs, withStereo, withoutUnusedCodecs } from './sdp.js';

/** @typedef {'audio' | 'video' | 'screen'} Kind */

/**
 * The kinds of streams, in the order of a leg's m-lines.
 * @type {readonly Kind[]}
 */
export const KINDS = ['audio', 'video', 'screen'];

/**
 * Parameters of the encoder.
 * @typedef {{maxBitrate?: number, maxFramerate?: number, maxHeight?: number,
 *   degradationPreference?: RTCDegradationPreference}} Encoding
 */

/**
 * The track sent for one kind.
 * @typedef {{track: MediaStreamTrack | null, encoding: Encoding}} Source
 */

/**
 * A signalling message between the two ends of a leg.
 * @typedef {{offer?: string, answer?: string, failed?: string,
 *   candidate?: {candidate: string, sdpMLineIndex: number}}} Step
 */

/**
 * The callbacks of a leg. `signal` sends a message to the other end. `connected` and `failed` are
 * called at most once per connection; after `failed` the owner replaces or keeps the leg, and
 * closes it.
 * @typedef {{signal: (step: Step) => void, connected: () => void,
 *   failed: (reason: string) => void}} LegOwner
 */

/** The highest bitrate of each kind, in bits per second. @type {Record<string, number>} */
const MAX_BITRATE = { video: 2_500_000, screen: 4_000_000 };

/** How often it is checked whether a sent picture stands still, in milliseconds. */
const STILL_PERIOD = 1_000;

/** How long a connection may be interrupted before its leg has failed, in milliseconds. */
const DISCONNECT_TIMEOUT = 5_000;

/** The members kept of the browser's statistics. */
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
 * How long the close of an unfinished connection is delayed, in milliseconds. Chromium never frees
 * a connection that is closed while one of its events, such as a state change, is pending.
 */
const CLOSE_DELAY = 1_000;

/**
 * The common part of both ends.
 * @template {RTCRtpSender | RTCRtpReceiver} End
 */
class Leg {
  /** Local candidates to send after the description. @type {Step[]} */
  #localCandidates = [];
  /** Remote candidates to add after the description. @type {RTCIceCandidateInit[]} */
  #remoteCandidates = [];
  #isDescribed = false;
  #hasFailed = false;

  /**
   * @param {number} number
   * @param {'sender' | 'receiver'} by
   * @param {RTCIceServer[]} iceServers
   * @param {number} connectTimeout How long connecting may take, in milliseconds.
   * @param {LegOwner} on
   */
  constructor(number, by, iceServers, connectTimeout, on) {
    this.number = number;
    this.by = by;
    this.on = on;
    this.connected = false;
    this.closed = false;
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc.addEventListener('icecandidate', ({ candidate }) => this.#gathered(candidate));
    this.pc.addEventListener('connectionstatechange', () => this.#changed());
    /** The senders or receivers, by kind. @type {Partial<Record<Kind, End>>} */
    this.ends = {};
    this.timeout = setTimeout(() => {
      this.fail(`no connection within ${connectTimeout / 1_000} seconds`);
    }, connectTimeout);
  }

  /**
   * Adds a remote candidate, after the remote description.
   * @param {RTCIceCandidateInit} candidate
   */
  addCandidate(candidate) {
    if (this.closed) return;
    if (!this.pc.remoteDescription) {
      this.#remoteCandidates.push(candidate);
      return;
    }
    // One bad candidate is no failure: another may work.
    this.pc.addIceCandidate(candidate).catch((error) => console.debug('candidate refused:', error));
  }

  close() {
    this.closed = true;
    this.connected = false;
    clearTimeout(this.timeout);
    const { connectionState, iceGatheringState } = this.pc;
    const isStable = connectionState === 'connected' && iceGatheringState === 'complete';
    if (isStable) this.pc.close();
    else setTimeout(() => this.pc.close(), CLOSE_DELAY);
  }

  /**
   * Returns the browser's statistics for the stream of this kind; undefined before the first.
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
   * Sends this end's description, then the candidates gathered meanwhile.
   * @param {Step} step
   */
  describe(step) {
    this.on.signal(step);
    this.#isDescribed = true;
    for (const candidate of this.#localCandidates.splice(0)) this.on.signal(candidate);
  }

  /** @param {RTCSessionDescriptionInit} description */
  async setRemote(description) {
    await this.pc.setRemoteDescription(description);
    for (const candidate of this.#remoteCandidates.splice(0)) this.addCandidate(candidate);
  }

  /** @param {string} reason */
  fail(reason) {
    clearTimeout(this.timeout);
    this.connected = false;
    if (this.closed || this.#hasFailed) return;
    this.#hasFailed = true;
    this.on.failed(reason);
  }

  /** @param {RTCIceCandidate | null} candidate */
  #gathered(candidate) {
    if (this.closed || !candidate?.candidate) return;
    const step = {
      candidate: {
        candidate: candidate.candidate,
        sdpMLineIndex: candidate.sdpMLineIndex ?? 0,
      },
    };
    if (this.#isDescribed) this.on.signal(step);
    else this.#localCandidates.push(step);
  }

  /** @protected */
  becomeConnected() {
    clearTimeout(this.timeout);
    this.connected = true;
    this.on.connected();
  }

  #changed() {
    if (this.closed || this.#hasFailed) return;
    const state = this.pc.connectionState;
    if (state === 'connected') this.becomeConnected();
    if (state === 'failed') this.fail('the connection was lost');
    if (state === 'disconnected' && this.connected) {
      // The connection may recover by itself.
      this.connected = false;
      this.timeout = setTimeout(() => this.fail('the connection was lost'), DISCONNECT_TIMEOUT);
    }
  }
}

/**
 * The sender's end, which offers.
 * @extends {Leg<RTCRtpSender>}
 */
export class SendingLeg extends Leg {
  /** @type {Partial<Record<Kind, Encoding>>} */
  #encodings = {};
  /** What the senders send, or will once the browser has replaced their tracks. */
  /** @type {Partial<Record<Kind, MediaStreamTrack | null>>} */
  #tracks = {};
  /** The number of encoded frames at the last check. @type {Partial<Record<Kind, number>>} */
  #encoded = {};
  #stillTimer = setInterval(() => this.#repeatStills(), STILL_PERIOD);

  /**
   * @param {number} number
   * @param {RTCIceServer[]} iceServers
   * @param {number} connectTimeout
   * @param {LegOwner} on
   */
  constructor(number, iceServers, connectTimeout, on) {
    super(number, 'sender', iceServers, connectTimeout, on);
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
      if (!this.closed) this.describe({ offer: withoutUnusedCodecs(sdp) });
    } catch (/** @type {any} */ error) {
      this.fail(`no offer could be made: ${error.message}`);
    }
  }

  /** @param {string} sdp */
  async setAnswer(sdp) {
    if (this.closed || this.pc.signalingState !== 'have-local-offer') return;
    try {
      await this.setRemote({ type: 'answer', sdp });
      await Promise.all(KINDS.map((kind) => this.#encode(kind)));
    } catch (/** @type {any} */ error) {
      this.fail(`the answer cannot be used: ${error.message}`);
    }
  }

  /**
   * Sends a track, or nothing, on the m-line of `kind`.
   * @param {Kind} kind
   * @param {Source} source
   */
  setSource(kind, { track, encoding }) {
    const sender = this.ends[kind];
    if (this.closed || !sender) return;
    const isOther = (this.#tracks[kind] ?? null) !== track;
    this.#tracks[kind] = track;
    if (track && (this.#encodings[kind] !== encoding || (isOther && encoding.maxHeight))) {
      this.#encodings[kind] = encoding;
      if (this.pc.remoteDescription) this.#encode(kind);
    }
    if (isOther) this.#replaceTrack(kind, track);
  }

  /** @override */
  becomeConnected() {
    super.becomeConnected();
    // The frames so far are lost, and a picture that was painted once has no other.
    for (const kind of KINDS) {
      const track = this.#tracks[kind];
      if (track && kind !== 'audio') this.#replaceTrack(kind, track);
    }
  }

  /** @override */
  close() {
    clearInterval(this.#stillTimer);
    super.close();
  }

  /**
   * Repeats pictures that stand still, such as slides: their only frame may be lost, and elements
   * that show them later need another one. Cameras have no content hint, and never stand still.
   */
  async #repeatStills() {
    for (const kind of KINDS) {
      const track = this.#tracks[kind];
      if (!this.connected || kind === 'audio' || !track?.contentHint) continue;
      const measured = await this.measure(kind).catch(() => undefined);
      const { framesEncoded = 0 } = /** @type {any} */ (measured ?? {});
      const isStill = framesEncoded === this.#encoded[kind];
      this.#encoded[kind] = framesEncoded;
      if (isStill && this.connected && this.#tracks[kind] === track) this.#replaceTrack(kind, track);
    }
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  async #replaceTrack(kind, track) {
    const sender = /** @type {RTCRtpSender} */ (this.ends[kind]);
    // A new copy makes Chromium repeat the newest frame of a source such as a canvas.
    const copy = track && kind !== 'audio' && this.connected ? track.clone() : null;
    if (copy) copy.contentHint = track?.contentHint ?? '';
    try {
      // The browser carries them out one after the other, also those of the next call.
      await Promise.all([copy && sender.replaceTrack(copy), sender.replaceTrack(track)]);
    } catch (/** @type {any} */ error) {
      this.fail(`${kind} cannot be sent: ${error.message}`);
    }
    copy?.stop();
  }

  /**
   * Sets the bitrate limit, and prefers a lower frame rate to a smaller picture on a slow network,
   * unless the application chose otherwise.
   * @param {Kind} kind
   */
  async #encode(kind) {
    const sender = this.ends[kind];
    if (!sender || this.closed) return;
    const { degradationPreference, maxHeight, ...encoding } = this.#encodings[kind] ?? {};
    const parameters = sender.getParameters();
    if (kind !== 'audio') {
      parameters.degradationPreference = degradationPreference ?? 'maintain-resolution';
    }
    for (const one of parameters.encodings) {
      Object.assign(one, { maxBitrate: MAX_BITRATE[kind], maxFramerate: undefined }, encoding);
      const { height = 0 } = this.#tracks[kind]?.getSettings() ?? {};
      if (maxHeight) one.scaleResolutionDownBy = Math.max(1, height / maxHeight);
      else delete one.scaleResolutionDownBy;
    }
    await sender.setParameters(parameters).catch((error) => {
      console.debug(`the browser rejects the encoding parameters for ${kind}:`, error);
    });
  }
}

/**
 * The receiver's end, which answers.
 * @extends {Leg<RTCRtpReceiver>}
 */
export class ReceivingLeg extends Leg {
  /**
   * @param {number} number
   * @param {RTCIceServer[]} iceServers
   * @param {number} connectTimeout
   * @param {LegOwner} on
   */
  constructor(number, iceServers, connectTimeout, on) {
    super(number, 'receiver', iceServers, connectTimeout, on);
  }

  /**
   * Returns the track of this kind: it exists from the answer on, whether or not media flows.
   * @param {Kind} kind
   */
  track(kind) {
    return this.ends[kind]?.track ?? null;
  }

  /**
   * Answers the offer. Returns whether that succeeded.
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
