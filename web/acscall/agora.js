// Agora's custom tracks, which publish a MediaStreamTrack into a call.

import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { LocalSource } from './local-source.js';
import { audioContext, meter } from './meter.js';
import { proxyable } from './proxies.js';

/** @typedef {'balanced' | 'motion' | 'detail'} OptimizationMode */
/** @typedef {number | {ideal?: number, max?: number, min?: number, exact?: number}} Wanted */

/**
 * @typedef {object} CustomVideoTrackConfig
 * @property {MediaStreamTrack} mediaStreamTrack
 * @property {Wanted} [width] A constraint for the track, which may not be able to meet it.
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
 *   always uses 48 kHz and the channels of the track.
 */

/** Agora's presets, in kbit/s. */
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
  /** The application's track. */
  #given;
  #isMuted = false;
  #isEnabled = true;
  #watching = new AbortController();
  /** The element that plays the track here. @type {HTMLMediaElement | null} */
  #player = null;
  /** @protected */
  source;

  static {
    proxyable(this);
  }

  /**
   * @param {'audio' | 'video'} kind
   * @param {MediaStreamTrack} track
   */
  constructor(kind, track) {
    super(['track-ended', 'track-updated']);
    checkTrack(kind, track);
    /** @readonly */
    this.trackMediaType = kind;
    this.#given = track;
    /** @protected The published stream. */
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

  /** Returns the published track: the given one, unless `setVolume()` has replaced it. */
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
   * Mutes the track. It stays published, but sends nothing and is not available to the others.
   * @param {boolean} muted
   */
  async setMuted(muted) {
    this.#isMuted = muted;
    this.#switch();
  }

  /**
   * Enables or disables the track. A disabled track behaves like a muted one.
   * @param {boolean} enabled
   */
  async setEnabled(enabled) {
    this.#isEnabled = enabled;
    this.#switch();
  }

  /**
   * Publishes `track` from now on.
   * @param {MediaStreamTrack} track
   * @param {boolean} [stopOldTrack] Whether to end the previous track.
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

  /** Stops playing the track here. It stays published. */
  stop() {
    this.#player?.remove();
    if (this.#player) this.#player.srcObject = null;
    this.#player = null;
  }

  /** Unpublishes the track for good and ends the given track. */
  close() {
    this.#watching.abort();
    this.stop();
    this.source.dispose();
    this.#given.stop();
  }

  /** @protected @param {MediaStreamTrack} track The application's new track. */
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
    // Agora disables the track as well, so local previews go black here, too.
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

/** A video track to publish. */
export class LocalVideoTrack extends LocalTrack {
  #config;

  static {
    proxyable(this);
  }

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
   * Shows the track in an element, given directly or by id, in a `<video>` that this adds.
   * @param {string | HTMLElement} element
   * @param {{fit?: 'cover' | 'contain' | 'fill', mirror?: boolean} | null} [config] Mirrored by
   *   default, as with Agora.
   */
  play(element, config) {
    const { fit = 'cover', mirror = true } = config ?? {};
    const place = typeof element === 'string' ? document.getElementById(element) : element;
    if (!place) throw new CallingError(404, `No element has the id ${element}.`);
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
   * Sets what to preserve on a slow network or machine: `detail` the picture size, `motion` the
   * frame rate.
   * @param {OptimizationMode} mode
   */
  async setOptimizationMode(mode) {
    if (!(mode in DEGRADATION)) {
      throw new CallingError(400, 'The mode must be balanced, motion or detail.');
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

/** An audio track to publish. */
export class LocalAudioTrack extends LocalTrack {
  /** Exists once a volume is set. @type {{gain: GainNode, node: AudioNode} | null} */
  #mixer = null;
  /** Plays the track muted: Chromium decodes the sound of a connection only then. */
  #decoder = new Audio();

  static {
    proxyable(this);
  }

  /** @param {CustomAudioTrackConfig} config */
  constructor({ mediaStreamTrack, encoderConfig }) {
    super('audio', mediaStreamTrack);
    const bitrate =
      typeof encoderConfig === 'string' ? PRESETS[encoderConfig] : encoderConfig?.bitrate;
    if (bitrate) this.source.encode({ maxBitrate: 1000 * bitrate });
  }

  /**
   * Sets the volume. From then on the published track is the output of Web Audio instead of the
   * given one; `getMediaStreamTrack()` returns it.
   * @param {number} volume From 0 to 1000; 100 leaves the sound unchanged.
   */
  setVolume(volume) {
    if (!(volume >= 0 && volume <= 1000)) {
      throw new CallingError(400, 'The volume must be from 0 to 1000; 100 leaves it unchanged.');
    }
    if (this.#mixer) this.#mixer.gain.gain.value = volume / 100;
    else this.#mix(volume / 100);
  }

  /** Returns the level, from 0 to 1. */
  getVolumeLevel() {
    return meter(this.stream).level / 100;
  }

  /** Plays the track here. */
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

/** The supported part of Agora's entry point. */
export const AgoraRTC = Object.freeze({
  /** @param {CustomVideoTrackConfig} config */
  createCustomVideoTrack: (config) => new LocalVideoTrack(Object(config)),
  /** @param {CustomAudioTrackConfig} config */
  createCustomAudioTrack: (config) => new LocalAudioTrack(Object(config)),
});

/**
 * @param {'audio' | 'video'} kind
 * @param {any} track
 */
function checkTrack(kind, track) {
  if (track?.kind === kind && track.readyState === 'live') return;
  const what = track?.kind === kind ? 'has ended' : `is not of the kind ${kind}`;
  throw new CallingError(400, `The mediaStreamTrack ${what}.`);
}
