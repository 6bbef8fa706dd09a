// The statistics of a bridge's streams.

/** @import { Kind } from '../../acscall/wire/leg.js' */
/** @import { Guest } from './guest.js' */

/**
 * @typedef {object} StreamStats
 * @property {'in' | 'out'} direction `in`: from the other call into ours.
 * @property {string} user The user in our call: the guest, or the `from` user.
 * @property {Kind} kind
 * @property {number} [frameWidth]
 * @property {number} [frameHeight]
 * @property {number} [framesPerSecond]
 * @property {number} [frames] The frames sent so far; with several receivers, to the one that got
 *   most.
 * @property {number} [framesDropped] `out` only: the frames dropped because the page was busy.
 * @property {number} [bytes] `in` only: the bytes sent to all receivers.
 * @property {number} [receivers] `in` only: the current number of receivers. Video is sent only to
 *   participants who request it.
 */

/**
 * Returns the statistics of the streams that a guest sends.
 * @param {Guest} guest
 * @returns {Promise<StreamStats[]>}
 */
export async function guestStats({ user, call, kinds }) {
  const sent = call ? await call.getStats() : [];
  return kinds.map((kind) => {
    // The library has no type for browser statistics.
    const all = /** @type {any[]} */ (sent.filter((one) => one.kind === kind));
    const most = (/** @type {string} */ name) => Math.max(...all.map((one) => one[name] ?? 0));
    /** @type {StreamStats} */
    const stats = {
      direction: 'in',
      user,
      kind,
      receivers: all.length,
      bytes: all.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    };
    if (kind === 'audio' || !all.length) return stats;
    return {
      ...stats,
      frameWidth: most('frameWidth'),
      frameHeight: most('frameHeight'),
      framesPerSecond: most('framesPerSecond'),
      frames: most('framesEncoded'),
    };
  });
}
