// Pages that the user leaves by a link, with the back-forward cache.

import assert from 'node:assert/strict';
import { endReason, isCalled, isIn, joinQuietly, makeLabs, sees, startQuietly } from './library/lab.mjs';

const inLab = makeLabs({ backForwardCache: true });

/** Leaves the page for another document of the server. */
const follow = (page, lab) => page.goto(`${lab.server.url}favicon.svg`);

/** Goes back to the page, which must be the one that was left. */
async function back(page) {
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForFunction(() => window.agent !== undefined);
}

inLab('a page that is left by a link leaves its call at once', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  await joinQuietly(alice, 'tea');
  await joinQuietly(bob, 'tea');
  await sees(bob, 'alice Connected');
  await sees(alice, 'bob Connected');
  await bob.evaluate(() => {
    const [participant] = call.remoteParticipants;
    window.states = [];
    participant.on('stateChanged', () => states.push(participant.state));
  });
  await follow(alice, lab);
  await sees(bob);
  // A lost participant would be in another state for as long as it may come back.
  assert.deepEqual(await bob.evaluate(() => states), ['Disconnected']);
});

inLab('an agent that waits comes back from the back-forward cache', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  await follow(alice, lab);
  for (;;) {
    await startQuietly(bob, 'alice');
    await bob.waitForFunction(() => ['Ringing', 'Disconnected'].includes(call.state));
    if (await bob.evaluate(() => call.state === 'Disconnected')) break;
    await bob.evaluate(() => call.hangUp());
  }
  assert.equal((await endReason(bob)).code, 404);
  await back(alice);
  await alice.waitForFunction(() => agent.connectionState === 'Connected');
  assert.deepEqual(await alice.evaluate(() => connection.map(([, now]) => now)), [
    'Disconnected',
    'Connected',
  ]);
  await startQuietly(bob, 'alice');
  await isCalled(alice);
  await isIn(bob, 'Ringing');
});
