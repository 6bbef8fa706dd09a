// Plays the sound of the other participants and provides it as streams.
//
// Chromium decodes the sound of a connection only while an element plays it; otherwise Web Audio
// and relays get silence. So each track has an element that plays it, muted if necessary. The
// provided streams come from Web Audio, so that they stay the same while the tracks behind them are
// replaced. The AudioContext is created with the first of them, and starts after a user gesture.

import { deviceManager } from './device-manager.js';
import { CallingError } from './errors.js';

/** The rate of Opus, which saves resampling. */
const SAMPLE_RATE = 48_000;

/** The events that allow a page to play sound. */
const GESTURES = ['click', 'keydown', 'touchend'];

/** The sound of one participant. */
class ParticipantSound {
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** A video element, because before a gesture no other may play, even muted. */
  #element = document.createElement('video');
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {AudioNode[]} */
  #outlets = [];
  /** The destination of this sound only. @type {MediaStreamAudioDestinationNode | null} */
  destination = null;

  /** @param {MediaStreamTrack | null} track */
  set(track) {
    if (this.#track === track) return;
    this.#track = track;
    this.#element.srcObject = track && new MediaStream([track]);
    this.#rewire();
  }

  /**
   * Plays the track, muted if requested or necessary. Returns false if the browser forced it muted.
   * @param {boolean} isMuted
   * @param {string} speaker The speaker's id; empty for the system default.
   */
  async play(isMuted, speaker) {
    const element = this.#element;
    if (!this.#track) return true;
    element.muted = isMuted;
    try {
      // Some browsers have no setSinkId.
      if (speaker !== (element.sinkId ?? '')) await element.setSinkId?.(speaker);
    } catch (error) {
      console.debug('the speaker cannot be selected, the current one stays:', error);
    }
    try {
      await element.play();
    } catch (/** @type {any} */ error) {
      if (isMuted || error.name !== 'NotAllowedError') return true;
      await this.play(true, speaker);
      return false;
    }
    return true;
  }

  /** @param {AudioNode} node */
  connect(node) {
    this.#outlets.push(node);
    this.#rewire();
  }

  close() {
    this.set(null);
    stop(this.destination);
  }

  #rewire() {
    this.#source?.disconnect();
    this.#source = null;
    const [context] = this.#outlets.map((node) => /** @type {AudioContext} */ (node.context));
    if (!context || !this.#track) return;
    this.#source = context.createMediaStreamSource(new MediaStream([this.#track]));
    for (const outlet of this.#outlets) this.#source.connect(outlet);
  }
}

/** The sound of all participants of a call. */
export class RemoteSound {
  /** @type {Map<unknown, ParticipantSound>} */
  #sounds = new Map();
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {MediaStreamAudioDestinationNode | null} */
  #mixed = null;
  /** Whether the page plays nothing. The provided streams are not affected. */
  isMuted = false;
  #isClosed = false;
  #play = () => this.#playAll();

  constructor() {
    deviceManager().on('selectedSpeakerChanged', this.#play);
  }

  /**
   * Sets the track of `participant`.
   * @param {unknown} participant
   * @param {MediaStreamTrack | null} track
   */
  set(participant, track) {
    const sound = this.#soundOf(participant);
    sound.set(track);
    if (track) this.#playOne(sound);
  }

  /** @param {unknown} participant */
  remove(participant) {
    this.#sounds.get(participant)?.close();
    this.#sounds.delete(participant);
  }

  /** @param {boolean} isMuted Whether the page plays nothing. */
  mute(isMuted) {
    this.isMuted = isMuted;
    this.#play();
  }

  /** Returns a stream of all participants' sound. */
  mixed() {
    if (!isLive(this.#mixed)) {
      this.#mixed = this.#createDestination();
      for (const sound of this.#sounds.values()) sound.connect(this.#mixed);
    }
    return /** @type {MediaStreamAudioDestinationNode} */ (this.#mixed).stream;
  }

  /**
   * Returns a stream of one participant's sound.
   * @param {unknown} participant
   */
  streamOf(participant) {
    const sound = this.#soundOf(participant);
    if (!isLive(sound.destination)) {
      sound.destination = this.#createDestination();
      sound.connect(sound.destination);
    }
    return /** @type {MediaStreamAudioDestinationNode} */ (sound.destination).stream;
  }

  close() {
    this.#isClosed = true;
    for (const participant of [...this.#sounds.keys()]) this.remove(participant);
    stop(this.#mixed);
    this.#context?.close();
    deviceManager().off('selectedSpeakerChanged', this.#play);
    this.#awaitGesture(false);
  }

  /** @param {unknown} participant */
  #soundOf(participant) {
    let sound = this.#sounds.get(participant);
    if (!sound) {
      sound = new ParticipantSound();
      if (this.#mixed) sound.connect(this.#mixed);
      this.#sounds.set(participant, sound);
    }
    return sound;
  }

  #createDestination() {
    if (this.#isClosed) throw new CallingError(400, 'The call is over.');
    if (!this.#context) {
      this.#context = new AudioContext({ sampleRate: SAMPLE_RATE });
      this.#playAll();
    }
    return this.#context.createMediaStreamDestination();
  }

  #playAll() {
    this.#awaitGesture(navigator.userActivation?.hasBeenActive === false);
    this.#context?.resume();
    for (const sound of this.#sounds.values()) this.#playOne(sound);
  }

  /** @param {ParticipantSound} sound */
  async #playOne(sound) {
    const { selectedSpeaker } = deviceManager();
    // Without an explicit choice the sound follows the system default.
    const speaker = selectedSpeaker?.isSystemDefault ? '' : (selectedSpeaker?.id ?? '');
    const isHeard = await sound.play(this.isMuted, speaker);
    if (!isHeard && !this.#isClosed) this.#awaitGesture(true);
  }

  /**
   * Retries playing at the next user gesture, or stops waiting for one.
   * @param {boolean} isOn
   */
  #awaitGesture(isOn) {
    const listen = isOn ? addEventListener : removeEventListener;
    for (const gesture of GESTURES) listen(gesture, this.#play, true);
  }
}

/** @param {MediaStreamAudioDestinationNode | null} node */
function isLive(node) {
  return node?.stream.getAudioTracks()[0].readyState === 'live';
}

/** @param {MediaStreamAudioDestinationNode | null} node */
function stop(node) {
  node?.stream.getAudioTracks()[0].stop();
}
