// The camera preview in the lobby: on request, or at once if the browser already permits it.

import * as camera from './camera.js';
import { askFor } from './devices.js';
import { $, hue, initial, setText, showAlert, showTrack } from './dom.js';
import { OwnPicture } from './own-picture.js';
import { deviceErrors } from './device-errors.js';

/** @type {OwnPicture | null} */
let picture = null;
/** Whether the page is in the lobby, the user wants the preview, and it is opening. */
let isPossible = true;
let isWanted = false;
let isOpening = false;

export function start() {
  $('show-me').addEventListener('click', async () => {
    showAlert(null);
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

/** `possible`: the page is in the lobby and does not wait for calls. */
export function show(possible) {
  isPossible = possible;
  if (!possible) hide();
  else if (isWanted) open({ quietly: true });
  showPicture();
}

/** Hides the preview, and leaves the camera open for the call. */
export function leave() {
  isWanted = false;
  hide();
  showPicture();
}

/** Hides the preview and closes the camera. */
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
    // The browser does not tell; the button remains.
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
    if (!quietly) showAlert(deviceErrors([['video', error]]));
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
