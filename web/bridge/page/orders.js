// What the pages of `acscall bridge` have in common: the command gives orders by calling two global
// functions, and gets reports in return (src/command/bridge/page/report.rs).

import { CallClient } from '../../acscall.js';

/** @import { Call } from '../../acscall/call.js' */
/** @import { Bridge } from '../common/bridge.js' */

/**
 * What is to be bridged. The page of each service adds its own.
 * @typedef {object} Orders
 * @property {string} user The bridge's own, in our call.
 * @property {string} into Our call.
 * @property {string | null} from
 * @property {string} server The command's way to our server: it adds the tokens.
 */

/**
 * The other call, joined.
 * @typedef {object} Other
 * @property {(ourCall: Call, options: {from?: string, server: string}) => Bridge} bridge
 * @property {() => boolean | null} failed Whether it is over because it failed; null if it is not
 *   over.
 * @property {() => Promise<void>} hangUp
 */

/** How often the command is told how much goes through, in milliseconds. */
const STATS = 1_000;

/** The SDK cannot be used. */
class Unusable extends Error {}

/** @type {Bridge | null} */
let bridge = null;
/** @type {(() => Promise<void>)[]} */
const endings = [];
let isOver = false;

/**
 * Waits for orders.
 * @template {Orders} O
 * @param {(orders: O, onState: (state: string) => void) => Promise<Other>} join Joins the other
 *   call; rejected with an error whose message says why that cannot be.
 */
export function takeOrders(join) {
  Object.assign(globalThis, {
    begin: (/** @type {O} */ orders) => begin(orders, join),
    stop,
  });
  report('ready');
}

/**
 * The module of an SDK.
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
 * @template {Orders} O
 * @param {O} orders
 * @param {(orders: O, onState: (state: string) => void) => Promise<Other>} join
 */
async function begin(orders, join) {
  // Also before there is anything: the command takes a page for dead that says nothing.
  setInterval(tellStats, STATS);
  const { user, into, from, server } = orders;
  try {
    report('state', { state: 'Connecting' });
    const agent = await new CallClient().createCallAgent({ user, server });
    endings.push(() => agent.dispose());
    const ourCall = agent.join({ groupId: into }, { sends: false });
    // The last before the bridge: nothing that becomes of it is missed.
    const other = await join(orders, (state) => report('state', { state }));
    endings.push(() => other.hangUp());
    const { callEndReason } = ourCall;
    if (callEndReason) throw new Error(`Our call is over: ${callEndReason.message}`);
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
  const look = () => {
    if (bridge.state === 'Stopped') over(failed() ? 'refused' : 'over', bridge.stopReason);
  };
  bridge.on('stateChanged', look);
  look();
}

async function tellStats() {
  try {
    report('stats', { streams: (await bridge?.getStats()) ?? [] });
  } catch (/** @type {any} */ error) {
    report('trouble', { message: `Nothing is measured: ${error?.message ?? error}` });
  }
}

/** Hangs up both calls. */
async function stop() {
  isOver = true;
  await bridge?.stop().catch(() => {});
  // In vain where they are over.
  await Promise.allSettled(endings.map((end) => end()));
  report('stopped');
}

/**
 * @param {'over' | 'refused' | 'unusable'} ending
 * @param {string} reason
 */
function over(ending, reason) {
  // Who is told to stop knows.
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
