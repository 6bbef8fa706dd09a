// Leaves a call.

import { errorOf } from '../errors.js';

/** @import { CallSession } from '../wire/call-session.js' */

/**
 * Leaves the call of `session`; fulfilled when it has ended. Rejects if the server does not allow
 * the end for everyone.
 * @param {CallSession} session
 * @param {{forEveryone?: boolean}} options
 */
export async function hangUp(session, options) {
  await new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const state = () => session.state === 'disconnected' && done(resolve);
    const error = (/** @type {{code: string, message: string}} */ { code, message }) => {
      done(() => reject(errorOf(code, message)));
    };
    /** @param {() => void} settle */
    const done = (settle) => {
      session.off('state', state);
      session.off('error', error);
      settle();
    };
    session.on('state', state);
    session.on('error', error);
    try {
      session.leave(options);
      state();
    } catch (error) {
      done(() => reject(error));
    }
  });
}
