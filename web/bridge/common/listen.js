// Listens to objects of calling SDKs, which have `on` and `off`.

/**
 * Calls `listener` for each `event` until `signal` is aborted.
 * @template {{on(event: any, listener: any): void, off(event: any, listener: any): void}} E
 * @param {E} emitter
 * @param {Parameters<E['on']>[0]} event
 * @param {(...payload: any[]) => void} listener
 * @param {AbortSignal} signal
 */
export function listen(emitter, event, listener, signal) {
  if (signal.aborted) return;
  emitter.on(event, listener);
  signal.addEventListener('abort', () => emitter.off(event, listener), { once: true });
}
