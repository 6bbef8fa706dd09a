// A stand-in for RemoteParticipant, controlled by scripts.

import type {
  CallEndReason,
  CollectionUpdatedEvent,
  EndpointDetails,
  ParticipantRole,
  PropertyChangedEvent,
  RemoteParticipant,
  RemoteParticipantState,
  RemoteVideoStream,
} from '@azure/communication-calling';
import { createIdentifierFromRawId } from '@azure/communication-common';
import { Emitter, type EventsOf } from '../emitter.js';
import { StandInVideoStream } from './remote-video-stream.js';

type Events = EventsOf<
  RemoteParticipant,
  {
    stateChanged: PropertyChangedEvent;
    isMutedChanged: PropertyChangedEvent;
    isSpeakingChanged: PropertyChangedEvent;
    displayNameChanged: PropertyChangedEvent;
    roleChanged: PropertyChangedEvent;
    videoStreamsUpdated: CollectionUpdatedEvent<RemoteVideoStream>;
  }
>;

export class StandInParticipant implements RemoteParticipant {
  readonly identifier: RemoteParticipant['identifier'];
  readonly endpointDetails: EndpointDetails[] = [];
  readonly role: ParticipantRole = 'Attendee';
  readonly isSpeaking = false;
  isMuted = false;
  displayName: string;
  state: RemoteParticipantState;
  callEndReason?: CallEndReason;
  #streams: StandInVideoStream[] = [];
  #events = new Emitter<Events>([
    'stateChanged',
    'isMutedChanged',
    'isSpeakingChanged',
    'displayNameChanged',
    'roleChanged',
    'videoStreamsUpdated',
  ]);

  constructor(rawId: string, displayName: string, state: RemoteParticipantState = 'Connected') {
    this.identifier = createIdentifierFromRawId(rawId);
    this.displayName = displayName;
    this.state = state;
  }

  /** A new array each time, like the SDK's. */
  get videoStreams(): ReadonlyArray<StandInVideoStream> {
    return [...this.#streams];
  }

  async mute(): Promise<void> {
    this.isMuted = true;
    this.#events.emit('isMutedChanged');
  }

  on(event: string, listener: (payload: any) => void): void {
    this.#events.on(event, listener);
  }

  off(event: string, listener: (payload: any) => void): void {
    this.#events.off(event, listener);
  }

  // ---- Operations of scripts

  get listeners(): number {
    return this.#streams.reduce((sum, { listeners }) => sum + listeners, this.#events.count);
  }

  get camera(): StandInVideoStream {
    return this.#stream('Video');
  }

  get screen(): StandInVideoStream {
    return this.#stream('ScreenSharing');
  }

  setState(state: RemoteParticipantState): void {
    if (this.state === state) return;
    this.state = state;
    if (state === 'Disconnected') {
      // The SDK's order; nothing follows.
      for (const stream of this.#streams) stream.turnOff();
      this.#events.emit('stateChanged');
      this.#events.clear();
    } else this.#events.emit('stateChanged');
  }

  rename(displayName: string): void {
    this.displayName = displayName;
    this.#events.emit('displayNameChanged');
  }

  /** Removes its stream of this type from the collection, like the end of a screen share. */
  drop(type: StandInVideoStream['mediaStreamType']): void {
    const stream = this.#streams.find(({ mediaStreamType }) => mediaStreamType === type);
    if (!stream) return;
    this.#streams = this.#streams.filter((one) => one !== stream);
    stream.turnOff();
    this.#events.emit('videoStreamsUpdated', { added: [], removed: [stream] });
  }

  #stream(type: StandInVideoStream['mediaStreamType']): StandInVideoStream {
    const known = this.#streams.find(({ mediaStreamType }) => mediaStreamType === type);
    if (known) return known;
    const stream = new StandInVideoStream(type);
    this.#streams.push(stream);
    this.#events.emit('videoStreamsUpdated', { added: [stream], removed: [] });
    return stream;
  }
}
