// Identifies users.

import { CallingError } from './errors.js';

/**
 * A user: a name, or an object of the calling SDK that has it.
 * @typedef {string | {communicationUserId: string} | {id: string}} UserIdentifier
 */

/**
 * A user in the library's own objects.
 * @typedef {{kind: 'communicationUser', communicationUserId: string}} CommunicationUserKind
 */

/**
 * Returns the user's name.
 * @param {unknown} identifier
 * @returns {string}
 */
export function userOf(identifier) {
  const { communicationUserId, id } = /** @type {any} */ (Object(identifier));
  const user = typeof identifier === 'string' ? identifier : (communicationUserId ?? id);
  if (typeof user === 'string' && user) return user;
  throw new CallingError(
    400,
    `This is not a user: ${JSON.stringify(identifier)}. Pass a name or {communicationUserId: name}.`,
  );
}

/**
 * @param {string} user
 * @returns {CommunicationUserKind}
 */
export function identifierOf(user) {
  return { kind: 'communicationUser', communicationUserId: user };
}
