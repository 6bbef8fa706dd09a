// The panel of participants and invited users.

import { $, announce, listed, setText, showAlert } from './dom.js';
import { ownName } from './identity.js';
import { isAway, isRung, nameOf, present, ringing, userOf } from './participants.js';

const STATUS = {
  ringing: 'ringing…',
  declined: 'declined',
  busy: 'busy',
  'no-answer': 'did not answer',
  unknown: 'cannot be reached',
};

const SENTENCES = {
  declined: (users) => `${listed(users)} declined.`,
  busy: (users) => `Busy with another call: ${users.join(', ')}.`,
  'no-answer': (users) => `${listed(users)} did not answer.`,
  unknown: (users) =>
    `Nobody is waiting for calls as ${listed(users, 'or')}. Check the name or try again later.`,
};

/** The call that is shown, or null. */
let call = null;
/** Whether the panel is open, and what its list shows. */
let isOpen = false;
let shownPeople = '';
/** The status of the invited users who are not in the call, by name. */
let statuses = new Map();
/** The users in the alert, by the reason why they do not come. */
let reported = {};

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
    call?.hangUp({ forEveryone: true }).catch((error) => showAlert(error.message));
  });
}

/** Returns the names in a comma-separated text. */
export function namesIn(text) {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names.filter(Boolean))];
}

/** Announces who joined, who is being rung, and who left. */
export function announceUpdate({ added, removed }) {
  for (const participant of added) {
    const name = nameOf(participant);
    statuses.delete(userOf(participant.identifier));
    if (!isRung(participant)) announce(`${name} joined`);
    else {
      announce(`Ringing ${name}`);
      participant.on('stateChanged', function here() {
        if (isRung(participant)) return;
        participant.off('stateChanged', here);
        if (participant.state !== 'Disconnected') announce(`${nameOf(participant)} joined`);
      });
    }
  }
  for (const participant of removed) {
    const state = participant.callEndReason?.reason?.replace('callee-', '');
    if (SENTENCES[state]) report(userOf(participant.identifier), state);
    else announce(`${nameOf(participant)} left`);
  }
}

/** Shows in the alert why a user does not come. */
function report(user, state) {
  statuses.set(user, state);
  // The alert lists all of them if several are called at once.
  if (!isAlertCurrent()) reported = {};
  reported[state] = [...(reported[state] ?? []), user];
  showAlert(sentences());
}

/** Whether the alert already explains why the call ended. */
export function isReported({ reason }) {
  return reason.startsWith('callee-') && isAlertCurrent();
}

/** Renders the panel for `shown`, a call or null. */
export function show(shown) {
  if (call !== shown) statuses = new Map();
  call = shown;
  if (!call) {
    if (isOpen) $('people').hidePopover();
    $('invite-users').value = '';
    return;
  }
  if (!isOpen) return;
  const people = [{ name: `${ownName()} (you)`, status: '' }];
  for (const participant of present(call)) {
    people.push({
      name: nameOf(participant),
      status: isAway(participant) ? 'reconnecting…' : '',
    });
  }
  for (const user of ringing(call)) people.push({ name: user, status: STATUS.ringing });
  for (const [user, state] of statuses) people.push({ name: user, status: STATUS[state] });
  showList(people);
  $('end-for-everyone').hidden = people.length < 2;
}

function showList(people) {
  const now = JSON.stringify(people);
  if (now === shownPeople) return;
  shownPeople = now;
  $('people-list').replaceChildren(
    ...people.map(({ name, status }) => {
      const item = $('person').content.firstElementChild.cloneNode(true);
      setText(item.querySelector('.name'), name);
      setText(item.querySelector('.status'), status ?? '');
      return item;
    }),
  );
}

function invite() {
  const users = namesIn($('invite-users').value);
  const here = present(call).find(({ identifier }) => users.includes(userOf(identifier)));
  showAlert(null);
  try {
    if (here) throw new Error(`${userOf(here.identifier)} is already in the call.`);
    for (const user of users) call.addParticipant(user);
    $('invite-users').value = '';
  } catch (/** @type {any} */ error) {
    showAlert(error.message);
  }
}

/** Whether the alert shows exactly the last report. */
function isAlertCurrent() {
  return !$('alert').hidden && $('alert-text').textContent === sentences();
}

function sentences() {
  return Object.entries(reported)
    .map(([state, users]) => SENTENCES[state](users))
    .join(' ');
}
