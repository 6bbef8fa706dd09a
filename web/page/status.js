// The page's title, the status line at the top, and the button to wait for calls.

import { $, listed, setText } from './dom.js';
import { ownName } from './identity.js';
import { isPlaced, nameOf, present, ringing } from './participants.js';

/**
 * @param {object} now
 * @param {any} now.call The call, which may have just ended.
 * @param {any} [now.waiting] The agent that waits for calls.
 * @param {boolean} [now.isOpening] Whether the page is connecting to the server.
 * @param {any} [now.caller] The incoming call.
 */
export function show({ call, waiting = null, isOpening = false, caller = null }) {
  showTitle(call, caller);
  if (call) setState(...ofCall(call));
  else if (isOpening) setState('connecting', 'Connecting…');
  else if (waiting) setState(...ofWaiting(waiting));
  else if ($('state').dataset.state !== 'disconnected') setState('none', '');
  const isWaiting = waiting !== null;
  setText($('wait'), isWaiting ? 'Stop waiting' : 'Wait for calls');
  const text = isWaiting
    ? 'Stop waiting to change your name.'
    : 'Others can call you while this page is open.';
  setText($('wait-text'), text);
  $('user').readOnly = isWaiting;
}

function showTitle(call, caller) {
  const title = call && call.state !== 'Disconnected' ? titleOf(call) : 'acscall';
  setText($('title'), title);
  if (caller) document.title = `${nameOf(caller.callerInfo)} is calling – acscall`;
  else document.title = title === 'acscall' ? title : `${title} – acscall`;
}

/** Returns the call's name, or the other participants of a placed call, whose name is random. */
function titleOf(call) {
  if (!isPlaced(call)) return call.id;
  const others = new Set([...present(call).map(nameOf), ...ringing(call)]);
  return listed([...others]) || 'Call';
}

function ofCall(call) {
  const { state, callEndReason } = call;
  if (call.reconnecting) {
    return ['reconnecting', 'Reconnecting to the server. Audio and video continue.'];
  }
  const others = present(call).length;
  const text = {
    Connecting: 'Connecting…',
    Ringing: `Ringing ${listed(ringing(call))}`.trim() + '…',
    Connected: others ? `${others + 1} in the call` : 'Only you in the call',
    LocalHold: 'On hold',
    Disconnecting: 'Leaving…',
    Disconnected: callEndReason?.message ? '' : 'You left the call',
  };
  return [state.toLowerCase(), text[state] ?? ''];
}

function ofWaiting({ connectionState }) {
  if (connectionState === 'Connected') return ['listening', `Others can call you as ${ownName()}`];
  return ['reconnecting', 'Reconnecting to the server. Nobody can call you until then.'];
}

function setState(state, text) {
  $('state').dataset.state = state;
  setText($('state'), text);
}
