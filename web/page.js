// The page: at rest, waiting for calls, or in a call.

import { CallAgent } from './agent.js';
import { KINDS } from './leg.js';
import { isAboutToken } from './signalling.js';
import * as alone from './page/alone.js';
import * as devices from './page/devices.js';
import { $, announce, complain, listed, sentence, setText } from './page/dom.js';
import { identity, recall } from './page/identity.js';
import * as incoming from './page/incoming.js';
import * as people from './page/people.js';
import { ring } from './page/ringer.js';
import * as stage from './page/stage.js';

/** The call that we are in, or null. */
let call = null;
/** Waits for calls whenever we are in none; null where nobody asked for that. */
let waiting = null;
/** What was asked for last: the name of its form's button. */
let asked = 'join';

function start() {
  const address = new URLSearchParams(location.search);
  if (address.get('call')) $('call').value = address.get('call');
  $('callees').value = address.get('callee') ?? '';
  recall();
  for (const [name, ask] of Object.entries({ join, place, wait })) {
    $(`${name}-form`).addEventListener('submit', (event) => {
      event.preventDefault();
      asked = name;
      complain(null);
      ask();
    });
  }
  $('leave').addEventListener('click', () => call?.leave());
  for (const kind of KINDS) $(kind).addEventListener('click', () => devices.toggle(kind, call));
  $('alert-close').addEventListener('click', () => complain(null));
  addEventListener('pagehide', () => {
    call?.leave();
    stopWaiting();
  });
  showWaiting();
  stage.start();
  alone.start();
  people.start();
  incoming.start({ answered, changed: show });
  // Phones' browsers cannot share the screen.
  $('screen').hidden = !navigator.mediaDevices?.getDisplayMedia;
  // On a touch screen that would bring the keyboard up.
  if (matchMedia('(hover: hover)').matches) $('user').focus();
}

// ---- What one can do at rest

function join() {
  const name = $('call').value.trim();
  if (!name) return complain('Say which call to join.');
  const address = new URL(location.href);
  address.searchParams.set('call', name);
  history.replaceState(null, '', address);
  begin((agent) => agent.join(name));
}

function place() {
  const users = people.namesIn($('callees').value);
  begin((agent) => agent.place(users));
}

/** Waits for calls, or does so no more. */
function wait() {
  if (waiting) return stopWaiting();
  const { user, token } = identity();
  if (!user) {
    complain('Say your name first: others call you by it.');
    return $('user').focus();
  }
  waiting = new CallAgent({ user, token });
  waiting.addEventListener('state', waitingChanged);
  waiting.addEventListener('incoming', ({ detail }) => incoming.receive(detail.incoming));
  listen();
}

function listen() {
  // What goes wrong is told where the state is shown.
  waiting.listen().catch(() => {});
}

function stopWaiting() {
  const agent = waiting;
  waiting = null;
  agent?.stop();
  show();
}

function waitingChanged() {
  if (waiting?.state === 'none' && waiting.endReason) {
    const { endReason, endCode } = waiting;
    waiting = null;
    if (!call) explain(endReason, endCode);
  }
  show();
}

// ---- The call, from its beginning to its end

function begin(open) {
  const { user, token } = identity();
  const name = user || `Guest ${Math.floor(1000 + 9000 * Math.random())}`;
  try {
    // Not the one that waits: the token may be a new one.
    const begun = open(new CallAgent({ user: name, token }));
    // Who is in a call is busy.
    waiting?.stop();
    enter(begun);
  } catch (error) {
    complain(error.message);
  }
}

function answered(caller) {
  asked = 'wait';
  enter(caller.accept());
}

