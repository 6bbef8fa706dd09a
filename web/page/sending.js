// What we send into the call: microphone, camera and screen, started and stopped.

import * as camera from './camera.js';
import { askFor } from './devices.js';
import { $, complain } from './dom.js';
import * as microphone from './microphone.js';
import { deviceTrouble } from './trouble.js';

export const KINDS = ['audio', 'video', 'screen'];

/** Whether something of this kind is sent. */
export function isSent(kind, call) {
  if (kind === 'screen') return call.isScreenSharingOn;
  if (kind === 'video') return call.isLocalVideoStarted;
  return !call.isMuted && call.localAudioStreams.length > 0;
}

const STARTS = {
  async audio(call) {
    if (!call.localAudioStreams.length) await call.startAudio(await microphone.open());
    if (call.isMuted) await call.unmute();
  },
  async video(call) {
    await call.startVideo(await camera.open());
  },
  screen: (call) => call.startScreenSharing(),
};

const STOPS = {
  audio: (call) => call.mute(),
  async video(call) {
    const sent = call.localVideoStreams.find((stream) => stream === camera.opened());
    const others = call.localVideoStreams.filter(
      (stream) => stream.mediaStreamType !== 'ScreenSharing',
    );
    await call.stopVideo(sent ?? others[0]);
  },
  screen: (call) => call.stopScreenSharing(),
};

/** Starts or stops what is of this kind. */
export async function toggle(kind, call) {
  if (!call || $(kind).ariaBusy) return;
  complain(null);
  if (!isSent(kind, call)) await start([kind], call);
  else await busy([kind], () => STOPS[kind](call)).catch((error) => complain(error.message));
}

/** Starts `kinds`, asking the user once where that can be, and says what did not come about. */
export async function start(kinds, call) {
  const failures = await busy(kinds, async () => {
    const devices = kinds.filter((kind) => kind !== 'screen');
    const refused = devices.length ? await askFor(devices) : new Map();
    const failed = [...refused];
    for (const kind of kinds.filter((kind) => !refused.has(kind))) {
      if (call.state === 'Disconnected') break;
      try {
        await STARTS[kind](call);
      } catch (error) {
        if (kind === 'video') await camera.close();
        if (kind === 'audio') microphone.close();
        failed.push([kind, error]);
      }
    }
    return failed;
  });
  if (call.state === 'Disconnected') await stop();
  else if (failures.length) complain(deviceTrouble(failures));
}

/** Closes all devices. */
export async function stop() {
  microphone.close();
  await camera.close();
}

/** Not `disabled`: that would take the keyboard's focus away. */
async function busy(kinds, work) {
  for (const kind of kinds) $(kind).setAttribute('aria-busy', 'true');
  try {
    return await work();
  } finally {
    for (const kind of kinds) $(kind).removeAttribute('aria-busy');
  }
}
