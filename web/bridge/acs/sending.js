// From our call into an ACS call: what the SDK sends for us is what the feeds give, and never a
// device of this machine.
//
// The SDK goes back to the microphone or camera whenever it has nothing else. So the sound is
// muted until it is ours, and again as soon as it is not; whatever shows up among the local streams
// that is a device is stopped.

import { listen } from '../common/listen.js';
import { Reconciler } from '../common/reconciler.js';

/** @import { Outgoing, PictureKind } from '../common/outgoing.js' */
/** @import { Step } from '../common/reconciler.js' */
/** @import { AcsCall, AcsLocalAudioStream, AcsLocalVideoStream, AcsSdk } from './types.js' */

/** What we have the SDK send: one of its streams, and what is in it. */
/** @typedef {{stream: AcsLocalAudioStream, media: MediaStream}} Sound */
/** @typedef {{stream: AcsLocalVideoStream, media: MediaStream, isStale: boolean}} Picture */

/** The SDK disposes of streams that were stopped, on hold for instance, unless told otherwise. */
const KEPT = { autoDisposeOnCallEnd: false };

/** While it is held the SDK ends what it sent, and would go on with a device after that. */
const HELD = ['LocalHold', 'RemoteHold'];

/** The states in which nothing is sent: what is sent first after them can be given at once. */
const QUIET = ['Connecting', 'Ringing', 'EarlyMedia', 'InLobby', ...HELD];

/** Another operation than the same later, which need not wait where this one fails. */
const EARLIER = 'startAudio() while it is not connected';

