// The media that we send in a call.

import { emit } from '../emitter.js';
import { CallingError } from '../errors.js';
import { microphoneStream } from '../local-audio-stream.js';
import { sourceOf } from '../local-source.js';
import { screenStream } from '../local-video-stream.js';
import { parseOptions } from './options.js';
import { STOPPED, Slots } from './slots.js';
import { ThinPicture, isThin } from './thin-picture.js';

/** @import { Call } from '../call.js' */
/** @import { LocalAudioStream } from '../local-audio-stream.js' */
/** @import { LocalVideoStream } from '../local-video-stream.js' */
/** @import { Encoding, Kind } from '../wire/leg.js' */
/** @import { CallSession } from '../wire/call-session.js' */
/** @import { CallOptions, VideoConstraints } from './options.js' */

export class LocalMedia {
  #call;
  #session;
  #slots = new Slots({
    trackChanged: (kind, track, encoding) => {
      this.#tracks.set(kind, {
        track: this.#encodable(kind, track),
        own: encoding,
        encoding: this.#limited(kind, encoding),
      });
      this.#updateTrack(kind);
    },
    changed: () => this.#changed(),
  });
  /**
   * The tracks to send, including those that are muted or on hold, each with its own encoding and
   * with that within the limits.
   * @type {Map<Kind, {track: MediaStreamTrack | null, own: Encoding, encoding: Encoding}>}
   */
  #tracks = new Map();
  /** The limits of the camera's encoding; 0 is none. @type {Encoding} */
  #limits = {};
  /** @type {Map<Kind, ThinPicture>} */
  #thin = new Map();
  /** Whether the call sends the microphone if the application gives no stream. */
  #hasMicrophone;
  #isHeld = false;
  #wasOn = { video: false, screen: false };
  /** @type {readonly LocalAudioStream[]} */
  audioStreams = Object.freeze([]);
  /** @type {readonly LocalVideoStream[]} */
  videoStreams = Object.freeze([]);

  /**
   * @param {Call} call Emits the events.
   * @param {CallSession} session Sends the tracks.
   * @param {CallOptions} [options]
   */
  constructor(call, session, options) {
    const { muted, audio, video, constraints } = parseOptions(options);
    this.#call = call;
    this.#session = session;
    this.isMuted = muted;
    this.#hasMicrophone = !audio;
    this.setConstraints(constraints);
    if (audio) this.#begin('audio', audio);
    else if (!muted) this.#begin('audio', microphoneStream());
    if (video) this.#begin('video', video);
  }

  /** @param {Kind} kind */
  isOn(kind) {
    return this.#slots.isOn(kind);
  }

  /**
   * @param {Kind} kind
   * @param {object} stream
   */
  async start(kind, stream) {
    this.#checkSends();
    if (kind !== 'audio') this.#checkFree(kind, stream);
    await this.#slots.start(kind, stream);
  }

  /** @param {Kind} kind */
  stop(kind) {
    this.#slots.stop(kind);
  }

  mute() {
    this.#setMuted(true);
  }

  /** Unmutes. A call that began muted opens its microphone only now. */
  async unmute() {
    this.#checkSends();
    if (this.#hasMicrophone && !this.#slots.stream('audio')) {
      await this.start('audio', microphoneStream());
    }
    this.#setMuted(false);
  }

  async stopAudio() {
    if (this.#hasMicrophone && !this.isMuted) await this.start('audio', microphoneStream());
    else this.stop('audio');
  }

  /** @param {unknown} stream */
  stopVideo(stream) {
    if (!stream || this.#slots.stream('video') !== stream) {
      throw new CallingError(400, 'This video is not being sent. Pass the started stream.');
    }
    this.stop('video');
  }

  /** @param {LocalVideoStream} [stream] */
  async startScreen(stream) {
    // Before the user has to choose.
    this.#checkSends();
    this.#checkFree('screen', stream);
    const screen = stream ?? (await screenStream());
    try {
      await this.start('screen', screen);
    } catch (error) {
      if (!stream) screen.dispose();
      throw error;
    }
  }

  /**
   * @param {unknown[]} tracks
   * @param {{screen?: boolean} | null} [options]
   */
  async publish(tracks, options) {
    const screen = options?.screen ?? false;
    for (const track of tracks) {
      const kind = sourceOf(track)?.kind;
      if (!kind) {
        throw new CallingError(400, 'Publish tracks created by AgoraRTC.createCustom…Track().');
      }
      await this.start(screen && kind === 'video' ? 'screen' : kind, Object(track));
    }
  }

  /** @param {unknown[]} tracks */
  unpublish(tracks) {
    for (const kind of /** @type {const} */ (['audio', 'video', 'screen'])) {
      if (tracks.includes(this.#slots.stream(kind))) this.stop(kind);
    }
  }

  /**
   * Limits the video of the camera; see `Call.setConstraints`.
   * @param {VideoConstraints | undefined} constraints
   */
  setConstraints(constraints) {
    const { bitrate, frameRate, frameHeight } = constraints?.send ?? {};
    this.#limits = {
      maxBitrate: bitrate?.max ?? this.#limits.maxBitrate,
      maxFramerate: frameRate?.max ?? this.#limits.maxFramerate,
      maxHeight: frameHeight?.max ?? this.#limits.maxHeight,
    };
    const sent = this.#tracks.get('video');
    if (!sent) return;
    sent.encoding = this.#limited('video', sent.own);
    this.#updateTrack('video');
  }

  /** @param {boolean} isHeld Whether to send nothing. */
  hold(isHeld) {
    this.#isHeld = isHeld;
    for (const kind of this.#tracks.keys()) this.#updateTrack(kind);
  }

  close() {
    this.#slots.close();
  }

  /**
   * Starts a stream with the call. A device that does not open does not end the call.
   * @param {'audio' | 'video'} kind
   * @param {object} stream
   */
  async #begin(kind, stream) {
    try {
      await this.start(kind, stream);
    } catch (/** @type {any} */ error) {
      // The application has replaced or stopped it.
      if (this.#slots.isClosed || error.message === STOPPED) return;
      console.warn(`The call goes on without ${kind}.`, error);
      emit(this.#call, 'mediaError', { error, mediaType: kind === 'audio' ? 'Audio' : 'Video' });
    }
  }

  #checkSends() {
    if (this.#session.roles.sends) return;
    throw new CallingError(400, 'The call was started with sends: false, so it cannot send.');
  }

  /**
   * @param {'video' | 'screen'} kind
   * @param {object} [stream]
   */
  #checkFree(kind, stream) {
    const sent = this.#slots.stream(kind);
    if (!sent || sent === stream) return;
    const message = `Another ${kind} stream is being sent. Stop it or change its source.`;
    throw new CallingError(400, message);
  }

  /**
   * Returns what to send for this track.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  #encodable(kind, track) {
    const before = this.#thin.get(kind);
    if (before && before.source === track) return before.track;
    before?.close();
    this.#thin.delete(kind);
    if (track?.kind !== 'video' || !isThin(track)) return track;
    const picture = new ThinPicture(track);
    this.#thin.set(kind, picture);
    return picture.track;
  }

  /**
   * Returns an encoding within the limits, and the same one if there are none.
   * @param {Kind} kind
   * @param {Encoding} encoding
   */
  #limited(kind, encoding) {
    const all = /** @type {[string, number | undefined][]} */ (Object.entries(this.#limits));
    const limits = all.filter(([, limit]) => limit);
    if (kind !== 'video' || !limits.length) return encoding;
    const own = /** @type {Record<string, any>} */ (encoding);
    const lower = limits.map(([name, limit = 0]) => [name, Math.min(limit, own[name] ?? limit)]);
    return { ...encoding, ...Object.fromEntries(lower) };
  }

  /** @param {Kind} kind */
  #updateTrack(kind) {
    const { track = null, encoding } = this.#tracks.get(kind) ?? {};
    const isSilent = this.#isHeld || (kind === 'audio' && this.isMuted);
    this.#session.setTrack(kind, isSilent ? null : track, encoding);
  }

  /** @param {boolean} isMuted */
  #setMuted(isMuted) {
    if (isMuted === this.isMuted) return;
    this.isMuted = isMuted;
    this.#updateTrack('audio');
    emit(this.#call, 'isMutedChanged');
  }

  #changed() {
    const { audioStreams, videoStreams } = this;
    const [audio, video, screen] = /** @type {const} */ (['audio', 'video', 'screen']).map((kind) =>
      this.#slots.stream(kind),
    );
    this.audioStreams = Object.freeze([audio].filter(Boolean));
    this.videoStreams = Object.freeze([video, screen].filter(Boolean));
    this.#emitUpdated('localAudioStreamsUpdated', audioStreams, this.audioStreams);
    this.#emitUpdated('localVideoStreamsUpdated', videoStreams, this.videoStreams);
    for (const [kind, event] of /** @type {const} */ ([
      ['video', 'isLocalVideoStartedChanged'],
      ['screen', 'isScreenSharingOnChanged'],
    ])) {
      const isOn = this.isOn(kind);
      if (isOn === this.#wasOn[kind]) continue;
      this.#wasOn[kind] = isOn;
      emit(this.#call, event);
    }
  }

  /**
   * @param {string} event
   * @param {readonly object[]} before
   * @param {readonly object[]} now
   */
  #emitUpdated(event, before, now) {
    const added = now.filter((one) => !before.includes(one));
    const removed = before.filter((one) => !now.includes(one));
    if (added.length || removed.length) emit(this.#call, event, { added, removed });
  }
}
