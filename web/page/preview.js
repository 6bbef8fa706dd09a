// One's own picture before a call: asked for, or shown where the browser has allowed it before.

import * as camera from './camera.js';
import { askFor } from './devices.js';
import { $, complain, hue, initial, setText, showTrack } from './dom.js';
import { OwnPicture } from './own-picture.js';
import { deviceTrouble } from './trouble.js';

/** @type {OwnPicture | null} */
let picture = null;
/** Whether the lobby may show it now, whether the user wants it there, and is waiting for it. */
let isPossible = true;
let isWanted = false;
let isOpening = false;

export function start() {
  $('show-me').addEventListener('click', async () => {
    complain(null);
    $('with-video').checked = true;
    if (await open()) $('with-video').focus();
  });
  $('with-video').addEventListener('change', () => {
    if (!$('with-video').checked) close();
    else openIfAllowed();
  });
  $('user').addEventListener('input', showName);
  showName();
  openIfAllowed();
}

/** `possible`: the page is at rest, and does not wait for calls. */
export function show(possible) {
  isPossible = possible;
  if (!possible) hide();
  else if (isWanted) open({ quietly: true });
  showPicture();
}

/** No picture any more. The camera is somebody else's, if it is open. */
export function leave() {
  isWanted = false;
  hide();
  showPicture();
}

/** The same, and the camera is closed. */
export async function close() {
  leave();
  await camera.close();
}

export function showName() {
  const name = $('user').value.trim();
  setText($('preview-initial'), name ? initial(name) : '?');
  $('preview').style.setProperty('--hue', String(hue(name)));
}

async function openIfAllowed() {
  try {
    const { state } = await navigator.permissions.query({ name: 'camera' });
    if (state === 'granted' && $('with-video').checked) await open({ quietly: true });
  } catch {
    // The browser does not say: there is a button.
  }
}

async function open({ quietly = false } = {}) {
  if (!isPossible || picture || isOpening) return false;
  isOpening = isWanted = true;
  try {
    const [failed] = await askFor(['video']);
    if (failed) throw failed[1];
    const stream = await camera.open();
    if (!isPossible || !isWanted) return false;
    picture = new OwnPicture(stream, showPicture);
  } catch (error) {
    await close();
    if (!quietly) complain(deviceTrouble([['video', error]]));
  } finally {
    isOpening = false;
  }
  return picture !== null;
}

function hide() {
  picture?.close();
  picture = null;
}

function showPicture() {
  const track = picture?.track ?? null;
  showTrack($('mirror'), track);
  $('mirror').classList.toggle('seen', track !== null);
  $('mirror').classList.toggle('mirrored', camera.isMirrored(camera.opened(), track));
  $('show-me').hidden = !isPossible || picture !== null;
}
