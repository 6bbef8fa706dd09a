// The part of @azure/communication-calling 2.0.0 that the bridge uses.

/**
 * @typedef {'stateChanged' | 'isMutedChanged' | 'mutedByOthers' | 'remoteParticipantsUpdated' |
 *   'localVideoStreamsUpdated' | 'localAudioStreamsUpdated' | 'remoteAudioStreamsUpdated'
 * } AcsCallEvent
 */

/**
 * @typedef {{
 *   readonly state: string,
 *   readonly callEndReason?: {code: number, subCode?: number, message?: string},
 *   readonly isMuted: boolean,
 *   readonly localVideoStreams: readonly AcsLocalVideoStream[],
 *   readonly localAudioStreams: readonly AcsLocalAudioStream[],
 *   readonly remoteAudioStreams: readonly AcsRemoteAudioStream[],
 *   readonly remoteParticipants: readonly AcsRemoteParticipant[],
 *   mute(): Promise<void>,
 *   unmute(): Promise<void>,
 *   startAudio(stream: AcsLocalAudioStream): Promise<void>,
 *   startVideo(stream: AcsLocalVideoStream): Promise<void>,
 *   stopVideo(stream: AcsLocalVideoStream): Promise<void>,
 *   startScreenSharing(stream?: AcsLocalVideoStream): Promise<void>,
 *   stopScreenSharing(): Promise<void>,
 *   on(event: AcsCallEvent, listener: (payload?: any) => void): void,
 *   off(event: AcsCallEvent, listener: (payload?: any) => void): void,
 * }} AcsCall
 */

/**
 * @typedef {{
 *   readonly identifier: object,
 *   readonly displayName?: string,
 *   readonly state: string,
 *   readonly videoStreams: readonly AcsRemoteVideoStream[],
 *   on(event: AcsParticipantEvent, listener: (payload?: any) => void): void,
 *   off(event: AcsParticipantEvent, listener: (payload?: any) => void): void,
 * }} AcsRemoteParticipant
 */

/** @typedef {'stateChanged' | 'displayNameChanged' | 'videoStreamsUpdated'} AcsParticipantEvent */

/**
 * @typedef {{
 *   readonly mediaStreamType: string,
 *   readonly isAvailable: boolean,
 *   getMediaStream(): Promise<MediaStream>,
 *   on(event: 'isAvailableChanged', listener: () => void): void,
 *   off(event: 'isAvailableChanged', listener: () => void): void,
 * }} AcsRemoteVideoStream
 */

/** @typedef {{getMediaStream(): Promise<MediaStream>}} AcsRemoteAudioStream */

/**
 * @typedef {{
 *   readonly mediaStreamType: string,
 *   setMediaStream(stream: MediaStream): Promise<void>,
 *   on(event: 'videoSourceChanged', listener: () => void): void,
 * }} AcsLocalVideoStream
 */

/**
 * @typedef {{
 *   readonly mediaStreamType: string,
 *   on(event: 'audioSourceChanged', listener: () => void): void,
 * }} AcsLocalAudioStream
 */

/** @typedef {{autoDisposeOnCallEnd?: boolean}} AcsStreamOptions */

/**
 * The module.
 * @typedef {{
 *   LocalAudioStream: new (source: MediaStream, options?: AcsStreamOptions) => AcsLocalAudioStream,
 *   LocalVideoStream: new (source: MediaStream, options?: AcsStreamOptions) => AcsLocalVideoStream,
 * }} AcsSdk
 */

export {};
