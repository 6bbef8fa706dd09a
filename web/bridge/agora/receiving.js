// From an Agora channel into our call: a guest with audio and camera for each user. A screen share
// is a separate user in the channel, and may be part of its owner's guest here.

import { Following } from '../common/following.js';
import { listen } from '../common/listen.js';
import { persist } from '../common/retry.js';

/** @import { Bridge } from '../common/bridge.js' */
/** @import { Guest } from '../common/guest.js' */
/** @import { Kind } from '../../acscall/wire/leg.js' */
/** @import { AgoraClient, AgoraMediaType, AgoraRemoteUser, AgoraUid } from './types.js' */

/**
 * The names of users in our call.
 * @typedef {object} Names
 * @property {(user: AgoraRemoteUser) => string} user
 * @property {(user: AgoraRemoteUser) => string | undefined} displayName
 * @property {(uid: AgoraUid) => AgoraUid | undefined} screenOf
 */

export class AgoraReceiving {
  #client;
  #bridge;
  #names;
  #isOwn;
  #listening = new AbortController();
  /** @type {Map<AgoraRemoteUser, User>} */
  #users = new Map();
  /** The guests, by the uid that they represent. @type {Map<AgoraUid, Guest>} */
  #guests = new Map();

  /**
   * @param {AgoraClient} client
   * @param {Bridge} bridge
   * @param {Names} names
   * @param {(uid: AgoraUid) => boolean} isOwn Whether this uid is the bridge's own.
   */
  constructor(client, bridge, names, isOwn) {
    this.#client = client;
    this.#bridge = bridge;
    this.#names = names;
    this.#isOwn = isOwn;
    const { signal } = this.#listening;
    const update = () => this.#update();
    listen(client, 'user-joined', update, signal);
    listen(client, 'user-left', update, signal);
    listen(client, 'user-published', (remote, type) => this.#published(remote, type), signal);
    listen(client, 'user-unpublished', update, signal);
    this.#update();
  }

  /** Stops following the channel. The bridge dismisses the guests. */
  stop() {
    this.#listening.abort();
    for (const user of this.#users.values()) user.stop();
  }

  #update() {
    const present = new Set(this.#client.remoteUsers.filter(({ uid }) => !this.#isOwn(uid)));
    for (const [remote, user] of this.#users) {
      if (present.has(remote)) continue;
      this.#users.delete(remote);
      user.stop();
    }
    const owners = new Set([...present].map((remote) => this.#ownerOf(remote)));
    for (const [owner, guest] of this.#guests) {
      if (owners.has(owner)) continue;
      this.#guests.delete(owner);
      this.#bridge.dismiss(guest);
    }
    for (const remote of present) this.#userOf(remote).update();
  }

  /**
   * @param {AgoraRemoteUser} remote
   * @param {string} type
   */
  #published(remote, type) {
    if (type === 'audio' || type === 'video') this.#users.get(remote)?.published(type);
    this.#update();
  }

  /** @param {AgoraRemoteUser} remote */
  #ownerOf({ uid }) {
    return this.#names.screenOf(uid) ?? uid;
  }

  /** @param {AgoraRemoteUser} remote */
  #userOf(remote) {
    const known = this.#users.get(remote);
    if (known) return known;
    const owner = this.#ownerOf(remote);
    const guest = this.#guests.get(owner) ?? this.#invite(owner, remote);
    const isScreen = owner !== remote.uid;
    const user = new User(this.#client, remote, this.#bridge, guest, isScreen ? 'screen' : 'video');
    this.#users.set(remote, user);
    return user;
  }

  /**
   * @param {AgoraUid} owner
   * @param {AgoraRemoteUser} remote The owner or its screen.
   */
  #invite(owner, remote) {
    const named = this.#client.remoteUsers.find(({ uid }) => uid === owner) ?? {
      ...remote,
      uid: owner,
    };
    const guest = this.#bridge.invite(this.#names.user(named), this.#names.displayName(named));
    this.#guests.set(owner, guest);
    return guest;
  }
}

/** A user of the channel. */
class User {
  #client;
  #remote;
  #bridge;
  #guest;
  #pictureKind;
  /** @type {Record<AgoraMediaType, Following<AgoraRemoteUser>>} */
  #media = {
    audio: new Following((remote, signal) => this.#follow('audio', remote, signal)),
    video: new Following((remote, signal) => this.#follow('video', remote, signal)),
  };

  /**
   * @param {AgoraClient} client
   * @param {AgoraRemoteUser} remote
   * @param {Bridge} bridge
   * @param {Guest} guest
   * @param {'video' | 'screen'} pictureKind
   */
  constructor(client, remote, bridge, guest, pictureKind) {
    this.#client = client;
    this.#remote = remote;
    this.#bridge = bridge;
    this.#guest = guest;
    this.#pictureKind = pictureKind;
  }

  update() {
    const remote = this.#remote;
    // The audio of a screen would replace its owner's voice.
    const isHeard = remote.hasAudio && this.#pictureKind === 'video';
    this.#media.audio.set(isHeard ? remote : null);
    this.#media.video.set(remote.hasVideo ? remote : null);
  }

  /**
   * Called when a track is published, possibly again, which needs a new subscription.
   * @param {AgoraMediaType} type
   */
  published(type) {
    if (this.#media[type].target) this.#media[type].restart();
  }

  stop() {
    for (const following of Object.values(this.#media)) following.set(null);
  }

  /**
   * @param {AgoraMediaType} type
   * @param {AgoraRemoteUser | null} remote Null if it is not published or not wanted.
   * @param {AbortSignal} signal
   */
  #follow(type, remote, signal) {
    /** @type {Kind} */
    const kind = type === 'audio' ? 'audio' : this.#pictureKind;
    if (!remote) {
      this.#guest.set(kind, null);
      return;
    }
    const begin = async () => {
      const track = await this.#client.subscribe(remote, type);
      if (signal.aborted) {
        this.#release(type);
        return;
      }
      const show = () => this.#guest.set(kind, track.getMediaStreamTrack());
      listen(track, 'track-updated', show, signal);
      show();
      signal.addEventListener('abort', () => this.#release(type), { once: true });
    };
    persist(begin, signal, (error) => {
      const what = `The ${kind} of ${this.#guest.displayName} is not available; retrying`;
      this.#bridge.trouble(new Error(`${what}: ${error.message}`, { cause: error }));
    });
  }

  /**
   * Unsubscribes.
   * @param {AgoraMediaType} type
   */
  #release(type) {
    const { hasAudio, hasVideo } = this.#remote;
    // Agora itself unsubscribes from what was unpublished.
    if (!(type === 'audio' ? hasAudio : hasVideo)) return;
    // It was published again and is followed.
    if (this.#media[type].target) return;
    this.#client.unsubscribe(this.#remote, type).catch((error) => {
      console.debug('cannot unsubscribe from an Agora user:', error);
    });
  }
}
