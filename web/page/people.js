// The panel with those who are in the call or were called into it, and what one may do about it.

import { $, announce, complain, listed, setText } from './dom.js';
import { ownName } from './identity.js';
import { isAway, isRung, nameOf, present, rung, userOf } from './people-of.js';

const STANDING = {
  ringing: 'ringing…',
  declined: 'declined',
  busy: 'busy',
  'no-answer': 'did not answer',
  unknown: 'cannot be reached',
};

const SENTENCES = {
  declined: (users) => `${listed(users)} declined.`,
  busy: (users) => `Busy, in a call or being called by somebody else: ${users.join(', ')}.`,
  'no-answer': (users) => `${listed(users)} did not answer.`,
  unknown: (users) =>
    `Nobody waits for calls as ${listed(users, 'or')}: check the name, or try again later.`,
};

/** The call that is shown, or null. */
let call = null;
/** Whether the panel is open, and what its list shows. */
let isOpen = false;
let shownPeople = '';
/** What has become of those who were called into the call and are not in it, by name. */
let standings = new Map();
/** Those who do not come, of whom the alert tells: by what became of them. */
let told = {};

export function start() {
  $('people').addEventListener('beforetoggle', ({ newState }) => {
    isOpen = newState === 'open';
    if (!isOpen) shownPeople = '';
    show(call);
  });
  $('invite-form').addEventListener('submit', (event) => {
    event.preventDefault();
    invite();
  });
  $('end-for-everyone').addEventListener('click', () => {
    $('people').hidePopover();
    call?.hangUp({ forEveryone: true }).catch((error) => complain(error.message));
  });
}

/** The names in a text that somebody typed. */
export function namesIn(text) {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names.filter(Boolean))];
}

/** Says who is here or rung now, and who is not any more. */
export function tell({ added, removed }) {
  for (const participant of added) {
    const name = nameOf(participant);
    standings.delete(userOf(participant.identifier));
    if (!isRung(participant)) announce(`${name} is here`);
    else {
      announce(`Ringing ${name}`);
      participant.on('stateChanged', function here() {
        if (isRung(participant)) return;
        participant.off('stateChanged', here);
        if (participant.state !== 'Disconnected') announce(`${nameOf(participant)} is here`);
      });
    }
  }
  for (const participant of removed) {
    const state = participant.callEndReason?.reason?.replace('callee-', '');
    if (SENTENCES[state]) doesNotCome(userOf(participant.identifier), state);
    else announce(`${nameOf(participant)} left`);
  }
}

function doesNotCome(user, state) {
  standings.set(user, state);
  // Several may be called at once: one does not hide the other.
  if (!isTold()) told = {};
  told[state] = [...(told[state] ?? []), user];
  complain(sentences());
}

/** Whether what has become of them is all that there is to say of a call that ended like this. */
export function haveTold({ reason }) {
  return reason.startsWith('callee-') && isTold();
}

/** Makes the panel what `shown` is: a call, or null. */
export function show(shown) {
  if (call !== shown) standings = new Map();
  call = shown;
  if (!call) {
    if (isOpen) $('people').hidePopover();
    $('invite-users').value = '';
    return;
  }
  if (!isOpen) return;
  const people = [{ name: `${ownName()} (you)`, standing: '' }];
  for (const participant of present(call)) {
    people.push({
      name: nameOf(participant),
      standing: isAway(participant) ? 'reconnecting…' : '',
    });
  }
  for (const user of rung(call)) people.push({ name: user, standing: STANDING.ringing });
  for (const [user, state] of standings) people.push({ name: user, standing: STANDING[state] });
  showList(people);
  $('end-for-everyone').hidden = people.length < 2;
}

function showList(people) {
  const now = JSON.stringify(people);
  if (now === shownPeople) return;
  shownPeople = now;
  $('people-list').replaceChildren(
    ...people.map(({ name, standing }) => {
      const item = $('person').content.firstElementChild.cloneNode(true);
      setText(item.querySelector('.name'), name);
      setText(item.querySelector('.standing'), standing ?? '');
      return item;
    }),
  );
}

function invite() {
  const users = namesIn($('invite-users').value);
  const here = present(call).find(({ identifier }) => users.includes(userOf(identifier)));
  complain(null);
  try {
    if (here) throw new Error(`${userOf(here.identifier)} is in the call already.`);
    for (const user of users) call.addParticipant(user);
    $('invite-users').value = '';
  } catch (/** @type {any} */ error) {
    complain(error.message);
  }
}

/** Whether the alert says what was told last, and nothing else. */
function isTold() {
  return !$('alert').hidden && $('alert-text').textContent === sentences();
}

function sentences() {
  return Object.entries(told)
    .map(([state, users]) => SENTENCES[state](users))
    .join(' ');
}
