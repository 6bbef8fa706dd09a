// The canvas that the documents send as video and as screen share.

import assert from 'node:assert/strict';
import { COLOURS, sharesOf } from './picture.mjs';

const WIDTH = 1500;
const HEIGHT = 845;

/** The number of pictures between two checks. */
const BETWEEN = 36;
/** The limits of the frame rate, by timestamps: the canvas is painted 30 times a second. */
const MOST = 50;

/** The tolerance of a colour after VP8, in levels of Y, U and V. */
const TOLERANCE = 24;
/** The part of the picture that may exceed it: the edges of the squares, in blocks. */
const EDGES = 0.15;

/**
 * Waits until the canvas arrives at its size and changes, and checks its colours: the blue area
 * shrinks as squares in three other colours are painted over it.
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
  const details = JSON.stringify({ before, after });
  assert.ok(before.other < EDGES && after.other < EDGES, details);
  assert.ok(before.blue > after.blue && after.blue > 0, details);
  for (const name of ['red', 'yellow', 'green']) assert.ok(after[name] > 0.02, `${name}: ${details}`);
  if (process.env.ACSCALL_TEST_LOG) console.error(details, stream.describe());
}
