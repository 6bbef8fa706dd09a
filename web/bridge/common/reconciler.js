// Brings the state of an SDK to the wanted one, one operation at a time.
//
// It remembers no requests. Before each operation, every goal compares the wanted state with the
// actual one and returns the operation that brings them closer. So the latest request wins, and
// changes made by others are corrected.

import { Backoff } from './retry.js';

/**
 * An operation of the SDK. Its name is unique within the goal.
 * @typedef {{name: string, run: () => unknown}} Step
 */

/**
 * Returns the next operation; null if the goal is met or cannot be pursued now.
 * @typedef {() => Step | null} Goal
 */

export class Reconciler {
  #goals;
  #failed;
  #isRunning = false;
  #running = '';
  #isClosed = false;
  /** Resolvers of `finish`. @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {Goal[]} goals The most urgent first.
   * @param {(name: string, error: any) => void} failed Called for the first of consecutive
   *   failures.
   */
  constructor(goals, failed) {
    this.#goals = goals.map((goal) => new PacedGoal(goal, () => this.update()));
    this.#failed = failed;
  }

  /** The name of the running operation; empty if there is none. */
  get running() {
    return this.#running;
  }

  /** Called when something may have changed. */
  update() {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    // Deferred, to handle all changes of the same task together.
    queueMicrotask(() => this.#run());
  }

  /** Waits until only retries are left, then stops. */
  async finish() {
    this.update();
    if (this.#isRunning) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#isClosed = true;
    for (const goal of this.#goals) goal.reset();
  }

  async #run() {
    for (let due = this.#due(); due; due = this.#due()) await this.#take(due.goal, due.step);
    this.#isRunning = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Returns the first goal with an operation, and the operation. */
  #due() {
    for (const goal of this.#goals) {
      const step = goal.next();
      if (step) return { goal, step };
    }
    return null;
  }

  /**
   * @param {PacedGoal} goal
   * @param {Step} step
   */
  async #take(goal, step) {
    this.#running = step.name;
    try {
      await step.run();
      goal.succeeded(step.name);
    } catch (error) {
      if (goal.failed(step.name)) this.#failed(step.name, error);
    }
    this.#running = '';
  }
}

/** A goal with a delay before an operation is repeated. */
class PacedGoal {
  #goal;
  #update;
  /** The operations that were run and may not be repeated yet. */
  /** @type {Map<string, {backoff: Backoff, hasFailed: boolean, timer: any}>} */
  #waiting = new Map();

  /**
   * @param {Goal} goal
   * @param {() => void} update
   */
  constructor(goal, update) {
    this.#goal = goal;
    this.#update = update;
  }

  /** @returns {Step | null} */
  next() {
    const step = this.#goal();
    if (!step) this.reset();
    return step && !this.#waiting.get(step.name)?.timer ? step : null;
  }

  /** Clears the delays: the goal is met, so the next failure is a new one. */
  reset() {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  /** @param {string} name */
  succeeded(name) {
    // After progress, only failed operations still wait.
    for (const [other, { hasFailed, timer }] of this.#waiting) {
      if (hasFailed && other !== name) continue;
      clearTimeout(timer);
      this.#waiting.delete(other);
    }
    // The SDK reports the effect later; until then the operation must not be repeated.
    this.#wait(name, false);
  }

  /**
   * Returns whether to report the failure.
   * @param {string} name
   */
  failed(name) {
    const isFirst = !this.#waiting.get(name)?.hasFailed;
    this.#wait(name, true);
    return isFirst;
  }

  /**
   * @param {string} name
   * @param {boolean} hasFailed
   */
  #wait(name, hasFailed) {
    const { backoff } = this.#waiting.get(name) ?? { backoff: new Backoff() };
    const entry = { backoff, hasFailed, timer: /** @type {any} */ (null) };
    entry.timer = setTimeout(() => {
      entry.timer = null;
      this.#update();
    }, backoff.next());
    this.#waiting.set(name, entry);
  }
}
