// Starts and stops what we send: microphone, camera and screen.

import * as camera from './camera.js';
import { askFor } from './devices.js';
import { $, showAlert } from './dom.js';
import * as microphone from './microphone.js';
import { deviceErrors } from './device-errors.js';

export const KINDS = ['audio', 'video', 'screen'];

/** Whether the call sends this kind. */
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

/** Starts or stops sending this kind. */
export async function toggle(kind, call) {
  if (!call || $(kind).ariaBusy) return;
  showAlert(null);
  if (!isSent(kind, call)) await start([kind], call);
  else await busy([kind], () => STOPS[kind](call)).catch((error) => showAlert(error.message));
}

/** Starts `kinds`, with one permission prompt if possible, and reports failures. */
export async function start(kinds, call) {
  const failures = await busy(kinds, async () => {
    const devices = kinds.filter((kind) => kind !== 'screen');
    const errors = devices.length ? await askFor(devices) : new Map();
    const failed = [...errors];
    for (const kind of kinds.filter((kind) => !errors.has(kind))) {
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
  else if (failures.length) showAlert(deviceErrors(failures));
}

/** Closes all devices. */
export async function stop() {
  microphone.close();
  await camera.close();
}

/** Marks the buttons as busy. `disabled` would take the keyboard focus away. */
async function busy(kinds, work) {
  for (const kind of kinds) $(kind).setAttribute('aria-busy', 'true');
  try {
    return await work();
  } finally {
    for (const kind of kinds) $(kind).removeAttribute('aria-busy');
  }
}
