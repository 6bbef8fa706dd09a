// The ACS part of a test's page: the real SDK's local streams, and a stand-in for a call whose
// service is a script.

import { CallClient, LocalAudioStream, LocalVideoStream } from '@azure/communication-calling';
import { StandInCall } from './stand-in/acs/call.js';
import { FarEnd, type Got } from './stand-in/far-end.js';
import type { Kind, Uplink } from './stand-in/uplink.js';
import { AcsService } from './stand-in/acs/service.js';
import { RemoteMedia } from './stand-in/remote-media.js';

const sdk = { LocalAudioStream, LocalVideoStream };

/** Starts a call as the bridge's documentation says, or with `audioOptions`. */
async function begin(audioOptions: { muted?: boolean; isOurs?: boolean } = { muted: true }) {
  // From the real package: only its devices can become its streams.
  const devices = await new CallClient().getDeviceManager();
  const [microphone] = await devices.getMicrophones();
  const make = () => (microphone ? new LocalAudioStream(microphone) : null);
  const call = new StandInCall({ audioOptions }, make);
  return new AcsService(call);
}

/**
 * The SDK's own media stack, which reports what is sent of a kind. It gets the streams of the
 * stand-in for the call, as it would from the real one. None of this is in the SDK's types.
 */
async function mediaStack(uplink: Uplink) {
  const devices: any = await new CallClient().getDeviceManager();
  const stack = devices.getTsDeviceManager();
  const numbers: Record<Kind, number> = { audio: 0, video: 1, screen: 2 };
  const setCustom = uplink.setCustom.bind(uplink);
  const unsetCustom = uplink.unsetCustom.bind(uplink);
  uplink.setCustom = (kind, stream) => {
    stack.setRawMediaStream(stream, numbers[kind]);
    setCustom(kind, stream);
  };
  uplink.unsetCustom = (kind) => {
    stack.unsetRawMediaStream(numbers[kind]);
    unsetCustom(kind);
  };
  const wanted: Record<Kind, object> = {
    audio: { audio: true },
    video: { video: true },
    screen: { sharing: true },
  };
  /** Returns what would be sent now: the source, and its content for a while. */
  const sends = async (kind: Kind) => {
    const handle = stack._deviceManager.createDevicesHandle(wanted[kind]);
    await handle.acquire();
    const { rawTrack } = handle.mediaStream;
    const farEnd = new FarEnd(rawTrack.clone());
    // Half a second of sound, which may be silence.
    const isEnough = ({ frames, seconds }: Got) => (kind === 'audio' ? seconds > 0.5 : frames >= 5);
    while (!isEnough(farEnd.got)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    farEnd.close();
    // Kept, like a call would: returning the handle ends the tracks given to it.
    const { colour, heard } = farEnd.got;
    return { isDevice: /fake/i.test(rawTrack.label), colour, heard };
  };
  return { sends };
}

/** The problems of a call that fail any test. */
function wrongs({ call }: AcsService) {
  const { sending, operations } = call;
  return { violations: sending.uplink.violations, misuses: operations.misuses };
}

Object.assign(globalThis, { acs: { sdk, begin, mediaStack, wrongs, RemoteMedia, CallClient } });
