// Agora's custom tracks: a MediaStreamTrack that is published into a call.

import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { LocalSource } from './local-source.js';
import { audioContext, meter } from './meter.js';

/** @typedef {'balanced' | 'motion' | 'detail'} OptimizationMode */
/** @typedef {number | {ideal?: number, max?: number, min?: number, exact?: number}} Wanted */

/**
 * @typedef {object} CustomVideoTrackConfig
 * @property {MediaStreamTrack} mediaStreamTrack
 * @property {Wanted} [width] Asked of the track, which need not follow.
 * @property {Wanted} [height]
 * @property {Wanted} [frameRate] In frames per second.
 * @property {number} [bitrateMin] Has no effect: browsers have no lower limit.
 * @property {number} [bitrateMax] In kbit/s.
 * @property {OptimizationMode} [optimizationMode]
 */

/**
 * @typedef {object} CustomAudioTrackConfig
 * @property {MediaStreamTrack} mediaStreamTrack
 * @property {keyof typeof PRESETS | {bitrate?: number}} [encoderConfig] `bitrate` in kbit/s. Opus
 *   goes with 48 kHz and as many channels as the track has, whatever is said.
 */

/** Agora's names, in kbit/s. */
const PRESETS = Object.freeze({
  speech_low_quality: 24,
  speech_standard: 18,
  music_standard: 32,
  standard_stereo: 56,
  high_quality: 128,
  high_quality_stereo: 192,
});

/** @type {Record<OptimizationMode, RTCDegradationPreference>} */
const DEGRADATION = {
  balanced: 'balanced',
  motion: 'maintain-framerate',
  detail: 'maintain-resolution',
};

let tracks = 0;

/**
 * @extends {Emitter<{'track-ended': void, 'track-updated': MediaStreamTrack}>}
 */
class LocalTrack extends Emitter {
  #id = `track-${(tracks += 1)}`;
  /** What the application gave last. */
  #given;
  #isMuted = false;
  #isEnabled = true;
  #watching = new AbortController();
  /** What is played here. @type {HTMLMediaElement | null} */
  #player = null;
  /** @protected */
  source;

  /**
   * @param {'audio' | 'video'} kind
   * @param {MediaStreamTrack} track
   */
  constructor(kind, track) {
    super();
    checkTrack(kind, track);
    /** @readonly */
    this.trackMediaType = kind;
    this.#given = track;
    /** @protected What is published. */
    this.stream = new MediaStream([track]);
    this.source = new LocalSource(this, kind, this.stream);
    this.#watch();
  }

  getTrackId() {
    return this.#id;
  }

  getTrackLabel() {
    return this.#given.label;
  }

  /** What is published: the track that was given, unless `setVolume()` has taken its place. */
  getMediaStreamTrack() {
    return this.stream.getTracks()[0];
  }

  get muted() {
    return this.#isMuted;
  }

  get enabled() {
    return this.#isEnabled;
  }

  get isPlaying() {
    return this.#player !== null;
  }

  /**
   * Muted, the track is published but nothing of it is sent: to the others it is not available.
   * @param {boolean} muted
   */
  async setMuted(muted) {
    this.#isMuted = muted;
    this.#switch();
  }

  /**
   * Disabled, the track is as if it were muted.
   * @param {boolean} enabled
   */
  async setEnabled(enabled) {
    this.#isEnabled = enabled;
    this.#switch();
  }

  /**
   * Publishes `track` from now on.
   * @param {MediaStreamTrack} track
   * @param {boolean} [stopOldTrack] Whether to end the track that was given before.
   */
  async replaceTrack(track, stopOldTrack = false) {
    checkTrack(this.trackMediaType, track);
    const before = this.#given;
    if (track === before) return;
    this.#given = track;
    this.#watch();
    if (!this.#isOn) [track.enabled, before.enabled] = [false, true];
    this.give(track);
    if (stopOldTrack) before.stop();
  }

  /** Plays it here no more. What is published goes on. */
  stop() {
    this.#player?.remove();
    if (this.#player) this.#player.srcObject = null;
    this.#player = null;
  }

  /** For good: it is published no more, and the track that was given ends. */
  close() {
    this.#watching.abort();
    this.stop();
    this.source.dispose();
    this.#given.stop();
  }

  /** @protected @param {MediaStreamTrack} track The application gives it. */
  give(track) {
    this.publish(new MediaStream([track]));
  }

  /** @protected @param {MediaStream} stream */
  publish(stream) {
    this.stream = stream;
    this.source.set(stream);
    if (this.#player) this.#player.srcObject = stream;
    emit(this, 'track-updated', this.getMediaStreamTrack());
  }

  /** @protected @param {HTMLMediaElement} element */
  playIn(element) {
    this.stop();
    this.#player = element;
    element.srcObject = this.stream;
    element.play().catch(() => {});
  }

  get #isOn() {
    return this.#isEnabled && !this.#isMuted;
  }

  #switch() {
    // Agora does that to the track too, so that nothing shows it here either.
    this.#given.enabled = this.#isOn;
    this.source.setSilent(!this.#isOn);
  }

  #watch() {
    this.#watching.abort();
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    this.#given.addEventListener(
      'ended',
      () => {
        this.source.end();
        emit(this, 'track-ended');
      },
      { signal },
    );
  }
}

/** A picture to be published. */
export class LocalVideoTrack extends LocalTrack {
  #config;

