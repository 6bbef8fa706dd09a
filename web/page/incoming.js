// The dialog that asks whether to answer who calls.

import { $, complain, hue, initial, setText } from './dom.js';
import { nameOf, userOf } from './people-of.js';

const DEVICES = ['audio', 'video'];

/** What became of a call that was neither answered nor declined here. */
const ENDS = {
  cancelled: (name) => `${name} called, and hung up before you answered.`,
  'no-answer': (name) => `You missed a call from ${name}.`,
  'answered-elsewhere': (name) =>
    `The call from ${name} was answered in another window or on another device.`,
  'declined-elsewhere': (name) =>
    `The call from ${name} was declined in another window or on another device.`,
};

/** Those who call: the first is shown. */
let calling = [];
let on;

/** `on.answered(incoming)`: it is to be accepted; `on.changed()`: another is shown, or none. */
export function start(handlers) {
  on = handlers;
  $('accept').addEventListener('click', accept);
  $('decline').addEventListener('click', decline);
  // Escape; the browser may close it without asking.
  $('incoming').addEventListener('close', () => shown() && !$('incoming').open && decline());
}

/** The call that comes in, or null: an `IncomingCall`. */
export function shown() {
  return calling[0] ?? null;
}

/** Shows `incoming` until it is answered or declined, here or elsewhere, or has ended. */
export function receive(incoming) {
  calling.push(incoming);
  incoming.on('callEnded', ({ callEndReason }) => {
    if (!calling.includes(incoming)) return;
    const { reason } = callEndReason;
    if (ENDS[reason]) complain(ENDS[reason](nameOf(incoming.callerInfo)));
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
  incoming.reject().catch((error) => complain(error.message));
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
    // Anybody may show any name.
    setText($('incoming-text'), name === user ? '' : `User name: ${user}`);
    setText($('incoming-initial'), initial(name));
    dialog.style.setProperty('--hue', String(hue(user)));
    if (!dialog.open) {
      for (const kind of DEVICES) $(`answer-${kind}`).checked = $(`with-${kind}`).checked;
      complain(null);
      // The focus goes to the heading: a key that is meant for something else answers nothing.
      dialog.showModal();
    }
  } else if (dialog.open) {
    dialog.close();
  }
  on.changed();
}
