// Who speaks.

import { Emitter, emit } from '../emitter.js';
import { proxyable } from '../proxies.js';
import { loudness } from '../remote-participant.js';

/** @import { Call } from '../call.js' */
/** @import { RemoteParticipant } from '../remote-participant.js' */

/**
 * The participants who speak, the loudest first.
 * @extends {Emitter<{dominantSpeakersChanged: void}>}
 */
export class DominantSpeakers extends Emitter {
  #call;
  #speakers = Object.freeze({ speakersList: Object.freeze([]), timestamp: new Date() });
  #update = () => this.#setSpeakers();

  static {
    proxyable(this);
  }

  /** @param {Call} call */
  constructor(call) {
    super(['dominantSpeakersChanged']);
    this.#call = call;
    this.#follow(call.remoteParticipants);
    call.on('remoteParticipantsUpdated', ({ added }) => {
      this.#follow(added);
      this.#setSpeakers();
    });
    this.#setSpeakers();
  }

  get name() {
    return 'DominantSpeakers';
  }

  /** The identifiers of the speakers, and the time of the last change. */
  get dominantSpeakers() {
    return this.#speakers;
  }

  dispose() {}

  /** @param {readonly RemoteParticipant[]} participants */
  #follow(participants) {
    for (const participant of participants) participant.on('isSpeakingChanged', this.#update);
  }

  #setSpeakers() {
    const speakers = this.#call.remoteParticipants.filter(({ isSpeaking }) => isSpeaking);
    speakers.sort((a, b) => loudness(b) - loudness(a));
    const list = speakers.map(({ identifier }) => identifier);
    const isSame = JSON.stringify(list) === JSON.stringify(this.#speakers.speakersList);
    if (isSame) return;
    const speakersList = /** @type {any} */ (Object.freeze(list));
    this.#speakers = Object.freeze({ speakersList, timestamp: new Date() });
    emit(this, 'dominantSpeakersChanged');
  }
}
