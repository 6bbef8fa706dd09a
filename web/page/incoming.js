// The dialog for incoming calls.

import { $, hue, initial, setText, showAlert } from './dom.js';
import { nameOf, userOf } from './participants.js';

const DEVICES = ['audio', 'video'];

/** The messages after a call that was neither answered nor declined here. */
const ENDS = {
  cancelled: (name) => `${name} called but hung up before you answered.`,
  'no-answer': (name) => `You missed a call from ${name}.`,
  'answered-elsewhere': (name) =>
    `The call from ${name} was answered in another window or on another device.`,
  'declined-elsewhere': (name) =>
    `The call from ${name} was declined in another window or on another device.`,
};

/** The incoming calls; the first one is shown. */
let calling = [];
let on;

/** `on.answered(incoming)`: accept this call; `on.changed()`: another call is shown, or none. */
export function start(handlers) {
  on = handlers;
  $('accept').addEventListener('click', accept);
  $('decline').addEventListener('click', decline);
  // Escape may close the dialog without a cancel event.
  $('incoming').addEventListener('close', () => shown() && !$('incoming').open && decline());
}

/** Returns the `IncomingCall` that is shown, or null. */
export function shown() {
  return calling[0] ?? null;
}

/** Shows `incoming` until it is answered, declined or over. */
export function receive(incoming) {
  calling.push(incoming);
  incoming.on('callEnded', ({ callEndReason }) => {
    if (!calling.includes(incoming)) return;
    const { reason } = callEndReason;
    if (ENDS[reason]) showAlert(ENDS[reason](nameOf(incoming.callerInfo)));
    remove(incoming);
  });
  show();
}

function accept() {
  const incoming = shown();
  if (!incoming) return;
  for (const kind of DEVICES) $(`with-${kind}`).checked = $(`answer-${kind}`).checked;
  remove(incoming);
  on.answered(incoming);
}

function decline() {
  const incoming = shown();
  if (!incoming) return;
  remove(incoming);
  incoming.reject().catch((error) => showAlert(error.message));
}

function remove(incoming) {
  calling = calling.filter((each) => each !== incoming);
  show();
}

function show() {
  const incoming = shown();
  const dialog = $('incoming');
  if (incoming) {
    const name = nameOf(incoming.callerInfo);
    const user = userOf(incoming.callerInfo.identifier);
    setText($('incoming-title'), `${name} is calling`);
    // Display names are not verified.
    setText($('incoming-text'), name === user ? '' : `User name: ${user}`);
    setText($('incoming-initial'), initial(name));
    dialog.style.setProperty('--hue', String(hue(user)));
    if (!dialog.open) {
      for (const kind of DEVICES) $(`answer-${kind}`).checked = $(`with-${kind}`).checked;
      showAlert(null);
      // Focuses the heading, so that a stray key answers nothing.
      dialog.showModal();
    }
  } else if (dialog.open) {
    dialog.close();
  }
  on.changed();
}
