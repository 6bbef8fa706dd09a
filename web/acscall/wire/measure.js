// The statistics of a call's streams.

import { KINDS } from './leg.js';

/** @import { Kind } from './leg.js' */
/** @import { Participant } from './participant.js' */

/**
 * Returns the browser's statistics for every stream that the others have available, and for those
 * that we send (`direction` is `receive` or `send`).
 * @param {Iterable<Participant>} participants
 */
export async function measureAll(participants) {
  const wanted = [];
  for (const { id, user, media, current, sending } of participants) {
    for (const kind of KINDS) {
      const about = { participant: id, user, kind };
      const sent = sending?.ends[kind]?.track;
      if (media.has(kind)) wanted.push(measure(current, { ...about, direction: 'receive' }));
      if (sent) wanted.push(measure(sending, { ...about, direction: 'send' }));
    }
  }
  return (await Promise.all(wanted)).flat();
}

/**
 * Returns the statistics of one stream, with what identifies it; nothing before the first ones.
 * @template {{kind: Kind}} About
 * @param {{measure: (kind: Kind) => Promise<object | undefined>} | null} leg
 * @param {About} about
 */
async function measure(leg, about) {
  const measured = await leg?.measure(about.kind);
  return measured ? [{ ...about, ...measured }] : [];
}
