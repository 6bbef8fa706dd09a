// Brings what an SDK does to what is wanted of it, one operation at a time.
//
// Nothing is remembered of what was asked for: before each operation every goal looks at what is
// wanted now and at what is, and says what brings the one closer to the other. So the latest wish
// wins, whatever came between, and what something else has changed is set right.

import { Backoff } from './retry.js';

/**
 * An operation of the SDK. The name tells it from the goal's other ones.
 * @typedef {{name: string, run: () => unknown}} Step
 */

/**
 * What to do next about something; null: it is as it should be, or cannot be changed now.
 * @typedef {() => Step | null} Goal
 */

export class Reconciler {
  #pursuits;
  #failed;
  #isRunning = false;
  #doing = '';
  #isClosed = false;
  /** Those who wait until there is nothing to do. @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {Goal[]} goals The more urgent first.
   * @param {(name: string, error: any) => void} failed Told of the first of several failures in a
   *   row.
   */
  constructor(goals, failed) {
    this.#pursuits = goals.map((goal) => new Pursuit(goal, () => this.look()));
    this.#failed = failed;
  }

  /** The name of the operation that is going on; empty where there is none. */
  get doing() {
    return this.#doing;
  }

  /** Something may have changed. */
  look() {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    // Whatever happens in the same breath is looked at together.
    queueMicrotask(() => this.#run());
  }

  /** Waits until there is nothing to do but to try again; then does no more. */
  async finish() {
    this.look();
    if (this.#isRunning) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#isClosed = true;
    for (const pursuit of this.#pursuits) pursuit.rest();
  }

  async #run() {
    for (let due = this.#due(); due; due = this.#due()) await this.#take(due.pursuit, due.step);
    this.#isRunning = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** The first goal that something can be done about now. */
  #due() {
    for (const pursuit of this.#pursuits) {
      const step = pursuit.next();
      if (step) return { pursuit, step };
    }
    return null;
  }

  /**
   * @param {Pursuit} pursuit
   * @param {Step} step
   */
  async #take(pursuit, step) {
    this.#doing = step.name;
    try {
      await step.run();
      pursuit.did(step.name);
    } catch (error) {
      if (pursuit.failed(step.name)) this.#failed(step.name, error);
    }
    this.#doing = '';
  }
}

/** One goal, and what of it has to wait. */
class Pursuit {
  #goal;
  #look;
  /** The steps that were taken and are not to be repeated at once. */
  /** @type {Map<string, {backoff: Backoff, hasFailed: boolean, timer: any}>} */
  #taken = new Map();

  /**
   * @param {Goal} goal
   * @param {() => void} look
   */
  constructor(goal, look) {
    this.#goal = goal;
    this.#look = look;
  }

  /** @returns {Step | null} */
  next() {
    const step = this.#goal();
    if (!step) this.rest();
    return step && !this.#taken.get(step.name)?.timer ? step : null;
  }

  /** There is nothing to do: the next failure is a new one. */
  rest() {
    for (const { timer } of this.#taken.values()) clearTimeout(timer);
    this.#taken.clear();
  }

  /** @param {string} name */
  did(name) {
    // Something moves: only what has failed is still to wait.
    for (const [other, { hasFailed, timer }] of this.#taken) {
      if (hasFailed && other !== name) continue;
      clearTimeout(timer);
      this.#taken.delete(other);
    }
    // It may take a while to show, which is told: no reason to do it again at once.
    this.#wait(name, false);
  }

  /**
   * Says whether that is to be told.
   * @param {string} name
   */
  failed(name) {
    const isFirst = !this.#taken.get(name)?.hasFailed;
    this.#wait(name, true);
    return isFirst;
  }

  /**
   * @param {string} name
   * @param {boolean} hasFailed
   */
  #wait(name, hasFailed) {
    const { backoff } = this.#taken.get(name) ?? { backoff: new Backoff() };
    const taken = { backoff, hasFailed, timer: /** @type {any} */ (null) };
    taken.timer = setTimeout(() => {
      taken.timer = null;
      this.#look();
    }, backoff.next());
    this.#taken.set(name, taken);
  }
}
