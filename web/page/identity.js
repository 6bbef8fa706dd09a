// The user: a name, and a token that proves it to servers that require one.

import { $ } from './dom.js';
import { keep, recallKept } from './memory.js';

/** The token, or null. */
let token = null;
/** The name used in the last request. */
let name = '';

/** Fills in the form; `?user=` and `#token=` in the address take precedence. */
export function recall() {
  const given = new URLSearchParams(location.search).get('user');
  $('user').value = given ?? recallKept('user') ?? '';
  takeToken();
  addEventListener('hashchange', takeToken);
}

/** Returns the user in the form: `{user, token}`; the user is '' if there is no name. */
export function identity() {
  const user = $('user').value.trim();
  keep('user', user);
  keepToken($('token').value.trim());
  return { user, token: token ?? undefined };
}

/** Returns the same, with a guest name if the user gave none. */
export function identityOrGuest() {
  const { user, token } = identity();
  name = user || `Guest ${Math.floor(1000 + 9000 * Math.random())}`;
  return { user: name, token };
}

/** Returns the name of the last request. */
export function ownName() {
  return name;
}

export function hasToken() {
  return token !== null;
}

/**
 * Takes the token from the fragment of the address, `#token=…`, which browsers do not send, and
 * removes it there, so that it is neither visible nor copied. A reload finds it in the storage.
 */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) {
    token ??= recallKept('token', { tab: true });
    return;
  }
  const address = new URL(location.href);
  address.hash = '';
  history.replaceState(null, '', address);
  keepToken(given);
}

/** Keeps a token, if there is one, until this tab is closed. */
function keepToken(given) {
  if (!given) return;
  token = given;
  $('token').value = '';
  keep('token', given, { tab: true });
}
