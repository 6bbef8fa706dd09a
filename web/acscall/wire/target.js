// The users to call.

import { CallingError } from '../errors.js';

/** The server's limit for a user's name, in characters. */
const LONGEST_NAME = 128;

/**
 * Checks the names of `users`. The server would end the connection at a wrong one.
 * @param {string[]} users
 * @param {string} own
 */
export function checkCallees(users, own) {
  /** @param {string} message */
  const reject = (message) => {
    throw new CallingError(400, message);
  };
  if (!users.length) reject('Name a user to call.');
  for (const user of users) {
    if (user === own) reject('You cannot call yourself.');
    if (!user || [...user].length > LONGEST_NAME) {
      reject(`A name must have 1 to ${LONGEST_NAME} characters.`);
    }
    if (/\p{Cc}/u.test(user)) reject('A name cannot contain line breaks or tabs.');
  }
}
