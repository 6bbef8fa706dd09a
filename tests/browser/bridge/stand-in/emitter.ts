// The events of the stand-ins: like those of the SDKs, and none that the SDKs do not have.

/**
 * The listeners of `Events` that the SDK's own `on` accepts; an event that it does not have, or has
 * with another payload, becomes `never`, so that emitting it is a type error.
 */
export type EventsOf<Subject, Events> = {
  [Name in keyof Events]: Subject extends { on: (event: Name, listener: Events[Name]) => void }
    ? Events[Name]
    : never;
};

type Listener = (...payload: any[]) => void;

/** Listeners by event name; unknown names are rejected, as by the SDKs. */
export class Emitter<Events> {
  #listeners = new Map<keyof Events, Listener[]>();

  constructor(names: readonly (keyof Events)[]) {
    for (const name of names) this.#listeners.set(name, []);
  }

  on(event: string, listener: Listener): void {
    this.#of(event).push(listener);
  }

  once(event: string, listener: Listener): void {
    const once: Listener = (...payload) => {
      this.off(event, once);
      listener(...payload);
    };
    this.on(event, once);
  }

  off(event: string, listener: Listener): void {
    const listeners = this.#of(event);
    const at = listeners.indexOf(listener);
    if (at >= 0) listeners.splice(at, 1);
  }

  /** Calls the current listeners, at once and in order. */
  emit<Name extends keyof Events>(
    event: Name,
    ...payload: Events[Name] extends (...payload: infer Payload) => void ? Payload : never
  ): void {
    for (const listener of [...this.#of(event)]) {
      try {
        listener(...payload);
      } catch (error) {
        // A failing listener does not stop the others, but fails the test.
        reportError(error);
      }
    }
  }

  /** Stops all events. */
  clear(): void {
    for (const listeners of this.#listeners.values()) listeners.length = 0;
  }

  /** The number of listeners; a stopped bridge leaves none. */
  get count(): number {
    return [...this.#listeners.values()].reduce((sum, { length }) => sum + length, 0);
  }

  #of(event: string | keyof Events): Listener[] {
    const listeners = this.#listeners.get(event as keyof Events);
    if (!listeners) throw new Error(`there is no event '${String(event)}'`);
    return listeners;
  }
}
