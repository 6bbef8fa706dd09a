// Somebody calls.

import { Emitter, emit } from './emitter.js';
import { CallingError, endReason } from './errors.js';
import { identifierOf } from './identifier.js';

/** @import { Call } from './call.js' */
/** @import { CallOptions } from './call/options.js' */
/** @import { CallEndReason } from './errors.js' */
/** @import { Ring } from './wire/endpoint.js' */

/** Why it rings no more, for people. @type {Record<string, string>} */
const REASONS = {
  cancelled: 'The caller has hung up.',
  'no-answer': 'It was not answered in time.',
  'answered-elsewhere': 'It was answered on another device.',
  'declined-elsewhere': 'It was declined on another device.',
};

/** @extends {Emitter<{callEnded: {callEndReason: CallEndReason}}>} */
export class IncomingCall extends Emitter {
  #ring;
  #answer;
  /** @type {CallEndReason | undefined} */
  #callEndReason;

  /**
   * @internal
   * @param {Ring} ring
   * @param {(ring: Ring, options?: CallOptions) => Call} answer
   */
  constructor(ring, answer) {
    super();
    this.#ring = ring;
    this.#answer = answer;
    ring.on('ended', (reason) => {
      this.#callEndReason = endReason(reason, REASONS[reason ?? '']);
      emit(this, 'callEnded', { callEndReason: this.#callEndReason });
    });
  }

  /** The call's name at the server. */
  get id() {
    return this.#ring.call;
  }

  /** Who calls. */
  get callerInfo() {
    const { user, displayName } = this.#ring;
    return { identifier: identifierOf(user), displayName: displayName ?? user };
  }

  /** Why it rings no more; undefined while it does. */
  get callEndReason() {
    return this.#callEndReason;
  }

  /**
   * Answers; fulfilled with the call that is being connected.
   * @param {CallOptions} [options]
   */
  async accept(options) {
    if (!this.#ring.isRinging) {
      throw new CallingError(487, 'It rings no more: it has ended, or was answered or declined.');
    }
    return this.#answer(this.#ring, options);
  }

  /** Declines, on all devices of the user. */
  async reject() {
    this.#ring.reject();
  }
}
