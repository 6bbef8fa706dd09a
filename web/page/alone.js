// How others can join a call that is open to anyone: by its address, or with a pipeline.

import { $, announce, setText, showAlert } from './dom.js';
import { hasToken, ownName } from './identity.js';
import { isPlaced } from './participants.js';

let call = null;

export function start() {
  $('copy').addEventListener('click', copyAddress);
  $('copy-link').addEventListener('click', copyAddress);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  setText($('who-can-join'), isLocal ? 'Anyone on this machine' : 'Anyone');
}

/** Renders the hint while `shown`, a call or null, has no other participant. */
export function show(shown) {
  if (call !== shown) {
    setText($('copy'), 'this page’s address');
    setText($('copy-link'), 'Copy link to this call');
  }
  call = shown;
  const isAlone = call?.state === 'Connected' && !call.remoteParticipants.length;
  $('alone').hidden = !isAlone || isPlaced(call);
  $('copy-link').hidden = !call || isPlaced(call);
  if (call) setText($('pipeline'), pipeline());
}

/** Returns the command that sends a test picture into this call. */
function pipeline() {
  const elsewhere = location.host !== '127.0.0.1:7788' && location.host !== 'localhost:7788';
  const server = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
  return [
    // A placeholder: the token is secret.
    ...(hasToken() ? ['ACSCALL_TOKEN=TOKEN'] : []),
    'gst-launch-1.0 videotestsrc is-live=true ! acscallsink',
    ...(hasToken() ? [`user=${quoted(ownName())}`] : []),
    `call=${quoted(call.id)}`,
    ...(elsewhere ? [`server=${server}`] : []),
  ].join(' ');
}

/** Quotes text for gst-launch-1.0, and that for a POSIX shell. */
function quoted(text) {
  if (/^[\w.-]+$/.test(text)) return text;
  const launch = `"${text.replace(/[\\"]/g, '\\$&')}"`;
  return `'${launch.replaceAll("'", "'\\''")}'`;
}

async function copyAddress() {
  const address = new URL(location.pathname, location.href);
  address.searchParams.set('call', call.id);
  try {
    await navigator.clipboard.writeText(address.href);
    announce('Address copied');
    setText($('copy'), 'this page’s address (copied)');
    setText($('copy-link'), 'Copied');
  } catch {
    showAlert(`The address is ${address.href}`);
  }
}
