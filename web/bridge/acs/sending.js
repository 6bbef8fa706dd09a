// From our call into an ACS call: the SDK sends the feeds, and never a device of this machine.
//
// The SDK falls back to the microphone or camera whenever it has nothing else. So the sound is
// muted except while our own stream is sent, and any device among the local streams is stopped.

import { listen } from '../common/listen.js';
import { Reconciler } from '../common/reconciler.js';

/** @import { Outgoing, PictureKind } from '../common/outgoing.js' */
/** @import { Step } from '../common/reconciler.js' */
/** @import { AcsCall, AcsLocalAudioStream, AcsLocalVideoStream, AcsSdk } from './types.js' */

/** A stream of the SDK that sends our media, and the media. */
/** @typedef {{stream: AcsLocalAudioStream, media: MediaStream}} Sound */
/** @typedef {{stream: AcsLocalVideoStream, media: MediaStream, isStale: boolean}} Picture */

/** Without this option the SDK disposes of stopped streams, for example on hold. */
const KEPT = { autoDisposeOnCallEnd: false };

/** In these states the SDK ends its streams, and would continue with a device afterwards. */
const HELD = ['LocalHold', 'RemoteHold'];

/** The states in which nothing is sent, so that the first stream can be set in advance. */
const QUIET = ['Connecting', 'Ringing', 'EarlyMedia', 'InLobby', ...HELD];

/** A separate operation name, so that a failure here does not delay startAudio() later. */
const EARLIER = 'startAudio() while it is not connected';

export class AcsSending {
  #call;
  #sdk;
  #outgoing;
  #trouble;
  #listening = new AbortController();
  /** Three reconcilers, so that they do not wait for each other; muting is urgent. */
  #mutingSteps;
  #soundSteps;
  #pictureSteps;
  /** @type {Sound | null} */
  #sound = null;
  /** @type {Record<PictureKind, Picture | null>} */
  #pictures = { video: null, screen: null };
  /** Media that others have ended stays ended until it starts again on our side. */
  #isOver = { audio: false, screen: false };
  #isStopping = false;

