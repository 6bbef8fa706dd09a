// The panel with those who are in the call or were called into it, and what one may do about it.

import { $, announce, complain, listed, setText } from './dom.js';

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
    call?.leave({ forEveryone: true });
  });
}

/** The names in a text that somebody typed. */
export function namesIn(text) {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names.filter(Boolean))];
}

/** Says what has become of somebody who was called. */
export function tell({ user, state }) {
  if (state === 'ringing') announce(`Ringing ${user}`);
  if (!SENTENCES[state]) return;
  // Several may be called at once: one does not hide the other.
  if (!isTold()) told = {};
  told[state] = [...(told[state] ?? []), user];
  complain(sentences());
}

/** Whether what has become of them is all that there is to say of a call that ended with `code`. */
export function haveTold(code) {
  return Boolean(code?.startsWith('callee-')) && isTold();
}

/** Makes the panel what `shown` is: a call, or null. */
export function show(shown) {
  call = shown;
  if (!call) {
    if (isOpen) $('people').hidePopover();
    $('invite-users').value = '';
    return;
  }
  if (!isOpen) return;
  const people = [{ name: `${call.user} (you)`, standing: '' }];
  for (const { name, connected } of call.participants.values()) {
    people.push({ name, standing: connected ? '' : 'reconnecting…' });
  }
  for (const [user, state] of call.callees) people.push({ name: user, standing: STANDING[state] });
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
  const here = [...call.participants.values()].find(({ user }) => users.includes(user));
  complain(null);
  try {
    if (here) throw new Error(`${here.user} is in the call already.`);
    call.invite(users);
    $('invite-users').value = '';
  } catch (error) {
    complain(error.message);
  }
}

/** Whether the alert says what was told last, and nothing else. */
function isTold() {
  return !$('alert').hidden && $('alert-text').textContent === sentences();
}

function sentences() {
  return Object.entries(told).map(([state, users]) => SENTENCES[state](users)).join(' ');
}
