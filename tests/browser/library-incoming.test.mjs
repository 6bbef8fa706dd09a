// Incoming calls: answered, declined, taken back, and over before that.

import assert from 'node:assert/strict';
import {
  QUIET,
  acceptQuietly,
  endReason,
  isCalled,
  isIn,
  makeLabs,
  sees,
  startQuietly,
} from './library/lab.mjs';

const inLab = makeLabs();

/** alice calls bob, who is being rung. */
async function ringing(lab, options) {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob', options)]);
  await startQuietly(alice, 'bob');
  await isCalled(bob);
  await recordEnds(bob);
  return [alice, bob];
}

/** Records the codes of `callEnded` of the newest incoming call in `ends`. */
const recordEnds = (page) =>
  page.evaluate(() => {
    window.ends = [];
    const incoming = incomingCalls.at(-1);
    incoming.on('callEnded', ({ callEndReason }) => {
      ends.push([callEndReason.code, callEndReason.reason]);
    });
  });

/** Waits until `callEnded` has fired, and returns all of its codes. */
const ends = async (page) => {
  await page.waitForFunction(() => window.ends.length > 0);
  return page.evaluate(() => window.ends);
};

/** Calls bob again, who answers. */
async function isReachable(alice, bob) {
  const before = await bob.evaluate(() => incomingCalls.length);
  // bob's agent may be on its way to the server.
  await bob.waitForFunction(() => agent.calls.length === 0);
  for (;;) {
    await startQuietly(alice, 'bob');
    await alice.waitForFunction(() => ['Ringing', 'Disconnected'].includes(call.state));
    const code = await alice.evaluate(() => call.callEndReason?.code);
    if (code === undefined) break;
    assert.ok([404, 486].includes(code), `bob cannot be called: ${code}`);
  }
  await bob.waitForFunction((before) => incomingCalls.length > before, before);
  await acceptQuietly(bob);
  await sees(alice, 'bob Connected');
}

inLab('an answer that is hung up at once ends the call, and the callee is reachable', {}, async (lab) => {
  const [alice, bob] = await ringing(lab);
  await bob.evaluate(async (options) => {
    window.taken = await incomingCalls[0].accept(options);
    await taken.hangUp();
  }, QUIET);
  await isIn(alice, 'Disconnected');
  assert.deepEqual(await bob.evaluate(() => [taken.state, taken.callEndReason.code]), [
    'Disconnected',
    0,
  ]);
  assert.deepEqual(await ends(bob), [[487, 'withdrawn']]);
  await isReachable(alice, bob);
});

inLab('an answer that is hung up before it is sent declines the call', {}, async (lab) => {
  const [alice, bob] = await ringing(lab);
  await bob.evaluate(async (options) => {
    agent.on('callsUpdated', ({ added }) => added[0]?.hangUp());
    await incomingCalls[0].accept(options);
  }, QUIET);
  assert.equal((await endReason(alice)).code, 603);
  assert.equal(await bob.evaluate(() => agent.calls.length), 0);
});

inLab('an answer that is rejected at once ends the call, and the callee is reachable', {}, async (lab) => {
  const [alice, bob] = await ringing(lab);
  await bob.evaluate(async (options) => {
    window.taken = await incomingCalls[0].accept(options);
    await incomingCalls[0].reject();
  }, QUIET);
  await isIn(alice, 'Disconnected');
  assert.equal(await bob.evaluate(() => taken.state), 'Disconnected');
  await isReachable(alice, bob);
});

inLab('a second answer is refused, and the first one connects', {}, async (lab) => {
  const [alice, bob] = await ringing(lab);
  const [state, code, calls] = await bob.evaluate(async (options) => {
    const [first, second] = await Promise.allSettled([
      incomingCalls[0].accept(options),
      incomingCalls[0].accept(options),
    ]);
    watch(first.value);
    return [second.status, second.reason?.code, agent.calls.length];
  }, QUIET);
  assert.deepEqual([state, code, calls], ['rejected', 487, 1]);
  await isIn(bob, 'Connected');
  await sees(alice, 'bob Connected');
});

inLab('an answer taken back without a connection declines the call later', {}, async (lab) => {
  const [alice, bob] = await ringing(lab, { intercept: true });
  await bob.evaluate(() => {
    window.lost = new Promise((resolve) => agent.on('connectionStateChanged', resolve));
  });
  await bob.wire.cut();
  await bob.evaluate(async (options) => {
    await lost;
    const call = await incomingCalls[0].accept(options);
    await call.hangUp();
  }, QUIET);
  assert.equal((await endReason(alice)).code, 603);
});

/** Cuts bob's connection instead of the server's reply to his answer; `held` delays the next one. */
async function loseReply(bob, held) {
  const lost = new Promise((resolve) => {
    bob.wire.rewrite = (message) => {
      if (message.type !== 'joined') return message;
      bob.wire.rewrite = (message) => message;
      bob.wire.held = held;
      bob.wire.cut().then(resolve);
      return { type: 'lost' };
    };
  });
  await acceptQuietly(bob);
  await lost;
}

inLab('an answer whose reply was lost connects on the next connection', {}, async (lab) => {
  const [, bob] = await ringing(lab, { intercept: true });
  await loseReply(bob);
  await isIn(bob, 'Connected');
  await sees(bob, 'alice Connected');
  assert.deepEqual(await bob.evaluate(() => window.ends), []);
});

inLab('an answer whose reply was lost ends with its call, and the callee is reachable', {}, async (lab) => {
  const [alice, bob] = await ringing(lab, { intercept: true });
  let release;
  await loseReply(bob, new Promise((resolve) => (release = resolve)));
  await alice.evaluate(() => call.hangUp());
  release();
  assert.equal((await endReason(bob)).code, 403);
  assert.deepEqual(await ends(bob), [[487, 'cancelled']]);
  await isReachable(alice, bob);
});

inLab('callEnded does not fire for a call that connects', {}, async (lab) => {
  const [alice, bob] = await ringing(lab);
  await acceptQuietly(bob);
  await sees(alice, 'bob Connected');
  await bob.evaluate(() => call.hangUp());
  await isIn(alice, 'Disconnected');
  assert.deepEqual(await bob.evaluate(() => window.ends), []);
});

inLab('callEnded says that a call was declined here, or answered elsewhere', {}, async (lab) => {
  const [alice, bob] = await ringing(lab);
  await bob.evaluate(() => incomingCalls[0].reject());
  assert.deepEqual(await ends(bob), [[603, 'declined']]);
  await isIn(alice, 'Disconnected');

  const other = await lab.page('bob');
  await startQuietly(alice, 'bob');
  await bob.waitForFunction(() => incomingCalls.length === 2);
  await recordEnds(bob);
  await acceptQuietly(other);
  assert.deepEqual(await ends(bob), [[487, 'answered-elsewhere']]);
  await sees(alice, 'bob Connected');
});
