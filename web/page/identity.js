// Who is at the page: the name, and the token that proves it where the server asks for one.

import { $ } from './dom.js';

/** What proves to the server who we are, or null. */
let token = null;

/** Fills the form with what is known; `?user=` and `#token=` in the address come first. */
export function recall() {
  const given = new URLSearchParams(location.search).get('user');
  $('user').value = given ?? stored(() => localStorage, 'user') ?? '';
  takeToken();
  addEventListener('hashchange', takeToken);
}

/** Who the form says we are: `{user, token}`; the user is '' where there is no name. */
export function identity() {
  const user = $('user').value.trim();
  store(() => localStorage, 'user', user);
  keepToken($('token').value.trim());
  return { user, token: token ?? undefined };
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
    token ??= stored(() => sessionStorage, 'token');
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
  store(() => sessionStorage, 'token', given);
}

/** Storage may be forbidden: already looking at it fails then. */
function stored(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function store(storage, key, value) {
  try {
    storage().setItem(key, value);
  } catch {
    // It is asked for again, then.
  }
}
