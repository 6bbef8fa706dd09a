// A stand-in for Call as bridges use it. When it rejects operations, in which order its events come
// and when it sends a device follows the SDK (2.0.0, read in its bundle).

import {
  CallKind,
  LocalAudioStream,
  LocalVideoStream,
  type Call,
  type CallEndReason,
  type CallState,
  type JoinCallOptions,
} from '@azure/communication-calling';
import { StandInError } from '../error.js';
import { CallEmitter, type CallEvents } from './call-events.js';
import { Operations, type Operation } from './operations.js';
import type { StandInAudioStream } from './remote-audio-stream.js';
import type { StandInParticipant } from './remote-participant.js';
import { Sending } from './sending.js';

export class StandInCall implements Call {
  readonly kind = CallKind.Call;
  readonly callerInfo = { identifier: undefined };
  readonly direction = 'Outgoing';
  readonly role = 'Attendee';
  readonly info: Call['info'] = {
    groupId: undefined,
    threadId: undefined,
    participantId: 'bridge',
    getServerCallId: async () => 'call',
    onCallInfoChanged() {},
    offCallInfoChanged() {},
  };
  readonly lobby: Call['lobby'] = {
    participants: [],
    on() {},
    off() {},
    admit: notStoodIn,
    reject: notStoodIn,
    admitAll: notStoodIn,
  };
  // Changed in place, like the SDK's.
  readonly remoteAudioStreams: StandInAudioStream[] = [];
  readonly remoteParticipants: StandInParticipant[] = [];
  id = '';
  state: CallState = 'None';
  callEndReason?: CallEndReason;
  isMuted: boolean;
  isIncomingAudioMuted = false;

  readonly operations = new Operations();
  readonly sending: Sending;
  #events = new CallEmitter();

