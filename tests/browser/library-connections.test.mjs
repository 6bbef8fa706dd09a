// What is left of connections in a page.

import assert from 'node:assert/strict';
import { census } from './census.mjs';
import { waitFor } from './harness.mjs';
import { isIn, joinQuietly, makeLabs } from './library/lab.mjs';

const inLab = makeLabs();

inLab('who leaves while a connection is being made leaves none behind', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob', { intercept: true })]);
  await joinQuietly(alice, 'tea');
  await isIn(alice, 'Connected');
  // At each point of the way to a connection: after so many messages of the other page.
  const { heard } = bob.wire;
  const signals = () => heard.filter(({ type }) => type === 'signal').length;
  for (const count of [0, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5]) {
    heard.length = 0;
    await joinQuietly(bob, 'tea');
    await isIn(bob, 'Connected');
    const isConnected = () =>
      bob.evaluate(() => call.remoteParticipants.some(({ state }) => state === 'Connected'));
    await waitFor(
      `${count} messages, or a connection`,
      async () => signals() >= count || isConnected(),
      Boolean,
    );
    await bob.evaluate(() => call.hangUp());
  }
  const connections = async () => (await census(alice)).objects.RTCPeerConnection ?? 0;
  await waitFor('nothing left', connections, (count) => count === 0);
  assert.equal(await alice.evaluate(() => call.remoteParticipants.length), 0);
});

inLab('legs whose ends take longer than the first attempt allows connect', {}, async (lab) => {
  const [alice, bob] = [await lab.page('alice'), await lab.page('bob')];
  // Answers take longer than the 5 seconds of the first leg, as on a machine that is too busy.
  await alice.evaluate(() => {
    window.RTCPeerConnection = class extends RTCPeerConnection {
      async createAnswer() {
        await new Promise((resolve) => setTimeout(resolve, 6_000));
        return super.createAnswer();
      }
    };
  });
  await joinQuietly(alice, 'tea');
  await joinQuietly(bob, 'tea');
  const state = () => alice.evaluate(() => call.remoteParticipants[0]?.state);
  await waitFor('a leg that connects', state, (now) => now === 'Connected');
});
