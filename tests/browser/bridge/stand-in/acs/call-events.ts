// The events of a Call, checked against the SDK's own `on`.

import type {
  Call,
  CollectionUpdatedEvent,
  LocalAudioStream,
  LocalVideoStream,
  PropertyChangedEvent,
  RemoteAudioStream,
  RemoteParticipant,
} from '@azure/communication-calling';
import { Emitter, type EventsOf } from '../emitter.js';

export type CallEvents = EventsOf<
  Call,
  {
    stateChanged: PropertyChangedEvent;
    idChanged: PropertyChangedEvent;
    isMutedChanged: PropertyChangedEvent;
    isIncomingAudioMutedChanged: PropertyChangedEvent;
    isScreenSharingOnChanged: PropertyChangedEvent;
    isLocalVideoStartedChanged: PropertyChangedEvent;
    remoteParticipantsUpdated: CollectionUpdatedEvent<RemoteParticipant>;
    localVideoStreamsUpdated: CollectionUpdatedEvent<LocalVideoStream>;
    localAudioStreamsUpdated: CollectionUpdatedEvent<LocalAudioStream>;
    remoteAudioStreamsUpdated: CollectionUpdatedEvent<RemoteAudioStream>;
    roleChanged: PropertyChangedEvent;
    mutedByOthers: PropertyChangedEvent;
    callerInfoChanged: PropertyChangedEvent;
    transferorInfoChanged: PropertyChangedEvent;
  }
>;

export class CallEmitter extends Emitter<CallEvents> {
  constructor() {
    super([
      'stateChanged',
      'idChanged',
      'isMutedChanged',
      'isIncomingAudioMutedChanged',
      'isScreenSharingOnChanged',
      'isLocalVideoStartedChanged',
      'remoteParticipantsUpdated',
      'localVideoStreamsUpdated',
      'localAudioStreamsUpdated',
      'remoteAudioStreamsUpdated',
      'roleChanged',
      'mutedByOthers',
      'callerInfoChanged',
      'transferorInfoChanged',
    ]);
  }
}
