// Who an agent is, and how it proves that.

import { CallingError } from './errors.js';

/**
 * The user, and the server.
 * @typedef {object} Credential
 * @property {string} user
 * @property {string | null} [token] Proves the user's identity to servers that require it.
 * @property {string | null} [server] The server's address, ws(s):// or http(s)://; by default the
 *   origin of the page.
 */

/**
 * A credential of the calling SDK, such as AzureCommunicationTokenCredential. Its token names the
 * user; the server is the origin of the page.
 * @typedef {{getToken: () => Promise<{token: string}>}} TokenCredential
 */

/** The protocols of server addresses. */
const PROTOCOLS = ['ws:', 'wss:', 'http:', 'https:'];

/**
 * Returns the user, the token and the address of the server's WebSocket.
 * @param {Credential | TokenCredential} credential
 */
export async function parseCredential(credential) {
  const given = Object(credential);
  const isTokenCredential = typeof given.getToken === 'function';
  const token = isTokenCredential ? await tokenOf(given) : (given.token ?? undefined);
  const user = isTokenCredential ? userIn(token) : given.user;
  if (typeof user !== 'string' || !user) {
    throw new CallingError(400, 'Name the user: createCallAgent({user: name, token?, server?}).');
  }
  return { user, token, url: addressOf(given.server) };
}

/** @param {TokenCredential} credential */
async function tokenOf(credential) {
  try {
    return (await credential.getToken()).token;
  } catch (cause) {
    throw new CallingError(401, 'The credential gives no token.', { cause });
  }
}

/**
 * Returns the subject of a JSON Web Token, which the server verifies.
 * @param {string} token
 * @returns {string | undefined}
 */
function userIn(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).sub;
  } catch (cause) {
    throw new CallingError(400, 'The token is no JSON Web Token.', { cause });
  }
}

/**
 * @param {string | null} [server]
 */
function addressOf(server) {
  let url;
  try {
    url = new URL(server ?? location.origin);
  } catch (cause) {
    throw new CallingError(400, `This is not a server address: ${server}.`, { cause });
  }
  if (!PROTOCOLS.includes(url.protocol)) {
    const message = `A server address begins with ws, wss, http or https; this one is ${url.href}.`;
    throw new CallingError(400, message);
  }
  url.protocol = url.protocol.replace('http', 'ws');
  if (url.pathname === '/') url.pathname = '/ws';
  return url.href;
}
