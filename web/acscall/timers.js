// A timer that stays punctual in a hidden tab.
//
// Browsers throttle the timers of hidden pages to once a second or once a minute, but not those of
// workers.

const SCRIPT = `
  const timers = new Map();
  onmessage = ({ data: [id, ms] }) => {
    clearInterval(timers.get(id));
    timers.delete(id);
    if (ms) timers.set(id, setInterval(postMessage, ms, id));
  };
`;

/** @typedef {{callback: () => void, ms: number, fallback?: ReturnType<typeof setInterval>}} Tick */

/** @type {Map<number, Tick>} */
const ticks = new Map();
/** Undefined before the first use; null if the page's security policy forbids workers. */
/** @type {Worker | null | undefined} */
let worker;
let last = 0;

/**
 * Calls `callback` every `ms` milliseconds.
 * @param {() => void} callback
 * @param {number} ms
 * @returns {() => void} A function that stops the timer.
 */
export function setTick(callback, ms) {
  if (worker === undefined) worker = startWorker();
  last += 1;
  const id = last;
  /** @type {Tick} */
  const tick = { callback, ms };
  ticks.set(id, tick);
  if (worker) worker.postMessage([id, ms]);
  else tick.fallback = setInterval(callback, ms);
  return () => {
    ticks.delete(id);
    clearInterval(tick.fallback);
    worker?.postMessage([id, 0]);
  };
}

/** @returns {Worker | null} */
function startWorker() {
  const url = URL.createObjectURL(new Blob([SCRIPT], { type: 'text/javascript' }));
  try {
    const started = new Worker(url);
    started.onmessage = ({ data }) => ticks.get(data)?.callback();
    started.onerror = fallBack;
    return started;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function fallBack() {
  worker = null;
  for (const tick of ticks.values()) tick.fallback = setInterval(tick.callback, tick.ms);
}
