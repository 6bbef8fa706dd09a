// What a call is asked to do: written down, one at a time where the SDK stands no more, and failing
// where a script says so.

import { StandInError } from '../error.js';

/** An operation of the SDK is never done at once. In milliseconds. */
const NEGOTIATION = 30;

/** Those that negotiate: the SDK stands one at a time. */
const NEGOTIATING = [
  'startVideo',
  'stopVideo',
  'startScreenSharing',
  'stopScreenSharing',
  'hold',
  'resume',
] as const;

export type Operation = (typeof NEGOTIATING)[number] | 'startAudio' | 'mute' | 'unmute';

export class Operations {
  /** In order. */
  readonly done: Operation[] = [];
  /** What the SDK does not stand. */
  readonly misuses: string[] = [];
  /** How often an operation will still fail. */
  readonly failing = new Map<Operation, number>();
  #busy: Operation | null = null;

  /** Does `work`, which waits for what it is given as the SDK does for the service. */
  async run(operation: Operation, work: (negotiate: () => Promise<void>) => Promise<void>) {
    this.done.push(operation);
    const isAlone = (NEGOTIATING as readonly Operation[]).includes(operation);
    if (isAlone && this.#busy) {
      this.misuses.push(`${operation} during ${this.#busy}`);
      throw new StandInError(400, 43010, `${operation} during ${this.#busy}`);
    }
    if (isAlone) this.#busy = operation;
    try {
      await work(() => this.#negotiate(operation));
    } finally {
      if (isAlone) this.#busy = null;
    }
  }

  async #negotiate(operation: Operation): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, NEGOTIATION));
    const left = this.failing.get(operation) ?? 0;
    if (left === 0) return;
    this.failing.set(operation, left - 1);
    throw new StandInError(500, 43012, `${operation} failed, as the script has it`);
  }
}
