// The dialog to choose the camera and the microphone, with a preview.

import * as camera from './camera.js';
import { askFor, chosen, list, watch } from './devices.js';
import { $, setText, showTrack } from './dom.js';
import { Level } from './level.js';
import * as microphone from './microphone.js';
import { OwnPicture } from './own-picture.js';
import { deviceErrors } from './device-errors.js';

const SELECTS = { video: 'camera-choice', audio: 'microphone-choice' };

/** @type {OwnPicture | null} */
let picture = null;
/** @type {Level | null} */
let level = null;
/** The devices that were opened for the dialog only. */
let borrowed = { video: false, audio: false };
/** Called when the dialog has closed. */
let closed = () => {};

/** `done`: called after changes of the camera or its picture. */
export function start(done) {
  closed = done;
  $('devices-close').addEventListener('click', () => $('devices').close());
  $('devices').addEventListener('close', release);
  $('camera-choice').addEventListener('change', () =>
    tryTo('video', async () => {
      await camera.choose($('camera-choice').value);
      await showCamera();
    }),
  );
  $('microphone-choice').addEventListener('change', () =>
    tryTo('audio', async () => {
      await microphone.choose($('microphone-choice').value);
      await showLevel();
    }),
  );
  $('gray-choice').addEventListener('change', () =>
    tryTo('video', () => camera.setGray($('gray-choice').checked)),
  );
  watch(() => $('devices').open && fill());
}

/** Opens the dialog, with the devices. */
export async function open() {
  $('gray-choice').checked = camera.isGray();
  setText($('devices-error'), 'Opening devices…');
  $('devices').showModal();
  borrowed = { video: !camera.opened(), audio: !microphone.opened() };
  const errors = await askFor(['video', 'audio']);
  await fill();
  setText($('devices-error'), errors.size ? deviceErrors([...errors]) : '');
  if (!errors.has('video')) await tryTo('video', showCamera);
  if (!errors.has('audio')) await tryTo('audio', showLevel);
}

async function showCamera() {
  const stream = await camera.open();
  if (!$('devices').open) return release();
  picture ??= new OwnPicture(stream, showPicture);
  showPicture();
}

function showPicture() {
  const track = picture?.track ?? null;
  showTrack($('devices-picture'), track);
  $('devices-picture').classList.toggle('mirrored', camera.isMirrored(camera.opened(), track));
}

async function showLevel() {
  const stream = await microphone.open();
  const mediaStream = await stream.getMediaStream();
  level?.close();
  level = null;
  if (!$('devices').open) return release();
  level = new Level(mediaStream, (value) => ($('level').value = value));
}

async function fill() {
  for (const [kind, select] of Object.entries(SELECTS)) {
    const devices = (await list(kind)).filter(({ id }) => id);
    const current = (await chosen(kind))?.id;
    $(select).replaceChildren(
      ...devices.map(({ id, name }, at) => {
        const option = new Option(name || `${at + 1}`, id, false, id === current);
        return option;
      }),
    );
    if (!devices.length) $(select).append(new Option('None', '', true, true));
    $(select).disabled = !devices.length;
  }
}

async function tryTo(kind, work) {
  try {
    await work();
    setText($('devices-error'), '');
  } catch (error) {
    setText($('devices-error'), deviceErrors([[kind, error]]));
  }
}

async function release() {
  picture?.close();
  level?.close();
  picture = level = null;
  showPicture();
  closed();
  if (borrowed.audio) microphone.close();
  if (borrowed.video) await camera.close();
  borrowed = { video: false, audio: false };
}
