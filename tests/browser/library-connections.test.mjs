// Connections that remain in a page.

import assert from 'node:assert/strict';
import { census } from './census.mjs';
import { waitFor } from './harness.mjs';
import { isIn, joinQuietly, makeLabs } from './library/lab.mjs';

const inLab = makeLabs();

inLab('leaving during connection setup leaves no connection behind', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob', { intercept: true })]);
  await joinQuietly(alice, 'tea');
  await isIn(alice, 'Connected');
  // At each stage of the setup: after so many messages of the other page.
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

inLab('legs connect even if their ends exceed the first timeout', {}, async (lab) => {
  const [alice, bob] = [await lab.page('alice'), await lab.page('bob')];
  // Answers take longer than the 5 seconds of the first leg, as on a very busy machine.
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