export class AcsSending {
  #call;
  #sdk;
  #outgoing;
  #trouble;
  #listening = new AbortController();
  /** One does not wait for the other: least of all muting. */
  #mutingSteps;
  #soundSteps;
  #pictureSteps;
  /** @type {Sound | null} */
  #sound = null;
  /** @type {Record<PictureKind, Picture | null>} */
  #pictures = { video: null, screen: null };
  /** What others have ended stays so until it begins anew at our end. */
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
    const refused = (/** @type {string} */ name, /** @type {any} */ error) => {
      const why = error?.message ?? error;
      const message = `The ACS call refuses ${name}, which is tried again: ${why}`;
      trouble(new Error(message, { cause: error }));
    };
    this.#mutingSteps = new Reconciler([() => this.#nextOfMuting()], refused);
    this.#soundSteps = new Reconciler([() => this.#nextOfSound()], refused);
    const devices = () => this.#nextOfDevices();
    const video = () => this.#nextOfPicture('video');
    const screen = () => this.#nextOfPicture('screen');
    this.#pictureSteps = new Reconciler([devices, video, screen], refused);
    const { signal } = this.#listening;
    const look = () => this.look();
    listen(call, 'stateChanged', () => this.#renew(), signal);
    listen(call, 'isMutedChanged', look, signal);
    listen(call, 'mutedByOthers', () => this.#silenced(), signal);
    listen(call, 'localAudioStreamsUpdated', look, signal);
    listen(call, 'localVideoStreamsUpdated', (updated) => this.#updated(updated), signal);
    this.look();
  }

  /** What is wanted or what is may have changed. */
  look() {
    for (const kind of /** @type {const} */ (['audio', 'screen'])) {
      if (!this.#outgoing.isOn(kind)) this.#isOver[kind] = false;
    }
    for (const steps of this.#all) steps.look();
  }

  get #all() {
    return [this.#mutingSteps, this.#soundSteps, this.#pictureSteps];
  }

  /**
   * Sends nothing more: muted, and without pictures. The silent sound stays, because the SDK would
   * take the microphone in its place.
   */
  async stop() {
    this.#isStopping = true;
    await Promise.all(this.#all.map((steps) => steps.finish()));
    this.#listening.abort();
    if (this.#call.state === 'Disconnected' || !this.#sound) {
      this.#outgoing.close();
      return;
    }
    const look = () => {
      if (this.#call.state !== 'Disconnected') return;
      this.#call.off('stateChanged', look);
      this.#outgoing.close();
    };
    this.#call.on('stateChanged', look);
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
    // Before media begins, so that the microphone is not even opened.
    if (QUIET.includes(state)) return { name: EARLIER, run };
    // Beside mute(), which has to ask the service: whichever is done first ends the microphone.
    return state === 'Connected' ? { name: 'startAudio()', run } : null;
  }

  /** Whether it is our sound that is sent, if any is. */
  #isOurs() {
    const { localAudioStreams } = this.#call;
    const [stream] = localAudioStreams;
    const isAlone = localAudioStreams.length === 1 && stream === this.#sound?.stream;
    return isAlone && stream.mediaStreamType === 'RawMedia' && this.#sound?.media.active === true;
  }

  async #startAudio() {
    const { copies } = this.#outgoing.feeds.audio;
    const before = this.#sound;
    const media = copies.give();
    const stream = new this.#sdk.LocalAudioStream(media, KEPT);
    this.#sound = { stream, media };
    stream.on('audioSourceChanged', () => this.look());
    media.addEventListener('inactive', () => this.look());
    try {
      await this.#call.startAudio(stream);
    } catch (error) {
      this.#sound = before;
      copies.takeBack(media);
      throw error;
    }
    if (before) copies.takeBack(before.media);
    this.look();
  }

  /** Another participant has muted us. Who is muted so stays so, until `from` is heard anew. */
  #silenced() {
    if (!this.#isOurs() || this.#mutingSteps.doing || !this.#outgoing.isOn('audio')) return;
    this.#isOver.audio = true;
    const what = `${this.#outgoing.from} was muted by somebody in the ACS call`;
    this.#trouble(new Error(`${what}. Mute and unmute it in our call to be heard again.`));
  }

  // ---- Pictures

  /**
   * Cameras and screens that are none of ours.
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
      this.#trouble(new Error(`${what}. It is stopped.`));
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
    // A new one each time: the SDK disposes of those that were a screen share whatever it is told.
    const media = copies.give();
    const stream = new this.#sdk.LocalVideoStream(media, KEPT);
    this.#pictures[kind] = { stream, media, isStale: false };
    stream.on('videoSourceChanged', () => this.look());
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
        // It goes on, and the SDK has let go of our picture: it would be the camera.
        await this.#restore(kind, picture);
        throw error;
      }
    }
    this.#drop(kind);
  }

  /**
   * Gives the SDK our picture again, where it still sends one.
   * @param {PictureKind} kind
   * @param {Picture} before
   */
  async #restore(kind, before) {
    const { stream } = before;
    if (!this.#call.localVideoStreams.includes(stream)) return;
    const { copies } = this.#outgoing.feeds[kind];
    const media = copies.give();
    // Unlike what it began with, of which the SDK has a copy, this is what it sends and may end.
    media.addEventListener('inactive', () => this.look());
    this.#pictures[kind] = { stream, media, isStale: false };
    try {
      await stream.setMediaStream(media);
    } catch (error) {
      this.#pictures[kind] = { ...before, isStale: true };
      copies.takeBack(media);
      throw error;
    }
    copies.takeBack(before.media);
  }

  /** @param {PictureKind} kind */
  #drop(kind) {
    const picture = this.#pictures[kind];
    this.#pictures[kind] = null;
    if (picture) this.#outgoing.feeds[kind].copies.takeBack(picture.media);
  }

  // ---- What the call tells

  /** @param {{removed: readonly AcsLocalVideoStream[]}} updated */
  #updated({ removed }) {
    const { screen } = this.#pictures;
    // Somebody else shares a screen now, of which there is one: taking it back would be rude.
    const isTaken = screen !== null && removed.includes(screen.stream);
    const isOurs = this.#pictureSteps.doing.endsWith('ScreenSharing()');
    if (isTaken && !isOurs && this.#outgoing.isOn('screen')) {
      this.#isOver.screen = true;
      const what = `The screen share of ${this.#outgoing.from} was ended in the ACS call`;
      this.#trouble(new Error(`${what}. End it in our call and begin anew to share it again.`));
    }
    this.look();
  }

  #renew() {
    const { state } = this.#call;
    // After a hold, for instance, everything is wanted anew.
    if (state !== 'Connected') this.#isOver = { audio: false, screen: false };
    if (HELD.includes(state)) {
      for (const picture of Object.values(this.#pictures)) if (picture) picture.isStale = true;
    }
    this.look();
  }
}
