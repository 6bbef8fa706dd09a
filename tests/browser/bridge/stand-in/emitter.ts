// How the stand-ins tell events: as the SDKs do, and no event that the SDKs do not have.

/**
 * The listeners of `Events` as far as the SDK's own `on` takes them; an event that it does not
 * have, or has with another payload, becomes `never`, and telling it a type error.
 */
export type Told<Subject, Events> = {
  [Name in keyof Events]: Subject extends { on: (event: Name, listener: Events[Name]) => void }
    ? Events[Name]
    : never;
};

type Listener = (...payload: any[]) => void;

/** Listeners by the name of the event; one of another name is refused, as by the SDKs. */
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

  /** Tells those who listen now, at once and in their order. */
  emit<Name extends keyof Events>(
    event: Name,
    ...payload: Events[Name] extends (...payload: infer Payload) => void ? Payload : never
  ): void {
    for (const listener of [...this.#of(event)]) {
      try {
        listener(...payload);
      } catch (error) {
        // One listener's failure is not the other's, but it fails the test.
        reportError(error);
      }
    }
  }

  /** After this nobody is told anything. */
  clear(): void {
    for (const listeners of this.#listeners.values()) listeners.length = 0;
  }

  /** How many listen: after its end, a bridge leaves none. */
  get count(): number {
    return [...this.#listeners.values()].reduce((sum, { length }) => sum + length, 0);
  }

  #of(event: string | keyof Events): Listener[] {
    const listeners = this.#listeners.get(event as keyof Events);
    if (!listeners) throw new Error(`there is no event '${String(event)}'`);
    return listeners;
  }
}