  /** @param {CustomVideoTrackConfig} config */
  constructor(config) {
    super('video', config.mediaStreamTrack);
    this.#config = config;
    const { width, height, frameRate } = config;
    if (width ?? height ?? frameRate) {
      const wanted = { width, height, frameRate };
      config.mediaStreamTrack.applyConstraints(wanted).catch(() => {});
    }
    this.#encode();
  }

  /**
   * Shows it in `element`, or in the element with that id: in itself where it is a `<video>`.
   * @param {string | HTMLElement} element
   * @param {{fit?: 'cover' | 'contain' | 'fill', mirror?: boolean}} [config] Agora mirrors unless
   *   told otherwise, and so does this.
   */
  play(element, { fit = 'cover', mirror = true } = {}) {
    const place = typeof element === 'string' ? document.getElementById(element) : element;
    if (!place) throw new CallingError(404, `There is no element with the id ${element}.`);
    const video = document.createElement('video');
    Object.assign(video, { muted: true, autoplay: true, playsInline: true });
    Object.assign(video.style, {
      width: '100%',
      height: '100%',
      objectFit: fit,
      transform: mirror ? 'scaleX(-1)' : '',
    });
    this.playIn(video);
    place.append(video);
  }

  /**
   * What matters where the network or the machine is short: `detail` the size of the picture,
   * `motion` its rate.
   * @param {OptimizationMode} mode
   */
  async setOptimizationMode(mode) {
    if (!(mode in DEGRADATION)) {
      throw new CallingError(400, 'The mode is balanced, motion or detail.');
    }
    this.#config = { ...this.#config, optimizationMode: mode };
    this.#encode();
  }

  #encode() {
    const { bitrateMax, frameRate, optimizationMode: mode } = this.#config;
    const rate = typeof frameRate === 'object' ? frameRate.max : frameRate;
    const track = this.getMediaStreamTrack();
    if (mode) track.contentHint = mode === 'balanced' ? '' : mode;
    this.source.encode({
      ...(bitrateMax && { maxBitrate: 1000 * bitrateMax }),
      ...(rate && { maxFramerate: rate }),
      ...(mode && { degradationPreference: DEGRADATION[mode] }),
    });
  }
}

/** A sound to be published. */
export class LocalAudioTrack extends LocalTrack {
  /** Once the volume was set. @type {{gain: GainNode, node: AudioNode} | null} */
  #mixer = null;
  /** Keeps the sound of connections coming. */
  #decoder = new Audio();

  /** @param {CustomAudioTrackConfig} config */
  constructor({ mediaStreamTrack, encoderConfig }) {
    super('audio', mediaStreamTrack);
    const bitrate =
      typeof encoderConfig === 'string' ? PRESETS[encoderConfig] : encoderConfig?.bitrate;
    if (bitrate) this.source.encode({ maxBitrate: 1000 * bitrate });
  }

  /**
   * From then on what is published is not the track that was given, but what WebAudio makes of it:
   * `getMediaStreamTrack()` gives that.
   * @param {number} volume From 0 to 1000; 100 is as given.
   */
  setVolume(volume) {
    if (!(volume >= 0 && volume <= 1000)) {
      throw new CallingError(400, 'The volume is from 0 to 1000; 100 is as given.');
    }
    if (this.#mixer) this.#mixer.gain.gain.value = volume / 100;
    else this.#mix(volume / 100);
  }

  /** From 0 to 1. */
  getVolumeLevel() {
    return meter(this.stream).level / 100;
  }

  /** Plays it here. */
  play() {
    this.playIn(new Audio());
  }

  /** @override */
  close() {
    super.close();
    this.#decoder.srcObject = null;
    this.#mixer?.node.disconnect();
  }

  /** @protected @override @param {MediaStreamTrack} track */
  give(track) {
    if (!this.#mixer) return super.give(track);
    this.#mixer.node.disconnect();
    this.#mixer.node = this.#input(track);
    return this.#mixer.node.connect(this.#mixer.gain);
  }

  /** @param {number} factor */
  #mix(factor) {
    const context = audioContext();
    const gain = new GainNode(context, { gain: factor });
    const output = context.createMediaStreamDestination();
    const node = this.#input(this.getMediaStreamTrack());
    node.connect(gain).connect(output);
    this.#mixer = { gain, node };
    this.publish(output.stream);
  }

  /** @param {MediaStreamTrack} track */
  #input(track) {
    const stream = new MediaStream([track]);
    Object.assign(this.#decoder, { muted: true, srcObject: stream });
    this.#decoder.play().catch(() => {});
    return audioContext().createMediaStreamSource(stream);
  }
}

/** What of Agora's entry point there is here. */
export const AgoraRTC = Object.freeze({
  /** @param {CustomVideoTrackConfig} config */
  createCustomVideoTrack: (config) => new LocalVideoTrack(config),
  /** @param {CustomAudioTrackConfig} config */
  createCustomAudioTrack: (config) => new LocalAudioTrack(config),
});

/**
 * @param {'audio' | 'video'} kind
 * @param {any} track
 */
function checkTrack(kind, track) {
  if (track?.kind === kind && track.readyState === 'live') return;
  const what = track?.kind === kind ? 'has ended' : `is not one with ${kind}`;
  throw new CallingError(400, `The mediaStreamTrack ${what}.`);
}
