// A stand-in for IAgoraRTCClient as bridges use it, which simulates the other users of the channel.

import type {
  ConnectionDisconnectedReason,
  ConnectionState,
  IAgoraRTCClient,
  IAgoraRTCRemoteUser,
  IDataChannelConfig,
  ILocalDataChannel,
  ILocalTrack,
  IRemoteAudioTrack,
  IRemoteDataChannel,
  IRemoteTrack,
  IRemoteVideoTrack,
  UID,
} from 'agora-rtc-sdk-ng';
import { Emitter, type EventsOf } from '../emitter.js';
import { Line } from '../line.js';
import { RemoteMedia } from '../remote-media.js';
import { StandInUser } from './remote-user.js';

/** The members of a client that bridges and their callers use. */
export type Members =
  | 'connectionState'
  | 'remoteUsers'
  | 'localTracks'
  | 'uid'
  | 'channelName'
  | 'on'
  | 'once'
  | 'off'
  | 'removeAllListeners'
  | 'join'
  | 'leave'
  | 'publish'
  | 'unpublish'
  | 'subscribe'
  | 'unsubscribe'
  | 'setClientRole'
  | 'renewToken';

type Kind = 'audio' | 'video' | 'datachannel';
type Listener = (...payload: any[]) => void;

export type AgoraEvents = EventsOf<
  IAgoraRTCClient,
  {
    'connection-state-change': (
      state: ConnectionState,
      before: ConnectionState,
      reason?: ConnectionDisconnectedReason,
    ) => void;
    'user-joined': (user: IAgoraRTCRemoteUser) => void;
    'user-left': (user: IAgoraRTCRemoteUser, reason: string) => void;
    'user-published': (user: IAgoraRTCRemoteUser, kind: Kind) => void;
    'user-unpublished': (user: IAgoraRTCRemoteUser, kind: Kind) => void;
    exception: (event: { code: number; msg: string; uid: UID }) => void;
  }
>;

/** In the form of AgoraRTCError. */
export class StandInAgoraError extends Error {
  override readonly name = 'AgoraRTCException';

  constructor(
    readonly code: string,
    message = code,
  ) {
    super(`AgoraRTCError ${code}: ${message}`);
  }
}

/** Simulates the service for a joining client; a rejection refuses it. */
export type AgoraScript = (client: StandInClient, channel: string) => void | Promise<void>;

