// What identifies a call.

import { Emitter, emit } from './emitter.js';
import { proxyable } from './proxies.js';

/** @extends {Emitter<{callInfoChanged: void}>} */
export class CallInfo extends Emitter {
  #read;

  static {
    proxyable(this);
  }

  /**
   * @internal
   * @param {() => {name: string | null, groupId?: string, participantId?: string}} read
   */
  constructor(read) {
    super(['callInfoChanged']);
    this.#read = read;
  }

  /** The name of the call that was joined; undefined if users called each other. */
  get groupId() {
    return this.#read().groupId;
  }

  /** Always undefined: there are no chats. @type {string | undefined} */
  get threadId() {
    return undefined;
  }

  /** The id of this session in the call, which others see as `RemoteParticipant.id`. */
  get participantId() {
    return this.#read().participantId ?? '';
  }

  /** Returns the call's name on the server; empty until it has one. */
  async getServerCallId() {
    return this.#read().name ?? '';
  }

  /**
   * @param {'callInfoChanged'} event
   * @param {() => unknown} listener
   */
  onCallInfoChanged(event, listener) {
    this.on(event, listener);
  }

  /**
   * @param {'callInfoChanged'} event
   * @param {() => unknown} listener
   */
  offCallInfoChanged(event, listener) {
    this.off(event, listener);
  }
}

/** The prefix of the names that the server gives to calls among users. */
const PLACED = 'placed:';

/**
 * Returns the information about a call, read anew each time.
 * @param {() => {name: string | null, id?: string}} read The call's name, and this session's id.
 */
export function infoOf(read) {
  return new CallInfo(() => {
    const { name, id } = read();
    const groupId = name?.startsWith(PLACED) ? undefined : (name ?? undefined);
    return { name, groupId, participantId: id };
  });
}

/** @param {CallInfo} info */
export function changed(info) {
  emit(info, 'callInfoChanged');
}
