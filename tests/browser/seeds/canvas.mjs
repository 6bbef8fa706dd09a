// The canvas that the documents send as video and as screen share.

import assert from 'node:assert/strict';
import { COLOURS, sharesOf } from './picture.mjs';

const WIDTH = 1500;
const HEIGHT = 845;

/** How many pictures there are between two looks at it. */
const BETWEEN = 36;
/** How many per second there may be, by their times: it is painted 30 times. */
const MOST = 50;

/** How far off a colour may be that went through VP8, in levels of Y, U and V. */
const TOLERANCE = 24;
/** How much of the picture may be further off: the edges of the squares, in blocks. */
const EDGES = 0.15;

/**
 * Waits until the canvas comes at its size and changes, and looks at its colours: blue, which gets
 * less and less as squares are painted over it in three other colours.
 * @param {import('./streams.mjs').Pictures} stream
 */
export async function canvasIsSeen(stream) {
  const isWhole = ({ width, height }) => width === WIDTH && height === HEIGHT;
  const early = await stream.next(`a picture of ${WIDTH}×${HEIGHT}`, (p) => isWhole(p) && p);
  const before = sharesOf(early, COLOURS, TOLERANCE);
  const { count } = stream;
  const late = await stream.next(
    `${BETWEEN} more pictures`,
    (picture, { count: now }) => now >= count + BETWEEN && isWhole(picture) && picture,
  );
  assert.ok(stream.rate <= MOST, stream.describe());
  const after = sharesOf(late, COLOURS, TOLERANCE);
  const told = JSON.stringify({ before, after });
  assert.ok(before.other < EDGES && after.other < EDGES, told);
  assert.ok(before.blue > after.blue && after.blue > 0, told);
  for (const name of ['red', 'yellow', 'green']) assert.ok(after[name] > 0.02, `${name}: ${told}`);
  if (process.env.ACSCALL_TEST_LOG) console.error(told, stream.describe());
}
