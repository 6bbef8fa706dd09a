// The part of agora-rtc-sdk-ng 4.24.8 that the bridge uses.

/** @typedef {number | string} AgoraUid */
/** @typedef {'audio' | 'video'} AgoraMediaType */

/**
 * @typedef {'user-joined' | 'user-left' | 'user-published' | 'user-unpublished' |
 *   'connection-state-change'} AgoraClientEvent
 */

/**
 * `publish` takes tracks of the SDK, whose types are narrower than those here.
 * @typedef {{
 *   readonly connectionState: string,
 *   readonly uid?: AgoraUid,
 *   readonly remoteUsers: AgoraRemoteUser[],
 *   readonly localTracks: object[],
 *   subscribe(user: AgoraRemoteUser, mediaType: AgoraMediaType): Promise<AgoraRemoteTrack>,
 *   unsubscribe(user: AgoraRemoteUser, mediaType: AgoraMediaType): Promise<void>,
 *   publish(track: any): Promise<any>,
 *   unpublish(track: any): Promise<any>,
 *   on(event: AgoraClientEvent, listener: (...payload: any[]) => void): void,
 *   off(event: AgoraClientEvent, listener: (...payload: any[]) => void): void,
 * }} AgoraClient
 */

/**
 * @typedef {{
 *   readonly uid: AgoraUid,
 *   readonly hasAudio: boolean,
 *   readonly hasVideo: boolean,
 * }} AgoraRemoteUser
 */

/**
 * @typedef {{
 *   getMediaStreamTrack(): MediaStreamTrack,
 *   on(event: 'track-updated', listener: () => void): void,
 *   off(event: 'track-updated', listener: () => void): void,
 * }} AgoraRemoteTrack
 */

/** @typedef {{getMediaStreamTrack(): MediaStreamTrack, close(): void}} AgoraLocalTrack */

/**
 * The AgoraRTC object.
 * @typedef {{
 *   createCustomAudioTrack(config: {mediaStreamTrack: MediaStreamTrack}): AgoraLocalTrack,
 *   createCustomVideoTrack(config: {mediaStreamTrack: MediaStreamTrack,
 *     optimizationMode?: 'motion' | 'detail'}): AgoraLocalTrack,
 * }} AgoraSdk
 */

export {};
