// The page: in the lobby, waiting for calls, or in a call.

import * as account from './page/account.js';
import * as alone from './page/alone.js';
import * as camera from './page/camera.js';
import { $, sentence, showAlert } from './page/dom.js';
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

/** The current call, or null. */
let call = null;
/** The agent that waits for calls between calls; null unless the user chose to wait. */
let waiting = null;
/** The pending request to the server, so that only the last one counts; null if there is none. */
let opening = null;
/** The button of the form that was submitted last. */
let submitted = 'join';

function start() {
  const address = new URLSearchParams(location.search);
  if (address.get('call')) $('call').value = address.get('call');
  $('callees').value = address.get('callee') ?? '';
  recall();
  for (const [name, submit] of Object.entries({ join, place, wait })) {
    $(`${name}-form`).addEventListener('submit', (event) => {
      event.preventDefault();
      submitted = name;
      showAlert(null);
      submit();
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
  $('alert-close').addEventListener('click', () => showAlert(null));
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
  // Mobile browsers cannot share the screen.
  $('screen').hidden = !navigator.mediaDevices?.getDisplayMedia;
  // On a touch screen this would open the on-screen keyboard.
  if (matchMedia('(hover: hover)').matches) $('user').focus();
}

// ---- The lobby

function join() {
  const name = $('call').value.trim();
  if (!name) return showAlert('Enter the name of a call.');
  const address = new URL(location.href);
  address.searchParams.set('call', name);
  history.replaceState(null, '', address);
  begin((agent, options) => agent.join({ groupId: name }, options));
}

function place() {
  const users = people.namesIn($('callees').value);
  begin((agent, options) => agent.startCall(users, options));
}

/** Starts or stops waiting for calls. */
async function wait() {
  if (waiting || opening) return stopWaiting();
  if (!identity().user) {
    showAlert('Enter your name first. Others call you by it.');
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

/** The waiting agent has lost its connection, restored it, or given up. */
function connectionChanged(agent, { error }) {
  if (agent !== waiting) return;
  // The agent retries after these two.
  if (error && error.code !== 503 && error.code !== 429) {
    stopWaiting();
    showError(error.message, isAboutToken(error));
  }
  show();
}

// ---- The call

/** The options of every call: the devices start after it has connected. */
const OPTIONS = { audioOptions: { muted: true } };

function begin(make) {
  return open((agent) => {
    if (waiting) waiting = agent;
    enter(make(agent, OPTIONS));
  });
}

/** Passes `use` the agent of the user in the form. */
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
    showError(error.message, isAboutToken(error));
  }
  show();
}

async function answered(caller) {
  submitted = 'wait';
  try {
    enter(await caller.accept(OPTIONS));
  } catch (/** @type {any} */ error) {
    showAlert(sentence(error.message));
  }
}

function enter(entered) {
  call = entered;
  // For tests and for the console.
  Object.assign(window, { acscall: call });
  call.on('remoteParticipantsUpdated', people.announceUpdate);
  watch(call, show);
  let isIn = false;
  call.on('stateChanged', () => {
    if (entered.state === 'Disconnected') return entered === call && ended();
    if (isIn || !['Ringing', 'Connected'].includes(entered.state)) return;
    isIn = true;
    startDevices(entered);
  });
  // Closes a camera or a microphone that is no longer sent.
  call.on('isLocalVideoStartedChanged', () => entered.isLocalVideoStarted || camera.close());
  call.on('localAudioStreamsUpdated', () => entered.localAudioStreams.length || microphone.close());
  for (const event of ['mediaError', 'trouble']) {
    call.on(event, ({ error }) => showAlert(sentence(error.message)));
  }
  if (call.state === 'Disconnected') return ended();
  show();
}

async function startDevices(entered) {
  $('audio').focus();
  const wanted = ['audio', 'video'].filter((kind) => $(`with-${kind}`).checked);
  // The call takes over the camera.
  preview.leave();
  if (!wanted.includes('video')) await camera.close();
  if (wanted.length) await sending.start(wanted, entered);
}

/** Returns to the lobby after a call. */
function ended() {
  const { callEndReason } = call;
  status.show({ call });
  call = null;
  sending.stop();
  if (!waiting) account.close();
  show();
  $(submitted).focus();
  const { message, reason } = callEndReason;
  if (!message || people.isReported(callEndReason)) return;
  const needsToken = reason.startsWith('token-');
  showError(needsToken ? message : sentence(message), needsToken);
}

/** Shows why something failed, and the token field if another token may help. */
function showError(message, needsToken) {
  showAlert(message);
  if (!needsToken) return;
  $('token-field').hidden = false;
  // Enter repeats what the server rejected.
  $('token').setAttribute('form', `${submitted}-form`);
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
    showAlert(`This browser cannot make the video black and white: ${error.message}`);
  }
}

// ---- Rendering

/** Renders the current state. */
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
