// A stand-in for IAgoraRTCRemoteUser and its tracks, controlled by scripts.

import type {
  IAgoraRTCRemoteUser,
  IRemoteAudioTrack,
  IRemoteVideoTrack,
  UID,
} from 'agora-rtc-sdk-ng';
import { Emitter } from '../emitter.js';
import { standsIn } from '../public.js';
import type { RemoteMedia } from '../remote-media.js';

/** The members of a track that bridges use. */
type Members =
  | 'trackMediaType'
  | 'isPlaying'
  | 'on'
  | 'once'
  | 'off'
  | 'getMediaStreamTrack'
  | 'getTrackId'
  | 'getUserId'
  | 'play'
  | 'stop';

type Listener = (...payload: any[]) => void;

interface Events {
  'track-updated': (track: MediaStreamTrack) => void;
  'first-frame-decoded': () => void;
  'transceiver-updated': () => void;
}

let count = 0;

/** A track of either kind; the differences are not simulated. */
class StandInRemoteTrack
  implements Pick<IRemoteVideoTrack, Members>, Pick<IRemoteAudioTrack, Members>
{
  isPlaying = false;
  #id = `track-${(count += 1)}`;
  #media: RemoteMedia;
  #events = new Emitter<Events>(['track-updated', 'first-frame-decoded', 'transceiver-updated']);

  constructor(
    readonly trackMediaType: 'audio' | 'video',
    readonly uid: UID,
    media: RemoteMedia,
  ) {
    this.#media = media;
  }

  on(event: string, listener: Function): void {
    this.#events.on(event, listener as Listener);
  }

  once(event: string, listener: Function): void {
    this.#events.once(event, listener as Listener);
  }

  off(event: string, listener: Function): void {
    this.#events.off(event, listener as Listener);
  }

  getMediaStreamTrack(): MediaStreamTrack {
    return this.#media.stream!.getTracks()[0]!;
  }

  getTrackId(): string {
    return this.#id;
  }

  getUserId(): UID {
    return this.uid;
  }

  play(): void {
    this.isPlaying = true;
  }

  stop(): void {
    this.isPlaying = false;
  }

  /** Replaces the connection, and with it the track inside. */
  async replace(media: RemoteMedia): Promise<void> {
    const old = this.#media;
    await ready(media);
    this.#media = media;
    old.close();
    this.#events.emit('track-updated', this.getMediaStreamTrack());
  }

  close(): void {
    this.#media.close();
  }
}

/** A user; its published media has a track for us once it is subscribed. */
export class StandInUser implements Pick<IAgoraRTCRemoteUser, keyof IAgoraRTCRemoteUser> {
  hasAudio = false;
  hasVideo = false;
  audioTrack?: IRemoteAudioTrack;
  videoTrack?: IRemoteVideoTrack;
  #making: Partial<Record<'audio' | 'video', () => RemoteMedia>> = {};
  #tracks: Partial<Record<'audio' | 'video', StandInRemoteTrack>> = {};

  constructor(readonly uid: UID) {}

  has(kind: 'audio' | 'video'): boolean {
    return kind === 'audio' ? this.hasAudio : this.hasVideo;
  }

  publishes(kind: 'audio' | 'video', make: () => RemoteMedia): void {
    this.#making[kind] = make;
    this.#setHas(kind, true);
  }

  unpublishes(kind: 'audio' | 'video'): void {
    this.#setHas(kind, false);
    this.unsubscribed(kind);
  }

  /** Creates the received track; there is one of each kind at a time. */
  async subscribed(kind: 'audio' | 'video'): Promise<IRemoteAudioTrack | IRemoteVideoTrack> {
    const media = this.#making[kind]!();
    await ready(media);
    const track = new StandInRemoteTrack(kind, this.uid, media);
    this.#tracks[kind]?.close();
    this.#tracks[kind] = track;
    if (kind === 'audio') {
      this.audioTrack = standsIn<IRemoteAudioTrack, Members>(track);
      return this.audioTrack;
    }
    this.videoTrack = standsIn<IRemoteVideoTrack, Members>(track);
    return this.videoTrack;
  }

  unsubscribed(kind: 'audio' | 'video'): void {
    this.#tracks[kind]?.close();
    delete this.#tracks[kind];
    delete this[kind === 'audio' ? 'audioTrack' : 'videoTrack'];
  }

  /** Receives the subscribed media over another connection, with another track. */
  async reconnect(kind: 'audio' | 'video', make: () => RemoteMedia): Promise<void> {
    this.#making[kind] = make;
    await this.#tracks[kind]?.replace(make());
  }

  #setHas(kind: 'audio' | 'video', has: boolean): void {
    if (kind === 'audio') this.hasAudio = has;
    else this.hasVideo = has;
  }
}

async function ready(media: RemoteMedia): Promise<void> {
  while (!media.stream) await new Promise((resolve) => setTimeout(resolve, 20));
}
