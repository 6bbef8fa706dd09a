// Follows one object at a time.

/** @template {object} T */
export class Following {
  #follow;
  /** @type {T | null} */
  #target = null;
  #controller = new AbortController();

  /**
   * @param {(target: T | null, signal: AbortSignal) => void} follow Starts following `target` until
   *   `signal` is aborted; null stands for no target.
   */
  constructor(follow) {
    this.#follow = follow;
  }

  get target() {
    return this.#target;
  }

  /** @param {T | null} target */
  set(target) {
    if (target === this.#target) return;
    this.#target = target;
    this.restart();
  }

  /** Starts following the same target again. */
  restart() {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#follow(this.#target, this.#controller.signal);
  }
}
