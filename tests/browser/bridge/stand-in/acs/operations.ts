// The operations of a call: recorded, one at a time where the SDK supports no more, and failing on
// a script's request.

import { StandInError } from '../error.js';

/** The delay of every operation, in milliseconds. */
const NEGOTIATION = 30;

/** The operations that negotiate; the SDK supports one at a time. */
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
  /** The operations, in order. */
  readonly done: Operation[] = [];
  /** The operations that the SDK does not support. */
  readonly misuses: string[] = [];
  /** How often each operation will still fail. */
  readonly failing = new Map<Operation, number>();
  #busy: Operation | null = null;

  /** Runs `work`, with the pauses that the SDK needs for the service. */
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
