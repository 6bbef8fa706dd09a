// Raw media access to calls in the browser: the public entry. docs/acscall-js.md describes it.

export { AgoraRTC, LocalAudioTrack, LocalVideoTrack } from './acscall/agora.js';
export { Call } from './acscall/call.js';
export { CallAgent } from './acscall/call-agent.js';
export { CallClient } from './acscall/call-client.js';
export { DeviceManager } from './acscall/device-manager.js';
export { CallingError } from './acscall/errors.js';
export { Features } from './acscall/features.js';
export { IncomingCall } from './acscall/incoming-call.js';
export { LocalAudioStream } from './acscall/local-audio-stream.js';
export { LocalVideoStream } from './acscall/local-video-stream.js';
export { RemoteAudioStream } from './acscall/remote-audio-stream.js';
export { RemoteParticipant } from './acscall/remote-participant.js';
export { RemoteVideoStream } from './acscall/remote-video-stream.js';
export { setTick } from './acscall/timers.js';
export { CallAgentKind, CallKind, IncomingCallKind } from './acscall/kinds.js';
export { VideoStreamRenderer, VideoStreamRendererView } from './acscall/video-stream-renderer.js';
