// Stand-ins for CallClient, CallAgent and DeviceManager, which a page uses before a call.

import {
  CallAgentKind,
  LocalAudioStream,
  type AudioDeviceInfo,
  type CallAgent,
  type CallAgentOptions,
  type CallClient,
  type CollectionUpdatedEvent,
  type Call,
  type ConnectionStateChangedEvent,
  type DeviceManager,
  type HandleIncomingCallEvent,
  type IncomingCallEvent,
  type JoinCallOptions,
} from '@azure/communication-calling';
import {
  getIdentifierRawId,
  type CommunicationIdentifier,
  type CommunicationTokenCredential,
} from '@azure/communication-common';
import { Emitter, type EventsOf } from '../emitter.js';
import { StandInError } from '../error.js';
import type { Public } from '../public.js';
import { StandInCall } from './call.js';
import { AcsService } from './service.js';

/** The callees or the locator of a call. */
export type Locator =
  | { groupId: string }
  | { meetingLink: string }
  | { meetingId: string; passcode?: string }
  | { roomId: string }
  | { callees: string[] };

/** Simulates the service for a new call. */
export type Script = (service: AcsService, locator: Locator) => void;

type AgentEvents = EventsOf<
  CallAgent,
  {
    handleIncomingCall: HandleIncomingCallEvent;
    incomingCall: IncomingCallEvent;
    callsUpdated: CollectionUpdatedEvent<Call>;
    connectionStateChanged: ConnectionStateChangedEvent;
  }
>;

/** Creates a stand-in class for CallClient whose calls follow `script`. */
export function clientClass(devices: () => Promise<DeviceManager>, script: Script) {
  return class StandInCallClient implements Public<CallClient> {
    feature(): never {
      throw new StandInError(501, 0, 'features are not stood in for');
    }

    async createCallAgent(
      credential: CommunicationTokenCredential,
      options?: CallAgentOptions,
    ): Promise<CallAgent> {
      const { token } = await credential.getToken();
      // As careless as an SDK might be: the command has to keep this out of its logs.
      console.info(`signing in with ${token}`);
      if (atob(token.split('.')[1] ?? '').includes('refused')) {
        throw new StandInError(401, 40101, 'the token is refused, as the script has it');
      }
      const [microphone] = await (await devices()).getMicrophones();
      return new StandInAgent(microphone, script, options);
    }

    createTeamsCallAgent(): Promise<never> {
      throw new StandInError(501, 0, 'Teams users are not stood in for');
    }

    getDeviceManager(): Promise<DeviceManager> {
      return devices();
    }

    async dispose(): Promise<void> {}
  };
}

class StandInAgent implements CallAgent {
  readonly kind = CallAgentKind.CallAgent;
  readonly connectionState = 'Connected';
  readonly calls: StandInCall[] = [];
  readonly displayName?: string;
  #events = new Emitter<AgentEvents>([
    'handleIncomingCall',
    'incomingCall',
    'callsUpdated',
    'connectionStateChanged',
  ]);
  #microphone: AudioDeviceInfo | undefined;
  #script: Script;

  constructor(
    microphone: AudioDeviceInfo | undefined,
    script: Script,
    { displayName }: CallAgentOptions = {},
  ) {
    this.#microphone = microphone;
    this.#script = script;
    if (displayName !== undefined) this.displayName = displayName;
  }

  startCall(users: CommunicationIdentifier[], options?: JoinCallOptions): Call {
    return this.#begin({ callees: users.map(getIdentifierRawId) }, options);
  }

  join(locator: Exclude<Locator, { callees: string[] }>, options?: JoinCallOptions): Call {
    return this.#begin(locator, options);
  }

  on(event: string, listener: (payload: any) => void): void {
    this.#events.on(event, listener);
  }

  off(event: string, listener: (payload: any) => void): void {
    this.#events.off(event, listener);
  }

  async dispose(): Promise<void> {
    for (const call of this.calls) call.end({ code: 0, subCode: 0 });
    this.#events.clear();
  }

  #begin(locator: Locator, options?: JoinCallOptions): StandInCall {
    const call = new StandInCall(
      options,
      () => this.#microphone ? new LocalAudioStream(this.#microphone) : null,
    );
    this.calls.push(call);
    this.#events.emit('callsUpdated', { added: [call], removed: [] });
    this.#script(new AcsService(call), locator);
    return call;
  }
}
