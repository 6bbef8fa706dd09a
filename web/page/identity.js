// Who is at the page: the name, and the token that proves it where the server asks for one.

import { $ } from './dom.js';
import { keep, recallKept } from './memory.js';

/** What proves to the server who we are, or null. */
let token = null;
/** The name under which we are at the server, or were last. */
let name = '';

/** Fills the form with what is known; `?user=` and `#token=` in the address come first. */
export function recall() {
  const given = new URLSearchParams(location.search).get('user');
  $('user').value = given ?? recallKept('user') ?? '';
  takeToken();
  addEventListener('hashchange', takeToken);
}

/** Who the form says we are: `{user, token}`; the user is '' where there is no name. */
export function identity() {
  const user = $('user').value.trim();
  keep('user', user);
  keepToken($('token').value.trim());
  return { user, token: token ?? undefined };
}

/** The same, with a name for who gave none. */
export function identityOrGuest() {
  const { user, token } = identity();
  name = user || `Guest ${Math.floor(1000 + 9000 * Math.random())}`;
  return { user: name, token };
}

/** The name that the last of those had. */
export function ownName() {
  return name;
}

export function hasToken() {
  return token !== null;
}

/**
 * Takes the token from the address, `#token=…`: browsers keep that part to themselves. From then
 * on it is not seen there any more, nor copied with the address. A reload finds it again.
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

/** Keeps a token, if it is one, as long as this tab is open. */
function keepToken(given) {
  if (!given) return;
  token = given;
  $('token').value = '';
  keep('token', given, { tab: true });
}
