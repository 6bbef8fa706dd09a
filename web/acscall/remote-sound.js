// The sound of the others: played, and given out as streams.
//
// Chromium decodes the sound of a connection only while an element plays it: without one, WebAudio
// and relays get silence. So every track has an element that plays, muted if it must be. The
// streams that are given out come from WebAudio, so that they stay the same while the tracks
// underneath are replaced; it is started when somebody asks for the first. WebAudio waits for the
// first gesture of the user, if there was none yet.

import { deviceManager } from './device-manager.js';
import { CallingError } from './errors.js';

/** Opus' own: nothing is resampled. */
const SAMPLE_RATE = 48_000;

/** What lets a page make sound. */
const GESTURES = ['click', 'keydown', 'touchend'];

/** The sound of one participant. */
class Voice {
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** A video element, although there is no picture: without a gesture, no other may play muted. */
  #element = document.createElement('video');
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {AudioNode[]} */
  #outlets = [];
  /** Where it is given out alone. @type {MediaStreamAudioDestinationNode | null} */
  alone = null;

  /** @param {MediaStreamTrack | null} track */
  set(track) {
    if (this.#track === track) return;
    this.#track = track;
    this.#element.srcObject = track && new MediaStream([track]);
    this.#rewire();
  }

  /**
   * Plays, muted if need be. Says whether it may be heard, if it is to be.
   * @param {boolean} isMuted
   * @param {string} speaker Its id; empty for the system's choice.
   */
  async play(isMuted, speaker) {
    const element = this.#element;
    if (!this.#track) return true;
    element.muted = isMuted;
    try {
      // Not in all browsers.
      if (speaker !== (element.sinkId ?? '')) await element.setSinkId?.(speaker);
    } catch (error) {
      console.debug('another speaker is taken:', error);
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
    stop(this.alone);
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
  /** @type {Map<unknown, Voice>} */
  #voices = new Map();
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {MediaStreamAudioDestinationNode | null} */
  #mixed = null;
  /** Whether the page is silent. What is given out is not. */
  isMuted = false;
  #isClosed = false;
  #play = () => this.#playAll();

  constructor() {
    deviceManager().on('selectedSpeakerChanged', this.#play);
  }

  /**
   * The sound of `participant` is this track now.
   * @param {unknown} participant
   * @param {MediaStreamTrack | null} track
   */
  set(participant, track) {
    const voice = this.#voice(participant);
    voice.set(track);
    if (track) this.#playOne(voice);
  }

  /** @param {unknown} participant */
  remove(participant) {
    this.#voices.get(participant)?.close();
    this.#voices.delete(participant);
  }

  /** @param {boolean} isMuted Whether the page is to be silent. */
  mute(isMuted) {
    this.isMuted = isMuted;
    this.#play();
  }

  /** All of it. */
  mixed() {
    if (!isLive(this.#mixed)) {
      this.#mixed = this.#destination();
      for (const voice of this.#voices.values()) voice.connect(this.#mixed);
    }
    return /** @type {MediaStreamAudioDestinationNode} */ (this.#mixed).stream;
  }

  /**
   * That of one participant.
   * @param {unknown} participant
   */
  of(participant) {
    const voice = this.#voice(participant);
    if (!isLive(voice.alone)) {
      voice.alone = this.#destination();
      voice.connect(voice.alone);
    }
    return /** @type {MediaStreamAudioDestinationNode} */ (voice.alone).stream;
  }

  close() {
    this.#isClosed = true;
    for (const participant of [...this.#voices.keys()]) this.remove(participant);
    stop(this.#mixed);
    this.#context?.close();
    deviceManager().off('selectedSpeakerChanged', this.#play);
    this.#await(false);
  }

  /** @param {unknown} participant */
  #voice(participant) {
    let voice = this.#voices.get(participant);
    if (!voice) {
      voice = new Voice();
      if (this.#mixed) voice.connect(this.#mixed);
      this.#voices.set(participant, voice);
    }
    return voice;
  }

  #destination() {
    if (this.#isClosed) throw new CallingError(400, 'The call is over.');
    if (!this.#context) {
      this.#context = new AudioContext({ sampleRate: SAMPLE_RATE });
      this.#playAll();
    }
    return this.#context.createMediaStreamDestination();
  }

  #playAll() {
    this.#await(navigator.userActivation?.hasBeenActive === false);
    this.#context?.resume();
    for (const voice of this.#voices.values()) this.#playOne(voice);
  }

  /** @param {Voice} voice */
  async #playOne(voice) {
    const { selectedSpeaker } = deviceManager();
    // Whoever did not choose another follows the system's choice.
    const speaker = selectedSpeaker?.isSystemDefault ? '' : (selectedSpeaker?.id ?? '');
    const isHeard = await voice.play(this.isMuted, speaker);
    if (!isHeard && !this.#isClosed) this.#await(true);
  }

  /**
   * Whether sound has to wait for the user to touch the page.
   * @param {boolean} isOn
   */
  #await(isOn) {
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
