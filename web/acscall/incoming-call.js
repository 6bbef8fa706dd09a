// A call from somebody.

import { infoOf } from './call-info.js';
import { Emitter, emit } from './emitter.js';
import { CallingError, endReason } from './errors.js';
import { identifierOf } from './identifier.js';
import { proxyable } from './proxies.js';

/** @import { Call } from './call.js' */
/** @import { CallOptions } from './call/options.js' */
/** @import { CallEndReason } from './errors.js' */
/** @import { Incoming, IncomingEnd } from './wire/incoming.js' */

/** Why the call ended, for people. @type {Record<IncomingEnd, string>} */
const REASONS = {
  cancelled: 'The caller has hung up.',
  'no-answer': 'The call was not answered in time.',
  'answered-elsewhere': 'The call was answered on another device.',
  'declined-elsewhere': 'The call was declined on another device.',
  declined: 'The call was declined.',
  withdrawn: 'The call was answered, but hung up before it was connected.',
  stopped: 'The agent has stopped waiting for calls.',
};

/**
 * The other events than `callEnded` are never emitted; they are for code written for ACS.
 * @extends {Emitter<{callEnded: {callEndReason: CallEndReason}, callerInfoChanged: void,
 *   transferorInfoChanged: void}>}
 */
export class IncomingCall extends Emitter {
  #incoming;
  #answer;
  #info;
  /** @type {CallEndReason | undefined} */
  #callEndReason;

  static {
    proxyable(this);
  }

  /**
   * @internal
   * @param {Incoming} incoming
   * @param {(incoming: Incoming, options?: CallOptions) => Call} answer
   */
  constructor(incoming, answer) {
    super(['callEnded', 'callerInfoChanged', 'transferorInfoChanged']);
    this.#incoming = incoming;
    this.#answer = answer;
    this.#info = infoOf(() => ({ name: incoming.call }));
    incoming.on('answered', () => {
      this.#callEndReason = endReason(null, '');
    });
    incoming.on('ended', (reason) => {
      this.#callEndReason = endReason(reason, REASONS[reason]);
      emit(this, 'callEnded', { callEndReason: this.#callEndReason });
    });
  }

  /** @type {'IncomingCall'} */
  get kind() {
    return 'IncomingCall';
  }

  get info() {
    return this.#info;
  }

  /** The call's name on the server. */
  get id() {
    return this.#incoming.call;
  }

  /** The caller. */
  get callerInfo() {
    const { user, displayName } = this.#incoming;
    return { identifier: identifierOf(user), displayName: displayName ?? user };
  }

  /** Why the call stopped ringing; undefined while it rings. */
  get callEndReason() {
    return this.#callEndReason;
  }

  /**
   * Answers the call; fulfilled with the call while it connects.
   * @param {CallOptions} [options]
   */
  async accept(options) {
    if (this.#incoming.state !== 'ringing') {
      throw new CallingError(487, 'The call no longer rings: it ended, or was answered or declined.');
    }
    return this.#answer(this.#incoming, options);
  }

  /**
   * Declines the call on all of the user's devices. If it was accepted and is not connected yet, it
   * ends.
   */
  async reject() {
    this.#incoming.decline();
  }
}
