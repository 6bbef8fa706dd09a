// What the browser measures of the streams of a call.

import { KINDS } from './leg.js';

/** @import { Kind } from './leg.js' */
/** @import { Participant } from './participant.js' */

/**
 * The browser's own measurements of every stream that the others have available, and of those
 * that we send (`direction` is `receive` or `send`).
 * @param {Iterable<Participant>} participants
 */
export async function measureAll(participants) {
  const wanted = [];
  for (const { id, user, media, shown, sending } of participants) {
    for (const kind of KINDS) {
      const about = { participant: id, user, kind };
      const sent = sending?.ends[kind]?.track;
      if (media.has(kind)) wanted.push(measure(shown, { ...about, direction: 'receive' }));
      if (sent) wanted.push(measure(sending, { ...about, direction: 'send' }));
    }
  }
  return (await Promise.all(wanted)).flat();
}

/**
 * What is known of a stream and what is measured of it; nothing before the first measurement.
 * @template {{kind: Kind}} About
 * @param {{measure: (kind: Kind) => Promise<object | undefined>} | null} leg
 * @param {About} about
 */
async function measure(leg, about) {
  const measured = await leg?.measure(about.kind);
  return measured ? [{ ...about, ...measured }] : [];
}
