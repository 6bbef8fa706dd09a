// What a test's page has of ACS: the real SDK's local streams, and a stand-in call of which a
// script is the service.

import { CallClient, LocalAudioStream, LocalVideoStream } from '@azure/communication-calling';
import { StandInCall } from './stand-in/acs/call.js';
import { FarEnd, type Got } from './stand-in/far-end.js';
import type { Kind, Uplink } from './stand-in/uplink.js';
import { AcsService } from './stand-in/acs/service.js';
import { RemoteMedia } from './stand-in/remote-media.js';

const sdk = { LocalAudioStream, LocalVideoStream };

/** A call that has begun as the bridge's documentation says, or as `audioOptions` do. */
async function begin(audioOptions: { muted?: boolean; isOurs?: boolean } = { muted: true }) {
  // The real package's: only its devices can be made into its streams.
  const devices = await new CallClient().getDeviceManager();
  const [microphone] = await devices.getMicrophones();
  const make = () => (microphone ? new LocalAudioStream(microphone) : null);
  const call = new StandInCall({ audioOptions }, make);
  return new AcsService(call);
}

/**
 * The SDK's own media stack, which says what is sent of a kind: what the call's stand-in is given
 * is given to it as the real call does. None of this is in the SDK's types.
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
  /** What would be sent now: whose it is, and what is in it for a while. */
  const sends = async (kind: Kind) => {
    const handle = stack._deviceManager.createDevicesHandle(wanted[kind]);
    await handle.acquire();
    const { rawTrack } = handle.mediaStream;
    const farEnd = new FarEnd(rawTrack.clone());
    // Of sound, which may be silence, half a second.
    const isEnough = ({ frames, seconds }: Got) => (kind === 'audio' ? seconds > 0.5 : frames >= 5);
    while (!isEnough(farEnd.got)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    farEnd.close();
    // The handle stays, as a call's would: giving it back ends the tracks of what it was given.
    const { colour, heard } = farEnd.got;
    return { isDevice: /fake/i.test(rawTrack.label), colour, heard };
  };
  return { sends };
}

/** What came of a call and is wrong in any test. */
function wrongs({ call }: AcsService) {
  const { sending, operations } = call;
  return { violations: sending.uplink.violations, misuses: operations.misuses };
}

Object.assign(globalThis, { acs: { sdk, begin, mediaStack, wrongs, RemoteMedia, CallClient } });
