// One leg: a one-way RTCPeerConnection from a sender to a receiver.
//
// The sender offers, once, three m-lines in the order of KINDS. Streams start, stop and change
// by `replaceTrack` alone; a leg that breaks is replaced by a new one, never renegotiated.

/** What a stream can be, in the order of a leg's m-lines. */
export const KINDS = ['audio', 'video', 'screen'];

/** At most this much for each stream, in bits per second. */
const MAX_BITRATE = { video: 2_500_000, screen: 4_000_000 };

/** A leg that is not connected for this long, in milliseconds, has failed. */
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
  'packetsLost',
  'qualityLimitationReason',
];

/**
 * What both ends have in common.
 *
 * `on` is what the leg tells its owner: `signal(step)` is to be sent to the other end,
 * `connected()` and `failed(reason)` are told at most once each connection; after `failed` the
 * owner closes the leg.
 */
class Leg {
  constructor(number, by, iceServers, on) {
    this.number = number;
    this.by = by;
    this.on = on;
    this.connected = false;
    this.closed = false;
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc.addEventListener('icecandidate', ({ candidate }) => this.#gathered(candidate));
    this.pc.addEventListener('connectionstatechange', () => this.#changed());
    /** The senders or receivers by kind. @type {Record<string, any>} */
    this.ends = {};
    this.described = false;
    this.outgoing = [];
    this.incoming = [];
    this.patience = setTimeout(() => this.fail('no connection within 5 seconds'), PATIENCE);
  }

  /** A candidate of the other end; kept until its description is there. */
  addCandidate(candidate) {
    if (this.closed) return;
    if (!this.pc.remoteDescription) {
      this.incoming.push(candidate);
      return;
    }
    // One bad candidate is no reason to give up: the others may do.
    this.pc.addIceCandidate(candidate).catch((error) => console.debug('candidate refused:', error));
  }

  close() {
    this.closed = true;
    this.connected = false;
    clearTimeout(this.patience);
    this.pc.close();
  }

  /** The browser's own measurements of the stream of this kind; undefined before the first. */
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

  /** Sends this end's description, and then the candidates that were gathered meanwhile. */
  describe(step) {
    this.on.signal(step);
    this.described = true;
    for (const candidate of this.outgoing.splice(0)) this.on.signal({ candidate });
  }

  async setRemote(description) {
    await this.pc.setRemoteDescription(description);
    for (const candidate of this.incoming.splice(0)) this.addCandidate(candidate);
  }

  fail(reason) {
    if (!this.closed) this.on.failed(reason);
  }

  #gathered(candidate) {
    if (this.closed || !candidate?.candidate) return;
    const told = {
      candidate: candidate.candidate,
      sdpMLineIndex: candidate.sdpMLineIndex ?? 0,
    };
    if (this.described) this.on.signal({ candidate: told });
    else this.outgoing.push(told);
  }

  #changed() {
    if (this.closed) return;
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

/** The end that offers, and sends. */
export class SendingLeg extends Leg {
  constructor(number, iceServers, on) {
    super(number, 'sender', iceServers, on);
    for (const kind of KINDS) {
      const encoding = MAX_BITRATE[kind] ? { maxBitrate: MAX_BITRATE[kind] } : {};
      const transceiver = this.pc.addTransceiver(kind === 'audio' ? 'audio' : 'video', {
        direction: 'sendonly',
        sendEncodings: [encoding],
      });
      transceiver.setCodecPreferences?.(codecs(kind));
      this.ends[kind] = transceiver.sender;
    }
  }

  async offer() {
    try {
      await this.pc.setLocalDescription(await this.pc.createOffer());
      if (!this.closed) this.describe({ offer: this.pc.localDescription?.sdp });
    } catch (/** @type {any} */ error) {
      this.fail(`no offer could be made: ${error.message}`);
    }
  }

  async answered(sdp) {
    if (this.closed || this.pc.signalingState !== 'have-local-offer') return;
    try {
      await this.setRemote({ type: 'answer', sdp });
      await Promise.all([keepSize(this.ends.video), keepSize(this.ends.screen)]);
    } catch (/** @type {any} */ error) {
      this.fail(`the answer cannot be used: ${error.message}`);
    }
  }

  /** Puts `track`, or nothing, on the line of `kind`. */
  feed(kind, track) {
    const sender = this.ends[kind];
    if (this.closed || sender.track === track) return;
    sender.replaceTrack(track).catch((error) => {
      this.fail(`${kind} cannot be sent: ${error.message}`);
    });
  }
}

/** The end that answers, and receives. */
export class ReceivingLeg extends Leg {
  constructor(number, iceServers, on) {
    super(number, 'receiver', iceServers, on);
    /** The tracks by kind: there from the offer on, whether anything is sent or not. */
    this.tracks = {};
  }

  async answer(sdp) {
    try {
      await this.setRemote({ type: 'offer', sdp });
      if (this.closed) return;
      this.pc.getTransceivers().forEach(({ receiver }, line) => {
        if (!(line in KINDS)) return;
        this.tracks[KINDS[line]] = receiver.track;
        this.ends[KINDS[line]] = receiver;
      });
      const answer = await this.pc.createAnswer();
      await this.pc.setLocalDescription({ type: 'answer', sdp: withStereo(answer.sdp) });
      if (!this.closed) this.describe({ answer: this.pc.localDescription?.sdp });
    } catch (/** @type {any} */ error) {
      this.fail(`the offer cannot be used: ${error.message}`);
    }
  }
}

/** Opus, or VP8 with its retransmission: one codec for each line. */
function codecs(kind) {
  const audio = kind === 'audio';
  const wanted = audio ? ['audio/opus'] : ['video/VP8', 'video/rtx'];
  const { codecs } = RTCRtpReceiver.getCapabilities(audio ? 'audio' : 'video') ?? { codecs: [] };
  return codecs.filter(({ mimeType }) => wanted.includes(mimeType));
}

/** Has the browser lower the frame rate rather than the size, where the network is short. */
async function keepSize(sender) {
  const parameters = sender.getParameters();
  parameters.degradationPreference = 'maintain-resolution';
  await sender.setParameters(parameters).catch((error) => {
    console.debug('degradationPreference refused:', error);
  });
}

/** Browsers decode Opus to one channel unless the answer asks for two. */
function withStereo(sdp) {
  const payload = /^a=rtpmap:(\d+) opus\//im.exec(sdp)?.[1];
  if (!payload || /stereo=1/.test(sdp)) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${payload} .*?)(\r?)$`, 'm'), '$1;stereo=1$2');
}