  constructor(options: JoinCallOptions = {}, microphone: () => LocalAudioStream | null) {
    const { audioOptions = {}, videoOptions } = options;
    for (const list of [audioOptions.localAudioStreams, videoOptions?.localVideoStreams]) {
      if (list && list.length !== 1) throw new StandInError(400, 41018, 'one stream, in an array');
    }
    this.sending = new Sending(this.#events, microphone);
    this.isMuted = audioOptions.muted ?? false;
    const [video] = videoOptions?.localVideoStreams ?? [];
    if (video) this.sending.addVideo(video);
    this.sending.fillAudio(audioOptions.localAudioStreams?.[0] ?? null);
  }

  get localVideoStreams(): readonly LocalVideoStream[] {
    return this.sending.videoStreams;
  }

  get localAudioStreams(): readonly LocalAudioStream[] {
    return this.sending.audioStreams;
  }

  get isScreenSharingOn(): boolean {
    return this.sending.isScreenOn;
  }

  get isLocalVideoStarted(): boolean {
    return this.sending.isVideoOn;
  }

  startVideo(stream: LocalVideoStream): Promise<void> {
    const { sending } = this;
    return this.#operate('startVideo', async (negotiate) => {
      if (sending.video) throw new StandInError(400, 43001, 'video is on already');
      if (!(stream instanceof LocalVideoStream)) throw new StandInError(400, 43002, 'no stream');
      await needsDevice('videoinput');
      // For a camera's stream, the camera is the fallback.
      if (stream.mediaStreamType === 'RawMedia') {
        sending.uplink.setCustom('video', await stream.getMediaStream());
      }
      sending.addVideo(stream);
      try {
        await negotiate();
      } catch (error) {
        sending.removeVideo();
        throw error;
      }
      if (sending.video === stream) sending.uplink.start('video');
    });
  }

  stopVideo(stream: LocalVideoStream): Promise<void> {
    const { sending } = this;
    return this.#operate('stopVideo', async (negotiate) => {
      if (!sending.video) throw new StandInError(400, 43003, 'video is off already');
      if (sending.video !== stream) throw new StandInError(400, 43004, 'another stream is sent');
      try {
        await negotiate();
        sending.uplink.stop('video');
      } finally {
        // Even if stopping fails, after which the camera is sent.
        sending.uplink.unsetCustom('video');
      }
      sending.removeVideo();
    });
  }

  startScreenSharing(stream?: LocalVideoStream): Promise<void> {
    const { sending } = this;
    return this.#operate('startScreenSharing', async (negotiate) => {
      this.#needsConnected();
      if (sending.isScreenOn) throw new StandInError(400, 43005, 'the screen is shared already');
      if (!(stream instanceof LocalVideoStream)) throw new StandInError(400, 43006, 'no stream');
      const media = await stream.getMediaStream();
      if (!media.active) throw new StandInError(400, 43007, 'the stream is not active');
      for (const track of media.getTracks()) track.stop();
      sending.uplink.setCustom('screen', await stream.getMediaStream());
      try {
        await negotiate();
      } catch (error) {
        sending.uplink.unsetCustom('screen');
        throw error;
      }
      sending.addScreen(stream);
    });
  }

  stopScreenSharing(): Promise<void> {
    return this.#operate('stopScreenSharing', async (negotiate) => {
      this.#needsConnected();
      if (!this.isScreenSharingOn) throw new StandInError(400, 43008, 'no screen is shared');
      await negotiate();
      this.sending.removeScreen();
    });
  }

  startAudio(stream: LocalAudioStream): Promise<void> {
    return this.#operate('startAudio', async (negotiate) => {
      if (!(stream instanceof LocalAudioStream) || stream.mediaStreamType !== 'RawMedia') {
        throw new StandInError(400, 43009, 'no custom stream');
      }
      await needsDevice('audioinput');
      await negotiate();
      await this.sending.giveAudio(stream);
    });
  }

  stopAudio(): void {
    this.sending.takeMicrophone();
  }

  mute(): Promise<void> {
    return this.#operate('mute', async (negotiate) => {
      await negotiate();
      this.setMuted(true);
    });
  }

  unmute(): Promise<void> {
    return this.#operate('unmute', async (negotiate) => {
      await negotiate();
      this.setMuted(false);
      this.sending.fillAudio();
    });
  }

  hold(): Promise<void> {
    return this.#operate('hold', async (negotiate) => {
      await negotiate();
      this.sending.hold();
      this.setState('LocalHold');
    });
  }

  resume(): Promise<void> {
    return this.#operate('resume', async (negotiate) => {
      await negotiate();
      this.sending.fillAudio();
      this.setState('Connected');
      this.sending.resume();
    });
  }

  async hangUp(): Promise<void> {
    this.setState('Disconnecting');
    await Promise.resolve();
    this.end({ code: 0, subCode: 0 });
  }

  async muteIncomingAudio(): Promise<void> {
    this.isIncomingAudioMuted = true;
    this.#events.emit('isIncomingAudioMutedChanged');
  }

  async unmuteIncomingAudio(): Promise<void> {
    this.isIncomingAudioMuted = false;
    this.#events.emit('isIncomingAudioMutedChanged');
  }

  on(event: string, listener: (payload: any) => void): void {
    this.#events.on(event, listener);
  }

  off(event: string, listener: (payload: any) => void): void {
    this.#events.off(event, listener);
  }

  dispose(): void {
    this.#events.clear();
  }

  feature(): never {
    throw new StandInError(501, 0, 'features are not stood in for');
  }

  addParticipant(): never {
    throw new StandInError(501, 0, 'addParticipant is not stood in for');
  }

  removeParticipant = notStoodIn;
  muteAllRemoteParticipants = notStoodIn;
  sendDtmf = notStoodIn;
  setConstraints = notStoodIn;

  // ---- Operations of the service

  get listeners(): number {
    return this.#events.count;
  }

  tell<Name extends keyof CallEvents>(
    event: Name,
    ...payload: CallEvents[Name] extends (...payload: infer Payload) => void ? Payload : never
  ): void {
    this.#events.emit(event, ...payload);
  }

  setState(state: CallState): void {
    if (this.state === state) return;
    this.state = state;
    this.#events.emit('stateChanged');
  }

  setMuted(isMuted: boolean): void {
    this.sending.uplink.mute(isMuted);
    if (this.isMuted === isMuted) return;
    this.isMuted = isMuted;
    this.#events.emit('isMutedChanged');
  }

  connect(): void {
    this.id = 'call-1';
    this.#events.emit('idChanged');
    this.setState('Connected');
    void this.sending.connect(this.isMuted);
  }

  /** Emits the events in the SDK's order. */
  end(reason: CallEndReason): void {
    if (this.state === 'Disconnected') return;
    this.callEndReason = reason;
    const gone = this.remoteParticipants.splice(0);
    for (const participant of gone) {
      participant.callEndReason = reason;
      participant.setState('Disconnected');
    }
    this.#events.emit('remoteParticipantsUpdated', { added: [], removed: gone });
    this.sending.end();
    const [mixed] = this.remoteAudioStreams.splice(0);
    mixed?.close();
    if (mixed) this.#events.emit('remoteAudioStreamsUpdated', { added: [], removed: [mixed] });
    this.setState('Disconnected');
  }

  #operate(operation: Operation, work: (negotiate: () => Promise<void>) => Promise<void>) {
    return this.operations.run(operation, async (negotiate) => {
      if (['None', 'Disconnecting', 'Disconnected'].includes(this.state)) {
        throw new StandInError(400, 43011, `${operation} while ${this.state}`);
      }
      await work(negotiate);
    });
  }

  #needsConnected(): void {
    if (this.state !== 'Connected') throw new StandInError(400, 43013, `while ${this.state}`);
  }
}

/** Rejects custom streams on a machine without such a device. */
async function needsDevice(kind: MediaDeviceKind): Promise<void> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (devices.some((device) => device.kind === kind)) return;
  throw new StandInError(400, 41048, `noDeviceSelected: there is no ${kind}`);
}

async function notStoodIn(): Promise<never> {
  throw new StandInError(501, 0, 'not stood in for: bridges do not use it');
}
