// What is left of connections in a page.

import assert from 'node:assert/strict';
import { waitFor } from './harness.mjs';
import { isIn, joinQuietly, makeLabs } from './library/lab.mjs';

const inLab = makeLabs();

/** How many connections are in memory once nothing can be collected any more. */
async function countConnections(devtools) {
  await devtools.send('HeapProfiler.collectGarbage');
  const { result } = await devtools.send('Runtime.evaluate', {
    expression: 'RTCPeerConnection.prototype',
  });
  const { objects } = await devtools.send('Runtime.queryObjects', {
    prototypeObjectId: result.objectId,
    objectGroup: 'count',
  });
  const { result: count } = await devtools.send('Runtime.callFunctionOn', {
    objectId: objects.objectId,
    functionDeclaration: 'function () { return this.length; }',
    returnByValue: true,
  });
  await devtools.send('Runtime.releaseObjectGroup', { objectGroup: 'count' });
  return count.value;
}

inLab('who leaves while a connection is being made leaves none behind', {}, async (lab) => {
  const [alice, bob] = [await lab.page('alice'), await lab.page('bob')];
  const devtools = await alice.context().newCDPSession(alice);
  await joinQuietly(alice, 'tea');
  await isIn(alice, 'Connected');
  // At different points of the way to a connection.
  for (const wait of [0, 5, 10, 20, 30, 40, 60, 80, 5, 20, 30, 40]) {
    await joinQuietly(bob, 'tea');
    await isIn(bob, 'Connected');
    await bob.waitForTimeout(wait);
    await bob.evaluate(() => call.hangUp());
  }
  await waitFor('nothing left', () => countConnections(devtools), (count) => count === 0);
  assert.equal(await alice.evaluate(() => call.remoteParticipants.length), 0);
});
