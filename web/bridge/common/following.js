// Following one thing at a time.

/** @template {object} T */
export class Following {
  #follow;
  /** @type {T | null} */
  #what = null;
  #controller = new AbortController();

  /**
   * @param {(what: T | null, signal: AbortSignal) => void} follow Begins with `what`, until
   *   `signal` is aborted; null: there is nothing to follow.
   */
  constructor(follow) {
    this.#follow = follow;
  }

  get what() {
    return this.#what;
  }

  /** @param {T | null} what */
  set(what) {
    if (what === this.#what) return;
    this.#what = what;
    this.again();
  }

  /** Begins anew with the same. */
  again() {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#follow(this.#what, this.#controller.signal);
  }
}