async function enter(entering) {
  call = entering;
  // For tests, and for the curious.
  window.acscall = call;
  const wanted = ['audio', 'video'].filter((kind) => $(`with-${kind}`).checked);
  call.addEventListener('state', () => (call?.state === 'disconnected' ? ended() : show()));
  for (const event of ['connection', 'change']) call.addEventListener(event, show);
  call.addEventListener('joined', ({ detail }) => announce(`${detail.participant.name} is here`));
  call.addEventListener('left', ({ detail }) => announce(`${detail.participant.name} left`));
  call.addEventListener('callee', ({ detail }) => people.tell(detail));
  call.addEventListener('trouble', ({ detail }) => complain(detail.message));
  if (call.state === 'disconnected') return ended();
  show();
  try {
    await entering.entered;
  } catch {
    // What went wrong is told where the state is shown.
    return;
  }
  $('audio').focus();
  await devices.open(wanted, entering);
}

/** The call is over: back to where it began. */
function ended() {
  showState();
  devices.close(call);
  const { endReason, endCode } = call;
  call = null;
  if (waiting) listen();
  show();
  $(asked).focus();
  if (!endReason || people.haveTold(endCode)) return;
  explain(isAboutToken(endCode) ? endReason : sentence(endReason), endCode);
}

/** Says why something ended, and asks for a token where another one helps. */
function explain(reason, code) {
  complain(reason);
  if (!isAboutToken(code)) return;
  $('token-field').hidden = false;
  // Enter tries again what was refused.
  $('token').setAttribute('form', `${asked}-form`);
  $('token').focus();
}

// ---- What is seen

/** Makes the page what it is in. */
function show() {
  $('lobby').hidden = call !== null;
  $('stage').hidden = $('controls').hidden = call === null;
  showTitle();
  if (call || waiting) showState();
  else if ($('state').dataset.state !== 'disconnected') clearState();
  for (const kind of KINDS) {
    $(kind).setAttribute('aria-pressed', String(Boolean(call?.tracks[kind])));
  }
  showWaiting();
  stage.show(call);
  alone.show(call);
  people.show(call);
  if (incoming.shown()) ring('incoming');
  else ring(call?.state === 'ringing' ? 'outgoing' : null);
}

function showWaiting() {
  setText($('wait'), waiting ? 'Stop waiting' : 'Wait for calls');
  const text = waiting
    ? 'To change your name, stop first.'
    : 'Others call you by your name while this page is open.';
  setText($('wait-text'), text);
  $('user').readOnly = waiting !== null;
}

function showTitle() {
  const caller = incoming.shown();
  const title = call ? nameOf(call) : 'acscall';
  setText($('title'), title);
  if (caller) document.title = `${caller.name} is calling – acscall`;
  else document.title = call ? `${title} – acscall` : 'acscall';
}

/** A placed call's own name is not for people. */
function nameOf({ name, isPlaced, participants, callees }) {
  if (!isPlaced) return name;
  const others = new Set([...participants.values()].map(({ name }) => name));
  return listed([...others, ...callees.ringing]) || 'Call';
}

function showState() {
  const [state, text] = call ? stateOfCall() : stateOfWaiting();
  $('state').dataset.state = state;
  setText($('state'), text);
}

function stateOfCall() {
  const { state, reconnecting, participants, callees } = call;
  if (reconnecting) return ['reconnecting', 'Server lost, trying again. Pictures and sound go on.'];
  const others = participants.size;
  const text = {
    connecting: 'Connecting…',
    ringing: `Ringing ${listed(callees.ringing)}`.trim() + '…',
    connected: others ? `${others + 1} in the call` : 'In the call, alone',
    disconnecting: 'Leaving…',
    disconnected: call.endReason ? '' : 'You left the call',
  };
  return [state, text[state] ?? ''];
}

function stateOfWaiting() {
  const { state, user } = waiting;
  const text = {
    connecting: 'Connecting…',
    listening: `Others can call you as ${user}`,
    reconnecting: 'Server lost, trying again. Nobody can call you meanwhile.',
  };
  return [state, text[state] ?? ''];
}

function clearState() {
  $('state').dataset.state = 'none';
  setText($('state'), '');
}

start();
