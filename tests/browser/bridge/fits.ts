// Checks the bridges' assumptions about the SDKs against the packages' own types. Nothing runs.

import type * as acs from '@azure/communication-calling';
import type { IAgoraRTC, IAgoraRTCClient } from 'agora-rtc-sdk-ng';
import { bridgeAcs } from '../../../web/bridge/acs.js';
import type { AcsCallEvent, AcsParticipantEvent } from '../../../web/bridge/acs/types.js';
import { bridgeAgora } from '../../../web/bridge/agora.js';
import type { AgoraClientEvent } from '../../../web/bridge/agora/types.js';
import type { AgoraEvents } from './stand-in/agora/client.js';

type OurCall = Parameters<typeof bridgeAcs>[1];

export function fitsAcs(call: acs.Call, sdk: typeof acs, ours: OurCall) {
  return bridgeAcs(call, ours, { sdk, from: 'assistant' });
}

export function fitsAgora(
  client: IAgoraRTCClient,
  screenClient: IAgoraRTCClient,
  sdk: IAgoraRTC,
  ours: OurCall,
) {
  return bridgeAgora(client, ours, { sdk, from: 'assistant', screenClient });
}

/** `never`, or those of `Names` that are no event of `Subject`. */
type Unknown<Subject, Names extends string> = {
  [Name in Names]: Subject extends { on: (event: Name, listener: () => void) => void }
    ? never
    : Name;
}[Names];

/** Does not compile if there is one. */
type None<Names extends never> = Names;

// An overloaded `on` counts as accepting all events, so this asks for each.
export type Events = [
  None<Unknown<acs.Call, AcsCallEvent>>,
  None<Unknown<acs.RemoteParticipant, AcsParticipantEvent>>,
  None<Unknown<acs.LocalVideoStream, 'videoSourceChanged'>>,
  None<Unknown<acs.LocalAudioStream, 'audioSourceChanged'>>,
  None<Unknown<acs.RemoteVideoStream, 'isAvailableChanged'>>,
];

/**
 * Agora's `on` accepts any name, but the listener's parameters of an unknown one have no type,
 * which is an error.
 */
export const agoraEvents: Record<
  keyof AgoraEvents | AgoraClientEvent,
  (client: IAgoraRTCClient) => void
> = {
  'connection-state-change': (client) =>
    client.on('connection-state-change', (state, before, reason) => [state, before, reason]),
  'user-joined': (client) => client.on('user-joined', (user) => user),
  'user-left': (client) => client.on('user-left', (user, reason) => [user, reason]),
  'user-published': (client) => client.on('user-published', (user, kind) => [user, kind]),
  'user-unpublished': (client) => client.on('user-unpublished', (user, kind) => [user, kind]),
  exception: (client) => client.on('exception', (event) => event),
};
