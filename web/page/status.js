// What the page says it is in: its title, the line at the top, and the button that waits.

import { $, listed, setText } from './dom.js';
import { ownName } from './identity.js';
import { isPlaced, nameOf, present, rung } from './people-of.js';

/**
 * @param {object} now
 * @param {any} now.call The call that we are in, or that has ended just now.
 * @param {any} [now.waiting] The agent that waits for calls.
 * @param {boolean} [now.isOpening] The server is being asked.
 * @param {any} [now.caller] The call that comes in.
 */
export function show({ call, waiting = null, isOpening = false, caller = null }) {
  showTitle(call, caller);
  if (call) say(...ofCall(call));
  else if (isOpening) say('connecting', 'Connecting…');
  else if (waiting) say(...ofWaiting(waiting));
  else if ($('state').dataset.state !== 'disconnected') say('none', '');
  const isWaiting = waiting !== null;
  setText($('wait'), isWaiting ? 'Stop waiting' : 'Wait for calls');
  const text = isWaiting
    ? 'To change your name, stop first.'
    : 'Others call you by your name while this page is open.';
  setText($('wait-text'), text);
  $('user').readOnly = isWaiting;
}

function showTitle(call, caller) {
  const title = call && call.state !== 'Disconnected' ? titleOf(call) : 'acscall';
  setText($('title'), title);
  if (caller) document.title = `${nameOf(caller.callerInfo)} is calling – acscall`;
  else document.title = title === 'acscall' ? title : `${title} – acscall`;
}

/** A placed call's own name is not for people. */
function titleOf(call) {
  if (!isPlaced(call)) return call.id;
  const others = new Set([...present(call).map(nameOf), ...rung(call)]);
  return listed([...others]) || 'Call';
}

function ofCall(call) {
  const { state, callEndReason } = call;
  if (call.reconnecting) {
    return ['reconnecting', 'Server lost, trying again. Pictures and sound go on.'];
  }
  const others = present(call).length;
  const text = {
    Connecting: 'Connecting…',
    Ringing: `Ringing ${listed(rung(call))}`.trim() + '…',
    Connected: others ? `${others + 1} in the call` : 'In the call, alone',
    LocalHold: 'On hold',
    Disconnecting: 'Leaving…',
    Disconnected: callEndReason?.message ? '' : 'You left the call',
  };
  return [state.toLowerCase(), text[state] ?? ''];
}

function ofWaiting({ connectionState }) {
  if (connectionState === 'Connected') return ['listening', `Others can call you as ${ownName()}`];
  return ['reconnecting', 'Server lost, trying again. Nobody can call you meanwhile.'];
}

function say(state, text) {
  $('state').dataset.state = state;
  setText($('state'), text);
}
