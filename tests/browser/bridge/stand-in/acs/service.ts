// The service and the other users of an ACS call, simulated by scripts.

import type { CallEndReason } from '@azure/communication-calling';
import { RemoteMedia } from '../remote-media.js';
import type { StandInCall } from './call.js';
import { StandInAudioStream } from './remote-audio-stream.js';
import { StandInParticipant } from './remote-participant.js';

/** Several round trips, in milliseconds: time for operations before Connected. */
const NEGOTIATION = 100;

export class AcsService {
  #tones: number[] = [];

  constructor(readonly call: StandInCall) {}

  /** Passes through the states up to Connected, without remote sound. */
  async connect(...before: ('Ringing' | 'InLobby' | 'EarlyMedia')[]): Promise<void> {
    await soon();
    this.call.setState('Connecting');
    for (const state of before) {
      await soon();
      this.call.setState(state);
    }
    await soon(NEGOTIATION);
    this.call.connect();
  }

  /** Adds a participant that is in the call or joining. */
  enter(
    rawId: string,
    displayName: string,
    state?: StandInParticipant['state'],
  ): StandInParticipant {
    const participant = new StandInParticipant(rawId, displayName, state);
    this.call.remoteParticipants.push(participant);
    this.call.tell('remoteParticipantsUpdated', { added: [participant], removed: [] });
    return participant;
  }

  leave(participant: StandInParticipant): void {
    participant.callEndReason = { code: 0, subCode: 5300 };
    participant.setState('Disconnected');
    const { remoteParticipants } = this.call;
    const at = remoteParticipants.indexOf(participant);
    if (at < 0) return;
    remoteParticipants.splice(at, 1);
    this.call.tell('remoteParticipantsUpdated', { added: [], removed: [participant] });
  }

  /** Sets the sound of the others. */
  sound(...frequencies: number[]): void {
    this.#tones = frequencies;
    this.#soundOf(RemoteMedia.tones(frequencies));
  }

  #soundOf(media: RemoteMedia): void {
    const { remoteAudioStreams } = this.call;
    if (remoteAudioStreams[0]) {
      remoteAudioStreams[0].replace(media);
      this.call.tell('remoteAudioStreamsUpdated', { added: [], removed: [] });
      return;
    }
    remoteAudioStreams.push(new StandInAudioStream(media));
    // The collection itself, like the SDK.
    this.call.tell('remoteAudioStreamsUpdated', { added: remoteAudioStreams, removed: [] });
  }

  /** Removes the remote sound. */
  silence(): void {
    const [mixed] = this.call.remoteAudioStreams.splice(0);
    if (!mixed) return;
    mixed.close();
    this.call.tell('remoteAudioStreamsUpdated', { added: [], removed: [mixed] });
  }

  end(reason: CallEndReason): void {
    this.call.end(reason);
  }

  /** Adds a participant that returns what it receives: `camera`, `screen` and sound. */
  echo(rawId: string, displayName: string): StandInParticipant {
    const participant = this.enter(rawId, displayName);
    const { uplink } = this.call.sending;
    const streams = { video: participant.camera, screen: participant.screen };
    uplink.onReceived = (kind, track) => {
      if (kind === 'audio') this.#soundOf(RemoteMedia.tones(this.#tones, track));
      else streams[kind].turnOnWith(() => RemoteMedia.relay(track));
    };
    uplink.onStopped = (kind) => {
      if (kind !== 'audio') streams[kind].turnOff();
    };
    return participant;
  }
}

/** Delays the events of a new call to a later task. */
function soon(milliseconds = 10): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
