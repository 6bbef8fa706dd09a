// What is measured of the streams of a bridge.

/** @import { Kind } from '../../acscall/wire/leg.js' */
/** @import { Guest } from './guest.js' */

/**
 * @typedef {object} StreamStats
 * @property {'in' | 'out'} direction `in`: from the other call into ours.
 * @property {string} user Of our call: the guest, or the one that goes out.
 * @property {Kind} kind
 * @property {number} [frameWidth]
 * @property {number} [frameHeight]
 * @property {number} [framesPerSecond]
 * @property {number} [frames] Since the beginning: sent or, where there are several receivers, sent
 *   to the one that got most.
 * @property {number} [framesDropped] Of those that go out: for want of time.
 * @property {number} [bytes] Of those that come in: sent to all receivers.
 * @property {number} [receivers] Of those that come in: who gets it now. A picture is sent to
 *   nobody who has not asked for it.
 */

/**
 * The streams that a guest sends.
 * @param {Guest} guest
 * @returns {Promise<StreamStats[]>}
 */
export async function guestStats({ user, call, kinds }) {
  const sent = call ? await call.getStats() : [];
  return kinds.map((kind) => {
    // The library has no type of what browsers measure.
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