export class StandInClient implements Pick<IAgoraRTCClient, Members> {
  connectionState: ConnectionState = 'DISCONNECTED';
  readonly remoteUsers: StandInUser[] = [];
  readonly localTracks: ILocalTrack[] = [];
  uid?: UID;
  channelName?: string;
  /** How often publishing will still fail. */
  failing = 0;
  /** The operations, in order. */
  readonly done: string[] = [];
  /** Adds a receiver of this. */
  onReceived: (track: MediaStreamTrack) => void = () => {};
  onStopped: (kind: 'audio' | 'video') => void = () => {};
  #lines = new Map<ILocalTrack, Line>();
  #mutex: Promise<unknown> = Promise.resolve();
  #script: AgoraScript;
  #events = new Emitter<AgoraEvents>([
    'connection-state-change',
    'user-joined',
    'user-left',
    'user-published',
    'user-unpublished',
    'exception',
  ]);

  constructor(script: AgoraScript = () => {}) {
    this.#script = script;
  }

  async join(_appid: string, channel: string, token: string | null, uid?: UID | null) {
    // As careless as an SDK might be: the command has to keep this out of its logs.
    console.info(`signing in with ${token}`);
    this.setState('CONNECTING');
    await soon();
    try {
      await this.#script(this, channel);
    } catch (error) {
      this.setState('DISCONNECTED');
      throw error;
    }
    this.uid = uid ?? 4711;
    this.channelName = channel;
    this.setState('CONNECTED');
    return this.uid;
  }

  async leave(): Promise<void> {
    if (this.connectionState === 'DISCONNECTED') return;
    this.setState('DISCONNECTING');
    await soon();
    this.end('LEAVE');
  }

  publish(tracks: ILocalTrack | ILocalTrack[]): Promise<void>;
  publish(config: IDataChannelConfig): Promise<ILocalDataChannel>;
  publish(
    params: ILocalTrack | ILocalTrack[] | IDataChannelConfig,
  ): Promise<ILocalDataChannel | void>;
  async publish(params: ILocalTrack | ILocalTrack[] | IDataChannelConfig): Promise<any> {
    const tracks = [params].flat() as ILocalTrack[];
    this.done.push(`publish ${tracks.map(({ trackMediaType }) => trackMediaType)}`);
    for (const track of tracks) {
      if (!track.enabled) throw new StandInAgoraError('TRACK_IS_DISABLED');
    }
    await this.#alone(async () => {
      this.#needsConnected();
      if (this.failing > 0) {
        this.failing -= 1;
        throw new StandInAgoraError('UNEXPECTED_ERROR', 'as the script has it');
      }
      const isVideo = ({ trackMediaType }: ILocalTrack) => trackMediaType === 'video';
      if ([...this.localTracks, ...tracks].filter(isVideo).length > 1) {
        throw new StandInAgoraError('CAN_NOT_PUBLISH_MULTIPLE_VIDEO_TRACKS');
      }
      for (const track of tracks) {
        this.localTracks.push(track);
        const line = new Line(track.trackMediaType);
        this.#lines.set(track, line);
        line.send(track.getMediaStreamTrack());
        track.on('track-updated', (updated: MediaStreamTrack) => line.send(updated));
        void line.received.then((received) => {
          if (this.#lines.get(track) === line) this.onReceived(received);
        });
      }
    });
  }

  unpublish(tracks?: ILocalTrack | ILocalTrack[]): Promise<void>;
  unpublish(dataChannel?: ILocalDataChannel): Promise<void>;
  unpublish(params?: ILocalTrack | ILocalTrack[] | ILocalDataChannel): Promise<void>;
  async unpublish(params?: ILocalTrack | ILocalTrack[] | ILocalDataChannel): Promise<void> {
    const tracks = (params ? [params].flat() : [...this.localTracks]) as ILocalTrack[];
    this.done.push(`unpublish ${tracks.map(({ trackMediaType }) => trackMediaType)}`);
    await this.#alone(async () => {
      for (const track of tracks) this.#drop(track);
    });
  }

  subscribe(user: IAgoraRTCRemoteUser | UID, kind: 'video'): Promise<IRemoteVideoTrack>;
  subscribe(user: IAgoraRTCRemoteUser | UID, kind: 'audio'): Promise<IRemoteAudioTrack>;
  subscribe(
    user: IAgoraRTCRemoteUser | UID,
    kind: 'datachannel',
    channelId: number,
  ): Promise<IRemoteDataChannel>;
  subscribe(
    user: IAgoraRTCRemoteUser | UID,
    kind: Kind,
    channelId?: number,
  ): Promise<IRemoteTrack | IRemoteDataChannel>;
  async subscribe(user: IAgoraRTCRemoteUser | UID, kind: Kind): Promise<any> {
    if (kind === 'datachannel') throw new StandInAgoraError('NOT_SUPPORTED');
    this.#needsConnected();
    const found = this.#find(user);
    if (!found) throw new StandInAgoraError('INVALID_REMOTE_USER', 'user is not in the channel');
    if (!found.has(kind)) throw new StandInAgoraError('REMOTE_USER_IS_NOT_PUBLISHED');
    return found.subscribed(kind);
  }

  async unsubscribe(user: IAgoraRTCRemoteUser | UID, kind?: Kind): Promise<void> {
    const found = this.#find(user);
    if (!found) throw new StandInAgoraError('INVALID_REMOTE_USER', 'user is not in the channel');
    for (const one of ['audio', 'video'] as const) {
      if (!kind || kind === one) found.unsubscribed(one);
    }
  }

  async setClientRole(): Promise<void> {}

  async renewToken(): Promise<void> {}

  on(event: string, listener: Function): void {
    this.#events.on(event, listener as Listener);
  }

  once(event: string, listener: Function): void {
    this.#events.once(event, listener as Listener);
  }

  off(event: string, listener: Function): void {
    this.#events.off(event, listener as Listener);
  }

  removeAllListeners(): void {
    this.#events.clear();
  }

  // ---- Operations of scripts

  get listeners(): number {
    return this.#events.count;
  }

  /** What the others have received of this kind. */
  got(kind: 'audio' | 'video') {
    return [...this.#lines.values()].find((line) => line.kind === kind)?.farEnd?.got ?? null;
  }

  setState(state: ConnectionState, reason?: `${ConnectionDisconnectedReason}`): void {
    const before = this.connectionState;
    if (before === state) return;
    this.connectionState = state;
    const cause = reason as ConnectionDisconnectedReason | undefined;
    this.#events.emit('connection-state-change', state, before, cause);
  }

  enter(uid: UID): StandInUser {
    const user = new StandInUser(uid);
    this.remoteUsers.push(user);
    this.#events.emit('user-joined', user);
    return user;
  }

  leaves(user: StandInUser): void {
    for (const kind of ['audio', 'video'] as const) {
      if (user.has(kind)) this.unpublishes(user, kind);
    }
    this.remoteUsers.splice(this.remoteUsers.indexOf(user), 1);
    this.#events.emit('user-left', user, 'Quit');
  }

  publishes(user: StandInUser, kind: 'audio' | 'video', make: () => RemoteMedia): void {
    user.publishes(kind, make);
    this.#events.emit('user-published', user, kind);
  }

  unpublishes(user: StandInUser, kind: 'audio' | 'video'): void {
    user.unpublishes(kind);
    this.#events.emit('user-unpublished', user, kind);
  }

  end(reason: `${ConnectionDisconnectedReason}`): void {
    for (const track of [...this.localTracks]) this.#drop(track);
    for (const user of this.remoteUsers.splice(0)) {
      for (const kind of ['audio', 'video'] as const) user.unsubscribed(kind);
    }
    this.setState('DISCONNECTED', reason);
  }

  /** Adds a user that returns what it receives from this client, or from another in its channel. */
  echo(uid: UID, of: StandInClient = this): StandInUser {
    const user = this.enter(uid);
    of.onReceived = (track) => {
      const kind = track.kind as 'audio' | 'video';
      const relay = () =>
        kind === 'audio' ? RemoteMedia.tones([], track) : RemoteMedia.relay(track);
      this.publishes(user, kind, relay);
    };
    of.onStopped = (kind) => this.unpublishes(user, kind);
    return user;
  }

  #drop(track: ILocalTrack): void {
    const at = this.localTracks.indexOf(track);
    if (at < 0) return;
    this.localTracks.splice(at, 1);
    this.#lines.get(track)?.close();
    this.#lines.delete(track);
    this.onStopped(track.trackMediaType);
  }

  #find(user: IAgoraRTCRemoteUser | UID): StandInUser | undefined {
    const uid = typeof user === 'object' ? user.uid : user;
    return this.remoteUsers.find((one) => one.uid === uid);
  }

  /** Runs one operation after the other, like the SDK's own lock. */
  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#mutex.then(soon).then(work);
    this.#mutex = done.catch(() => {});
    return done;
  }

  #needsConnected(): void {
    if (this.connectionState === 'CONNECTED' || this.connectionState === 'RECONNECTING') return;
    throw new StandInAgoraError('INVALID_OPERATION', `in ${this.connectionState} state`);
  }
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
