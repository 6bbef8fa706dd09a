// Whom one can call.

import { CallingError } from '../errors.js';

/** Characters of a user's name, as the server counts them. */
const LONGEST_NAME = 128;

/**
 * Says what is wrong with calling `users`: here, because at the server a wrong name ends the
 * connection.
 * @param {string[]} users
 * @param {string} own
 */
export function checkCallees(users, own) {
  /** @param {string} message */
  const refuse = (message) => {
    throw new CallingError(400, message);
  };
  if (!users.length) refuse('Say whom to call.');
  for (const user of users) {
    if (user === own) refuse('You cannot call yourself.');
    if (!user || [...user].length > LONGEST_NAME) {
      refuse(`A name has 1 to ${LONGEST_NAME} characters.`);
    }
    if (/\p{Cc}/u.test(user)) refuse('Names have no line breaks or tabs in them.');
  }
}
