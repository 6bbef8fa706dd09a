// What is left of connections in a page.

import assert from 'node:assert/strict';
import { census } from './census.mjs';
import { waitFor } from './harness.mjs';
import { isIn, joinQuietly, makeLabs } from './library/lab.mjs';

const inLab = makeLabs();

inLab('who leaves while a connection is being made leaves none behind', {}, async (lab) => {
  const [alice, bob] = [await lab.page('alice'), await lab.page('bob')];
  await joinQuietly(alice, 'tea');
  await isIn(alice, 'Connected');
  // At different points of the way to a connection.
  for (const wait of [0, 5, 10, 20, 30, 40, 60, 80, 5, 20, 30, 40]) {
    await joinQuietly(bob, 'tea');
    await isIn(bob, 'Connected');
    await bob.waitForTimeout(wait);
    await bob.evaluate(() => call.hangUp());
  }
  const connections = async () => (await census(alice)).objects.RTCPeerConnection ?? 0;
  await waitFor('nothing left', connections, (count) => count === 0);
  assert.equal(await alice.evaluate(() => call.remoteParticipants.length), 0);
});
