// The page: at rest, waiting for calls, or in a call.

import * as account from './page/account.js';
import * as alone from './page/alone.js';
import * as camera from './page/camera.js';
import { $, complain, sentence } from './page/dom.js';
import { identity, identityOrGuest, recall } from './page/identity.js';
import * as incoming from './page/incoming.js';
import * as microphone from './page/microphone.js';
import * as people from './page/people.js';
import * as preview from './page/preview.js';
import { ring } from './page/ringer.js';
import * as sending from './page/sending.js';
import * as settings from './page/settings.js';
import * as shortcuts from './page/shortcuts.js';
import * as stage from './page/stage.js';
import * as statistics from './page/statistics.js';
import * as status from './page/status.js';
import { watch } from './page/watch.js';

/** The call that we are in, or null. */
let call = null;
/** The agent that waits for calls whenever we are in none; null where nobody asked for that. */
let waiting = null;
/** What is being opened at the server, so that only the last counts; null: nothing. */
let opening = null;
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
  $('leave').addEventListener('click', () => call?.hangUp());
  for (const kind of sending.KINDS) {
    $(kind).addEventListener('click', () => sending.toggle(kind, call));
  }
  $('gray').addEventListener('click', toggleGray);
  for (const button of ['devices-button', 'lobby-devices']) {
    $(button).addEventListener('click', () => {
      $('more').hidePopover();
      preview.show(false);
      settings.open();
    });
  }
  for (const panel of ['people', 'more']) {
    $(panel).addEventListener('toggle', ({ newState }) => {
      $(`${panel}-button`).classList.toggle('open', newState === 'open');
    });
  }
  $('alert-close').addEventListener('click', () => complain(null));
  addEventListener('pagehide', stopWaiting);
  account.start({ incoming: incoming.receive, connection: connectionChanged });
  settings.start(show);
  stage.start();
  statistics.start();
  alone.start();
  people.start();
  incoming.start({ answered, changed: show });
  shortcuts.start();
  preview.start();
  show();
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
  begin((agent, options) => agent.join({ groupId: name }, options));
}

function place() {
  const users = people.namesIn($('callees').value);
  begin((agent, options) => agent.startCall(users, options));
}

/** Waits for calls, or does so no more. */
async function wait() {
  if (waiting || opening) return stopWaiting();
  if (!identity().user) {
    complain('Say your name first: others call you by it.');
    return $('user').focus();
  }
  preview.close();
  await open((agent) => (waiting = agent));
}

function stopWaiting() {
  waiting = opening = null;
  account.close();
  show();
}

/** The agent that waits has lost its connection, has it again, or has given up. */
function connectionChanged(agent, { error }) {
  if (agent !== waiting) return;
  // Those two are tried again.
  if (error && error.code !== 503 && error.code !== 429) {
    stopWaiting();
    explain(error.message, isAboutToken(error));
  }
  show();
}

// ---- The call, from its beginning to its end

/** What every call begins with: the devices come when we are in. */
const OPTIONS = { audioOptions: { muted: true } };

function begin(make) {
  return open((agent) => {
    if (waiting) waiting = agent;
    enter(make(agent, OPTIONS));
  });
}

/** Has `use` the agent of whoever the form names. */
async function open(use) {
  const mine = (opening = {});
  show();
  try {
    const agent = await account.agentOf(identityOrGuest());
    if (opening !== mine) return;
    opening = null;
    use(agent);
  } catch (/** @type {any} */ error) {
    if (opening !== mine && opening !== null) return;
    opening = null;
    if (!call) waiting = null;
    explain(error.message, isAboutToken(error));
  }
  show();
}

async function answered(caller) {
  asked = 'wait';
  try {
    enter(await caller.accept(OPTIONS));
  } catch (/** @type {any} */ error) {
    complain(sentence(error.message));
  }
}

function enter(entered) {
  call = entered;
  // For tests, and for the curious.
  Object.assign(window, { acscall: call });
  call.on('remoteParticipantsUpdated', people.tell);
  watch(call, show);
  let isIn = false;
  call.on('stateChanged', () => {
    if (entered.state === 'Disconnected') return entered === call && ended();
    if (isIn || !['Ringing', 'Connected'].includes(entered.state)) return;
    isIn = true;
    startDevices(entered);
  });
  // A camera or a microphone that is sent no more is closed.
  call.on('isLocalVideoStartedChanged', () => entered.isLocalVideoStarted || camera.close());
  call.on('localAudioStreamsUpdated', () => entered.localAudioStreams.length || microphone.close());
  for (const event of ['mediaError', 'trouble']) {
    call.on(event, ({ error }) => complain(sentence(error.message)));
  }
  if (call.state === 'Disconnected') return ended();
  show();
}

async function startDevices(entered) {
  $('audio').focus();
  const wanted = ['audio', 'video'].filter((kind) => $(`with-${kind}`).checked);
  // The call has the camera from now on.
  preview.leave();
  if (!wanted.includes('video')) await camera.close();
  if (wanted.length) await sending.start(wanted, entered);
}

/** The call is over: back to where it began. */
function ended() {
  const { callEndReason } = call;
  status.show({ call });
  call = null;
  sending.stop();
  if (!waiting) account.close();
  show();
  $(asked).focus();
  const { message, reason } = callEndReason;
  if (!message || people.haveTold(callEndReason)) return;
  const asks = reason.startsWith('token-');
  explain(asks ? message : sentence(message), asks);
}

/** Says why something ended, and asks for a token where another one helps. */
function explain(message, asks) {
  complain(message);
  if (!asks) return;
  $('token-field').hidden = false;
  // Enter tries again what was refused.
  $('token').setAttribute('form', `${asked}-form`);
  $('token').focus();
}

function isAboutToken({ code }) {
  return code === 401 || code === 403;
}

async function toggleGray() {
  try {
    const changed = camera.setGray(!camera.isGray());
    show();
    await changed;
  } catch (/** @type {any} */ error) {
    complain(`The picture cannot be made black and white here: ${error.message}`);
  }
}

// ---- What is seen

/** Makes the page what it is in. */
function show() {
  $('lobby').hidden = call !== null;
  $('stage').hidden = $('controls').hidden = call === null;
  if (!call) $('more').hidePopover();
  status.show({ call, waiting, isOpening: opening !== null, caller: incoming.shown() });
  for (const kind of sending.KINDS) {
    $(kind).setAttribute('aria-pressed', String(call !== null && sending.isSent(kind, call)));
  }
  $('gray').setAttribute('aria-pressed', String(camera.isGray()));
  preview.show(!call && !waiting && !opening && !$('devices').open);
  stage.show(call);
  statistics.show(call);
  alone.show(call);
  people.show(call);
  if (incoming.shown()) ring('incoming');
  else ring(call?.state === 'Ringing' ? 'outgoing' : null);
}

start();
