// The common part of the pages of `acscall bridge`: the command calls two global functions and
// receives reports (src/command/bridge/page/report.rs).

import { CallClient } from '../../acscall.js';

/** @import { Call } from '../../acscall/call.js' */
/** @import { Bridge } from '../common/bridge.js' */

/**
 * The options of a bridge. The page of each service adds its own.
 * @typedef {object} Options
 * @property {string} user The bridge's user in our call.
 * @property {string} into The name of our call.
 * @property {string | null} from
 * @property {string} server The command's proxy to our server, which adds the tokens.
 */

/**
 * The other call, after joining.
 * @typedef {object} Other
 * @property {(ourCall: Call, options: {from?: string, server: string}) => Bridge} bridge
 * @property {() => boolean | null} failed Whether the call ended with an error; null while it
 *   lasts.
 * @property {() => Promise<void>} hangUp
 */

/** How often statistics are reported to the command, in milliseconds. */
const STATS_PERIOD = 1_000;

/** An SDK that cannot be loaded. */
class Unusable extends Error {}

/** @type {Bridge | null} */
let bridge = null;
/** @type {(() => Promise<void>)[]} */
const endings = [];
let isOver = false;

/**
 * Makes the command's functions available.
 * @template {Options} O
 * @param {(options: O, onState: (state: string) => void) => Promise<Other>} join Joins the other
 *   call; rejects with an error whose message explains the failure.
 */
export function handleCommands(join) {
  Object.assign(globalThis, {
    begin: (/** @type {O} */ options) => begin(options, join),
    stop,
  });
  report('ready');
}

/**
 * Imports an SDK.
 * @param {string} name
 * @returns {Promise<any>}
 */
export async function load(name) {
  try {
    return await import(name);
  } catch (/** @type {any} */ cause) {
    throw new Unusable(`${name} cannot be loaded: ${cause?.message ?? cause}`, { cause });
  }
}

/**
 * @template {Options} O
 * @param {O} options
 * @param {(options: O, onState: (state: string) => void) => Promise<Other>} join
 */
async function begin(options, join) {
  // From the start, because the command considers a silent page dead.
  setInterval(reportStats, STATS_PERIOD);
  const { user, into, from, server } = options;
  try {
    report('state', { state: 'Connecting' });
    const agent = await new CallClient().createCallAgent({ user, server });
    endings.push(() => agent.dispose());
    const ourCall = agent.join({ groupId: into }, { sends: false });
    // Last before the bridge, so that no change of its state is missed.
    const other = await join(options, (state) => report('state', { state }));
    endings.push(() => other.hangUp());
    const { callEndReason } = ourCall;
    if (callEndReason) throw new Error(`Our call has ended: ${callEndReason.message}`);
    bridge = other.bridge(ourCall, { from: from ?? undefined, server });
    watch(bridge, () => other.failed() ?? ourCall.callEndReason?.code !== 0);
  } catch (/** @type {any} */ error) {
    over(error instanceof Unusable ? 'unusable' : 'refused', error?.message ?? String(error));
  }
}

/**
 * @param {Bridge} bridge
 * @param {() => boolean} failed
 */
function watch(bridge, failed) {
  bridge.on('guestsUpdated', ({ added, removed }) => {
    for (const { user, displayName } of removed) report('left', { user, displayName });
    for (const { user, displayName } of added) report('came', { user, displayName });
  });
  bridge.on('trouble', ({ error }) => report('trouble', { message: error.message }));
  const checkEnd = () => {
    if (bridge.state === 'Stopped') over(failed() ? 'refused' : 'over', bridge.stopReason);
  };
  bridge.on('stateChanged', checkEnd);
  checkEnd();
}

async function reportStats() {
  try {
    report('stats', { streams: (await bridge?.getStats()) ?? [] });
  } catch (/** @type {any} */ error) {
    report('trouble', { message: `No statistics are available: ${error?.message ?? error}` });
  }
}

/** Hangs up both calls. */
async function stop() {
  isOver = true;
  await bridge?.stop().catch(() => {});
  // Calls that have ended reject this.
  await Promise.allSettled(endings.map((end) => end()));
  report('stopped');
}

/**
 * @param {'over' | 'refused' | 'unusable'} ending
 * @param {string} reason
 */
function over(ending, reason) {
  // After `stop`, the command expects the end.
  if (!isOver) report('over', { ending, reason });
  isOver = true;
}

/**
 * @param {string} type
 * @param {object} [fields]
 */
function report(type, fields) {
  /** @type {any} */ (globalThis).acscallReport(JSON.stringify({ type, ...fields }));
}