  /**
   * @param {AcsCall} call
   * @param {AcsSdk} sdk
   * @param {Outgoing} outgoing
   * @param {(error: Error) => void} trouble
   */
  constructor(call, sdk, outgoing, trouble) {
    this.#call = call;
    this.#sdk = sdk;
    this.#outgoing = outgoing;
    this.#trouble = trouble;
    const rejected = (/** @type {string} */ name, /** @type {any} */ error) => {
      const why = error?.message ?? error;
      const message = `The ACS call rejected ${name}; retrying: ${why}`;
      trouble(new Error(message, { cause: error }));
    };
    this.#mutingSteps = new Reconciler([() => this.#nextOfMuting()], rejected);
    this.#soundSteps = new Reconciler([() => this.#nextOfSound()], rejected);
    const devices = () => this.#nextOfDevices();
    const video = () => this.#nextOfPicture('video');
    const screen = () => this.#nextOfPicture('screen');
    this.#pictureSteps = new Reconciler([devices, video, screen], rejected);
    const { signal } = this.#listening;
    const update = () => this.update();
    listen(call, 'stateChanged', () => this.#handleState(), signal);
    listen(call, 'isMutedChanged', update, signal);
    listen(call, 'mutedByOthers', () => this.#handleMutedByOthers(), signal);
    listen(call, 'localAudioStreamsUpdated', update, signal);
    listen(call, 'localVideoStreamsUpdated', (updated) => this.#handleVideo(updated), signal);
    this.update();
  }

  /** Called when the wanted or the actual state may have changed. */
  update() {
    for (const kind of /** @type {const} */ (['audio', 'screen'])) {
      if (!this.#outgoing.isOn(kind)) this.#isOver[kind] = false;
    }
    for (const steps of this.#all) steps.update();
  }

  get #all() {
    return [this.#mutingSteps, this.#soundSteps, this.#pictureSteps];
  }

  /**
   * Stops sending: mutes, and stops all pictures. The silent stream stays, because the SDK would
   * replace it with the microphone.
   */
  async stop() {
    this.#isStopping = true;
    await Promise.all(this.#all.map((steps) => steps.finish()));
    this.#listening.abort();
    if (this.#call.state === 'Disconnected' || !this.#sound) {
      this.#outgoing.close();
      return;
    }
    const closeAtEnd = () => {
      if (this.#call.state !== 'Disconnected') return;
      this.#call.off('stateChanged', closeAtEnd);
      this.#outgoing.close();
    };
    this.#call.on('stateChanged', closeAtEnd);
  }

  // ---- Sound

  /** @returns {Step | null} */
  #nextOfMuting() {
    const { state, isMuted } = this.#call;
    const isHeard = this.#outgoing.isOn('audio') && !this.#isOver.audio && this.#isOurs();
    if (state !== 'Connected' || isHeard !== isMuted) return null;
    if (isHeard) return { name: 'unmute()', run: () => this.#call.unmute() };
    return { name: 'mute()', run: () => this.#call.mute() };
  }

  /** @returns {Step | null} */
  #nextOfSound() {
    const { state } = this.#call;
    if (this.#isOurs() || this.#isStopping) return null;
    const run = () => this.#startAudio();
    // Before media starts, so that the microphone does not even open.
    if (QUIET.includes(state)) return { name: EARLIER, run };
    // In parallel with mute(), which needs the service: whichever is first silences the microphone.
    return state === 'Connected' ? { name: 'startAudio()', run } : null;
  }

  /** Whether the call would send our sound. */
  #isOurs() {
    const { localAudioStreams } = this.#call;
    const [stream] = localAudioStreams;
    const isAlone = localAudioStreams.length === 1 && stream === this.#sound?.stream;
    return isAlone && stream.mediaStreamType === 'RawMedia' && this.#sound?.media.active === true;
  }

  async #startAudio() {
    const { copies } = this.#outgoing.feeds.audio;
    const before = this.#sound;
    const media = copies.create();
    const stream = new this.#sdk.LocalAudioStream(media, KEPT);
    this.#sound = { stream, media };
    stream.on('audioSourceChanged', () => this.update());
    media.addEventListener('inactive', () => this.update());
    try {
      await this.#call.startAudio(stream);
    } catch (error) {
      this.#sound = before;
      copies.release(media);
      throw error;
    }
    if (before) copies.release(before.media);
    this.update();
  }

  /** Stays muted after another participant has muted us, until `from` starts to speak again. */
  #handleMutedByOthers() {
    if (!this.#isOurs() || this.#mutingSteps.running || !this.#outgoing.isOn('audio')) return;
    this.#isOver.audio = true;
    const what = `A participant of the ACS call muted ${this.#outgoing.from}`;
    this.#trouble(new Error(`${what}. To be heard again, mute and unmute in our call.`));
  }

  // ---- Pictures

  /**
   * Stops cameras and screens that are not ours.
   * @returns {Step | null}
   */
  #nextOfDevices() {
    const { state, localVideoStreams } = this.#call;
    if (state !== 'Connected') return null;
    const device = localVideoStreams.find(({ mediaStreamType }) => mediaStreamType !== 'RawMedia');
    if (!device) return null;
    const isScreen = device.mediaStreamType === 'ScreenSharing';
    const run = () => {
      const what = `A ${isScreen ? 'screen' : 'camera'} of this machine was sent into the ACS call`;
      this.#trouble(new Error(`${what}. The bridge stops it.`));
      return isScreen ? this.#call.stopScreenSharing() : this.#call.stopVideo(device);
    };
    return { name: isScreen ? 'stopScreenSharing()' : 'stopVideo()', run };
  }

  /**
   * @param {PictureKind} kind
   * @returns {Step | null}
   */
  #nextOfPicture(kind) {
    const picture = this.#pictures[kind];
    const isOn = picture !== null && this.#call.localVideoStreams.includes(picture.stream);
    if (isOn && (picture.isStale || !picture.media.active)) {
      return { name: 'setMediaStream()', run: () => this.#restore(kind, picture) };
    }
    if (this.#call.state !== 'Connected') return null;
    const isWanted = this.#outgoing.isOn(kind) && !(kind === 'screen' && this.#isOver.screen);
    if (isOn === isWanted) return null;
    if (isOn) {
      const name = kind === 'video' ? 'stopVideo()' : 'stopScreenSharing()';
      return { name, run: () => this.#stopPicture(kind, picture) };
    }
    const name = kind === 'video' ? 'startVideo()' : 'startScreenSharing()';
    return { name, run: () => this.#startPicture(kind) };
  }

  /** @param {PictureKind} kind */
  async #startPicture(kind) {
    const { copies } = this.#outgoing.feeds[kind];
    this.#drop(kind);
    // A new stream each time: the SDK disposes of screen shares in spite of the option.
    const media = copies.create();
    const stream = new this.#sdk.LocalVideoStream(media, KEPT);
    this.#pictures[kind] = { stream, media, isStale: false };
    stream.on('videoSourceChanged', () => this.update());
    if (kind === 'video') await this.#call.startVideo(stream);
    else await this.#call.startScreenSharing(stream);
  }

  /**
   * @param {PictureKind} kind
   * @param {Picture} picture
   */
  async #stopPicture(kind, picture) {
    if (kind === 'screen') {
      await this.#call.stopScreenSharing();
    } else {
      try {
        await this.#call.stopVideo(picture.stream);
      } catch (error) {
        // The SDK goes on sending, but has released our picture and would use the camera.
        await this.#restore(kind, picture);
        throw error;
      }
    }
    this.#drop(kind);
  }

  /**
   * Gives the SDK our picture again, if it still sends one.
   * @param {PictureKind} kind
   * @param {Picture} before
   */
  async #restore(kind, before) {
    const { stream } = before;
    if (!this.#call.localVideoStreams.includes(stream)) return;
    const { copies } = this.#outgoing.feeds[kind];
    const media = copies.create();
    // The SDK copies the stream it starts with, but sends this one itself, so its end matters.
    media.addEventListener('inactive', () => this.update());
    this.#pictures[kind] = { stream, media, isStale: false };
    try {
      await stream.setMediaStream(media);
    } catch (error) {
      this.#pictures[kind] = { ...before, isStale: true };
      copies.release(media);
      throw error;
    }
    copies.release(before.media);
  }

  /** @param {PictureKind} kind */
  #drop(kind) {
    const picture = this.#pictures[kind];
    this.#pictures[kind] = null;
    if (picture) this.#outgoing.feeds[kind].copies.release(picture.media);
  }

  // ---- Events of the call

  /** @param {{removed: readonly AcsLocalVideoStream[]}} updated */
  #handleVideo({ removed }) {
    const { screen } = this.#pictures;
    // Another participant shares a screen now. There can be only one, and we do not take it back.
    const isTaken = screen !== null && removed.includes(screen.stream);
    const isOurs = this.#pictureSteps.running.endsWith('ScreenSharing()');
    if (isTaken && !isOurs && this.#outgoing.isOn('screen')) {
      this.#isOver.screen = true;
      const what = `The ACS call ended the screen share of ${this.#outgoing.from}`;
      this.#trouble(new Error(`${what}. To share again, stop and start it in our call.`));
    }
    this.update();
  }

  #handleState() {
    const { state } = this.#call;
    // After a hold, for example, everything may be sent again.
    if (state !== 'Connected') this.#isOver = { audio: false, screen: false };
    if (HELD.includes(state)) {
      for (const picture of Object.values(this.#pictures)) if (picture) picture.isStale = true;
    }
    this.update();
  }
}
