// Those who are called.

/** Characters of a user's name, as the server counts them. */
const LONGEST_NAME = 128;

/** What the names of placed calls begin with. No other call's name does. */
export const PLACED = 'placed:';

/**
 * How it stands with somebody who was called. Who has answered is a participant instead.
 * @typedef {'ringing' | 'declined' | 'busy' | 'no-answer' | 'unknown'} CalleeState
 */

/** Those who were called into a call and are not in it, in the order in which they were. */
export class Callees {
  /** @type {Map<string, CalleeState>} */
  #states = new Map();

  [Symbol.iterator]() {
    return this.#states.entries();
  }

  get ringing() {
    return [...this.#states].filter(([, state]) => state === 'ringing').map(([user]) => user);
  }

  /**
   * @param {string} user
   * @param {CalleeState | 'accepted'} state
   */
  update(user, state) {
    this.#states.delete(user);
    if (state !== 'accepted') this.#states.set(user, state);
  }

  /**
   * Takes the server's list of those who are being rung. What became of the others while the
   * connection was lost is not known.
   * @param {string[]} ringing
   */
  reset(ringing) {
    for (const user of this.ringing) {
      if (!ringing.includes(user)) this.#states.delete(user);
    }
    for (const user of ringing) {
      if (this.#states.get(user) !== 'ringing') this.update(user, 'ringing');
    }
  }

  clear() {
    this.#states.clear();
  }
}

/**
 * Says what is wrong with calling `users`, by a RangeError with a text for people: here, because
 * at the server a wrong name ends the connection.
 * @param {string[]} users
 * @param {string} own
 */
export function checkCallees(users, own) {
  if (!users.length) throw new RangeError('Say whom to call.');
  for (const user of users) {
    if (user === own) throw new RangeError('You cannot call yourself.');
    if (!user || [...user].length > LONGEST_NAME) {
      throw new RangeError(`A name has 1 to ${LONGEST_NAME} characters.`);
    }
    if (/\p{Cc}/u.test(user)) throw new RangeError('Names have no line breaks or tabs in them.');
  }
}
