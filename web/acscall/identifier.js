// What names a user.

import { CallingError } from './errors.js';

/**
 * A user: its name, or an object with it as the calling SDK has them.
 * @typedef {string | {communicationUserId: string} | {id: string}} UserIdentifier
 */

/**
 * A user as the library tells of it.
 * @typedef {{kind: 'communicationUser', communicationUserId: string}} CommunicationUserKind
 */

/**
 * The name of a user, however it was given.
 * @param {unknown} identifier
 * @returns {string}
 */
export function userOf(identifier) {
  const { communicationUserId, id } = /** @type {any} */ (Object(identifier));
  const user = typeof identifier === 'string' ? identifier : (communicationUserId ?? id);
  if (typeof user === 'string' && user) return user;
  throw new CallingError(
    400,
    `This names no user: ${JSON.stringify(identifier)}. Give a name, or {communicationUserId: name}.`,
  );
}

/**
 * @param {string} user
 * @returns {CommunicationUserKind}
 */
export function identifierOf(user) {
  return { kind: 'communicationUser', communicationUserId: user };
}
