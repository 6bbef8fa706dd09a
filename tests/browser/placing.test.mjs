// Pages that call each other, in Chromium against the real server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  Server,
  TEST,
  join,
  openPage,
  startBrowser,
  tile,
  waitFor,
  waitForStream,
} from './harness.mjs';

let browser;

before(async () => {
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
});

/** Runs `body` with a server of its own, and closes its pages. */
function withServer(name, body) {
  test(name, TEST, async (t) => {
    const server = await Server.start();
    const pages = [];
    t.after(async () => {
      await Promise.all(pages.map((page) => page.context().close()));
      await server.kill();
    });
    const keep = async (opening) => {
      const page = await opening;
      pages.push(page);
      return page;
    };
    const open = (user, { devices = false, ...options } = {}) =>
      keep(
        openPage(browser, server, 'demo', user, options).then(async (page) => {
          for (const device of ['Microphone', 'Camera']) {
            await page.getByRole('checkbox', { name: device }).setChecked(devices);
          }
          return page;
        }),
      );
    await body({
      server,
      open,
      /** Opens a page that others can call. */
      reachable: async (user, options) => {
        const page = await open(user, options);
        await page.getByRole('button', { name: 'Wait for calls' }).click();
        await isWaiting(page, user);
        return page;
      },
      /** Opens a page in a named call. */
      enter: (user, call) =>
        keep(join(browser, server, call, user, { camera: false, microphone: false })),
    });
  });
}

const call = async (page, users) => {
  await page.getByRole('textbox', { name: 'Names to call' }).fill(users);
  await page.getByRole('button', { name: 'Call', exact: true }).click();
};
const invite = async (page, users) => {
  await page.getByRole('button', { name: 'People' }).click();
  await page.getByRole('textbox', { name: 'Names to invite' }).fill(users);
  await page.keyboard.press('Enter');
};
const isWaiting = (page, user) => page.getByText(`Others can call you as ${user}`).waitFor();
const dialog = (page) => page.getByRole('alertdialog');
const answer = (page, how) => dialog(page).getByRole('button', { name: how }).click();
const isInCall = (page, others) =>
  page.waitForFunction(
    (others) => {
      const { state, remoteParticipants = [] } = window.acscall ?? {};
      const users = remoteParticipants
        .filter(({ state }) => state !== 'Ringing')
        .map(({ identifier }) => identifier.communicationUserId);
      return state === 'Connected' && users.sort().join() === others;
    },
    [...others].sort().join(),
  );
const isAtRest = (page) => page.getByRole('heading', { name: 'Join a call' }).waitFor();
const alertShows = (page, text) => page.getByRole('alert').getByText(text).waitFor();
/** Waits until the dialog for incoming calls closes. */
const stopsRinging = (page) => dialog(page).waitFor({ state: 'hidden' });

withServer('a call rings until it is accepted, and both see and hear each other', async ({ open, reachable }) => {
  const [bob, alice] = await Promise.all([
    reachable('bob', { devices: true }),
    open('alice', { devices: true }),
  ]);
  await call(alice, 'bob');
  await alice.getByText('Ringing bob…').waitFor();
  await tile(alice, 'bob', 'ringing').getByText('bob, ringing…').waitFor();
  assert.equal(await alice.evaluate(() => window.acscall.state), 'Ringing');
  await bob.getByRole('alertdialog', { name: 'alice is calling' }).waitFor();
  assert.equal(await bob.title(), 'alice is calling – acscall');

  await answer(bob, 'Accept');
  await Promise.all([isInCall(alice, ['bob']), isInCall(bob, ['alice'])]);
  assert.equal(await tile(alice, 'bob', 'ringing').count(), 0);
  for (const [page, other] of [
    [alice, 'bob'],
    [bob, 'alice'],
  ]) {
    await waitForStream(page, other, 'video', (s) => s.framesDecoded > 10);
    await waitForStream(page, other, 'audio', (s) => s.totalAudioEnergy > 0);
    await tile(page, other).locator('video').waitFor({ state: 'visible' });
    // The name of a placed call is not shown.
    assert.equal(await page.title(), `${other} – acscall`);
  }

  await alice.getByRole('button', { name: 'Leave' }).click();
  await isAtRest(alice);
  await alertShows(bob, 'Everybody else has left.');
  await isWaiting(bob, 'bob');
});

withServer('a call that is declined says so, and the callee can be called again', async ({ open, reachable }) => {
  const [bob, alice] = await Promise.all([reachable('bob'), open('alice')]);
  for (let round = 0; round < 2; round += 1) {
    await call(alice, 'bob');
    await answer(bob, 'Decline');
    await alertShows(alice, 'bob declined.');
    await isAtRest(alice);
    await alice.locator('#place:focus').waitFor();
    await isWaiting(bob, 'bob');
    assert.equal(await bob.getByRole('alert').count(), 0);
  }
});

withServer('a user who is in a call or being called is busy', async ({ open, reachable, enter }) => {
  const [bob, alice, dora] = await Promise.all([
    reachable('bob'),
    open('alice'),
    open('dora'),
    enter('carl', 'tea'),
  ]);
  await call(alice, 'carl');
  await alertShows(alice, 'Busy with another call: carl.');
  await isAtRest(alice);
  await call(alice, 'bob');
  await dialog(bob).waitFor();
  await call(dora, 'bob');
  await alertShows(dora, 'Busy with another call: bob.');
  assert.equal(await dialog(bob).count(), 1);
});

withServer('calling a name that nobody uses is explained', async ({ open }) => {
  const alice = await open('alice');
  await call(alice, 'bob, carl');
  await alertShows(alice, 'Nobody is waiting for calls as bob or carl. Check the name or try again later.');
  await isAtRest(alice);
});

withServer('an unanswered call is explained at both ends', async ({ open, reachable }) => {
  // Declined, but reported as a timeout, which would take a minute.
  const [bob, alice] = await Promise.all([
    reachable('bob', { intercept: true }),
    open('alice', { intercept: true }),
  ]);
  alice.rewrite = (message) => {
    if (message.state === 'declined') message.state = 'no-answer';
    if (message.code === 'callee-declined') message.code = 'callee-no-answer';
    return message;
  };
  await call(alice, 'bob');
  await dialog(bob).waitFor();
  const other = await reachable('bob');
  bob.rewrite = (message) =>
    message.reason === 'declined-elsewhere' ? { ...message, reason: 'no-answer' } : message;
  await answer(other, 'Decline');
  await alertShows(alice, 'bob did not answer.');
  await alertShows(bob, 'You missed a call from alice.');
  await stopsRinging(bob);
});

for (const [name, goes] of [
  ['closes the tab', (page) => page.goto('about:blank')],
  ['hangs up', (page) => page.getByRole('button', { name: 'Leave' }).click()],
]) {
  withServer(`the dialog closes when the caller ${name}`, async ({ open, reachable }) => {
    const bob = await reachable('bob');
    const alice = await open('alice');
    await call(alice, 'bob');
    await dialog(bob).waitFor();
    await goes(alice);
    await stopsRinging(bob);
    await alertShows(bob, 'alice called but hung up before you answered.');
    await isWaiting(bob, 'bob');
    assert.equal(await bob.title(), 'acscall');
  });
}

for (const [how, text] of [
  ['Accept', 'The call from alice was answered in another window or on another device.'],
  ['Decline', 'The call from alice was declined in another window or on another device.'],
]) {
  withServer(`it rings in all windows of a user until one of them presses ${how}`, async ({ open, reachable }) => {
    const [bob, second] = [await reachable('bob'), await reachable('bob')];
    const alice = await open('alice');
    await call(alice, 'bob');
    await Promise.all([dialog(bob).waitFor(), dialog(second).waitFor()]);
    await answer(second, how);
    await stopsRinging(bob);
    await alertShows(bob, text);
    await isWaiting(bob, 'bob');
    if (how === 'Accept') await isInCall(second, ['alice']);
  });
}

withServer('a third user is invited, and the call outlives its caller', async ({ open, reachable }) => {
  const [bob, carl, alice] = await Promise.all([
    reachable('bob'),
    reachable('carl', { devices: true }),
    open('alice'),
  ]);
  await call(alice, 'bob');
  await answer(bob, 'Accept');
  await isInCall(bob, ['alice']);
  await invite(bob, 'carl');
  await carl.getByRole('alertdialog', { name: 'bob is calling' }).waitFor();
  for (const page of [alice, bob]) await tile(page, 'carl', 'ringing').waitFor();
  await answer(carl, 'Accept');
  await Promise.all([isInCall(alice, ['bob', 'carl']), isInCall(carl, ['alice', 'bob'])]);
  for (const page of [alice, bob]) {
    await waitForStream(page, 'carl', 'video', (s) => s.framesDecoded > 10);
    await tile(page, 'carl', 'ringing').waitFor({ state: 'detached' });
  }
  await alice.getByRole('button', { name: 'Leave' }).click();
  await Promise.all([isInCall(bob, ['carl']), isInCall(carl, ['bob'])]);
});

withServer('participants are not invited again, and a rejection does not affect the call', async ({ open, reachable }) => {
  const [bob, alice] = await Promise.all([reachable('bob'), open('alice')]);
  await call(alice, 'bob');
  await answer(bob, 'Accept');
  await isInCall(alice, ['bob']);
  await invite(alice, 'bob');
  await alertShows(alice, 'bob is already in the call.');
  for (const [user, text] of [
    ['alice', 'You cannot call yourself.'],
    ['x'.repeat(129), 'A name must have 1 to 128 characters.'],
    ['eve', 'Nobody is waiting for calls as eve. '],
  ]) {
    await alice.getByRole('textbox', { name: 'Names to invite' }).fill(user);
    await alice.getByRole('button', { name: 'Invite' }).click();
    await alertShows(alice, text);
  }
  await alice.getByRole('listitem').filter({ hasText: 'eve' }).getByText('cannot be reached').waitFor();
  await Promise.all([isInCall(alice, ['bob']), isInCall(bob, ['alice'])]);
});

withServer('a user is invited into a named call', async ({ reachable, enter }) => {
  const [bob, alice] = await Promise.all([reachable('bob'), enter('alice', 'tea')]);
  await invite(alice, 'bob');
  await answer(bob, 'Accept');
  await Promise.all([isInCall(alice, ['bob']), isInCall(bob, ['alice'])]);
  assert.equal(await bob.title(), 'tea – acscall');
  await bob.getByRole('button', { name: 'Leave' }).click();
  // A participant who is alone in a named call stays in it.
  await isWaiting(bob, 'bob');
  await alice.getByText('Only you in the call').waitFor();
});

withServer('a call is ended for everyone', async ({ open, reachable }) => {
  const [bob, carl, dora, alice] = await Promise.all([
    ...['bob', 'carl', 'dora'].map((user) => reachable(user)),
    open('alice'),
  ]);
  await call(alice, 'bob, carl, dora');
  await answer(bob, 'Accept');
  await answer(carl, 'Accept');
  await isInCall(bob, ['alice', 'carl']);
  await bob.getByRole('button', { name: 'People' }).click();
  await bob.getByRole('button', { name: 'End call for everyone' }).click();
  await isWaiting(bob, 'bob');
  assert.equal(await bob.getByRole('alert').count(), 0);
  for (const page of [alice, carl]) {
    await alertShows(page, 'bob ended the call for everyone.');
    await isAtRest(page);
  }
  await alertShows(dora, 'alice called but hung up before you answered.');
});

withServer('of several callees, one declines and one answers', async ({ open, reachable }) => {
  const [bob, carl, alice] = await Promise.all([
    reachable('bob'),
    reachable('carl'),
    open('alice'),
  ]);
  await call(alice, ' bob ,carl,, eve,bob');
  await alice.getByText('Ringing bob and carl…').waitFor();
  await alertShows(alice, 'Nobody is waiting for calls as eve. ');
  await answer(bob, 'Decline');
  await alertShows(alice, 'bob declined.');
  await tile(alice, 'bob', 'ringing').waitFor({ state: 'detached' });
  await answer(carl, 'Accept');
  await isInCall(alice, ['carl']);
  await alice.getByRole('button', { name: 'People' }).click();
  const standing = await alice.getByRole('dialog').or(alice.locator('#people')).getByRole('listitem').allTextContents();
  assert.deepEqual(standing, ['alice (you)', 'carl', 'evecannot be reached', 'bobdeclined']);
});

withServer('the keyboard answers and declines calls, but earlier keystrokes do not', async ({ open, reachable }) => {
  const [bob, alice] = await Promise.all([reachable('bob'), open('alice')]);
  await bob.getByRole('textbox', { name: 'Names to call' }).focus();
  await call(alice, 'bob');
  await bob.getByRole('heading', { name: 'alice is calling' }).waitFor();
  await bob.locator('#incoming-title:focus').waitFor();
  await bob.keyboard.type('carl ');
  await bob.keyboard.press('Enter');
  assert.ok(await dialog(bob).isVisible());
  assert.equal(await bob.evaluate(() => document.querySelector('#callees').value), '');
  await bob.keyboard.press('Escape');
  await alertShows(alice, 'bob declined.');
  await bob.locator('#callees:focus').waitFor();

  await call(alice, 'bob');
  await dialog(bob).waitFor();
  await bob.keyboard.press('Tab');
  await bob.keyboard.press('Tab');
  await bob.locator('#answer-video:focus').waitFor();
  await bob.keyboard.press('Space');
  await bob.keyboard.press('Tab');
  await bob.locator('#decline:focus').waitFor();
  await bob.keyboard.press('Tab');
  await bob.keyboard.press('Enter');
  await isInCall(bob, ['alice']);
  await bob.locator('#video[aria-pressed=true]').waitFor();
  await bob.locator('#audio[aria-pressed=false]:focus').waitFor();
});

withServer('waiting needs a name, can be stopped, and pauses in a call', async ({ open, reachable }) => {
  const [bob, alice] = await Promise.all([open(''), open('alice')]);
  await bob.getByRole('button', { name: 'Wait for calls' }).click();
  await alertShows(bob, 'Enter your name first');
  await bob.locator('#user:focus').waitFor();
  await bob.keyboard.type('bob');
  await bob.getByRole('button', { name: 'Wait for calls' }).click();
  await isWaiting(bob, 'bob');
  assert.ok(!(await bob.getByLabel('Your name').isEditable()));

  await bob.getByRole('button', { name: 'Join' }).click();
  await bob.getByText('Only you in the call').waitFor();
  await call(alice, 'bob');
  await alertShows(alice, 'Busy with another call: bob.');
  await bob.getByRole('button', { name: 'Leave' }).click();
  await isWaiting(bob, 'bob');
  await bob.getByRole('button', { name: 'Stop waiting' }).click();
  await bob.getByRole('button', { name: 'Wait for calls' }).waitFor();
  assert.equal(await bob.getByRole('status').textContent(), '');
  // The server notices when the socket closes.
  await waitFor(
    'nobody under that name',
    async () => {
      await call(alice, 'bob');
      await isAtRest(alice);
      return alice.locator('#alert-text').textContent();
    },
    (text) => text.startsWith('Nobody is waiting'),
  );
});

for (const how of ['Accept', 'Decline']) {
  withServer(`a call keeps ringing while the connection is lost, and ${how} works meanwhile`, async ({ open, reachable }) => {
    const bob = await reachable('bob', { intercept: true });
    const alice = await open('alice', { intercept: true });
    await call(alice, 'bob');
    await dialog(bob).waitFor();
    // Pressed as soon as the page has noticed, before the server is back.
    await bob.evaluate((how) => {
      const lost = new MutationObserver(() => {
        const { state } = document.getElementById('state').dataset;
        if (state === 'reconnecting') document.getElementById(how.toLowerCase()).click();
      });
      lost.observe(document.getElementById('state'), { attributes: true });
    }, how);
    await Promise.all([bob.cutSignalling(), alice.dropSignalling()]);
    // In the page's words, or in the server's if that noticed first.
    if (how === 'Decline') return alertShows(alice, /bob"? declined/);
    await Promise.all([isInCall(alice, ['bob']), isInCall(bob, ['alice'])]);
  });
}

withServer('a call accepted while its caller is away connects when the caller is back', async ({ open, reachable }) => {
  const [bob, alice] = await Promise.all([reachable('bob'), open('alice', { intercept: true })]);
  await call(alice, 'bob');
  await dialog(bob).waitFor();
  let comeBack;
  alice.held = new Promise((resolve) => {
    comeBack = resolve;
  });
  await alice.dropSignalling();
  await answer(bob, 'Accept');
  await bob.waitForFunction(() => window.acscall?.state === 'Connected');
  comeBack();
  await Promise.all([isInCall(alice, ['bob']), isInCall(bob, ['alice'])]);
});

withServer('a call that ended while the connection was lost stops ringing', async ({ open, reachable }) => {
  const [bob, alice] = await Promise.all([reachable('bob', { intercept: true }), open('alice')]);
  await call(alice, 'bob');
  await dialog(bob).waitFor();
  bob.rewrite = (message) => (message.type === 'incoming-ended' ? { type: 'lost' } : message);
  await alice.getByRole('button', { name: 'Leave' }).click();
  await isAtRest(alice);
  await bob.cutSignalling();
  await stopsRinging(bob);
  await alertShows(bob, 'alice called but hung up before you answered.');
  await isWaiting(bob, 'bob');
});

withServer('a server restart ends a ringing call at both ends', async ({ server, open, reachable }) => {
  const [bob, alice] = await Promise.all([reachable('bob'), open('alice')]);
  await call(alice, 'bob');
  await dialog(bob).waitFor();
  await server.kill();
  await alice.getByText('Reconnecting to the server').waitFor();
  await server.start();
  await alertShows(alice, 'The server restarted while the call rang. Call again.');
  await stopsRinging(bob);
  await isWaiting(bob, 'bob');
  await call(alice, 'bob');
  await answer(bob, 'Accept');
  await isInCall(alice, ['bob']);
});

withServer('a placed call outlives its server', async ({ server, open, reachable }) => {
  const [bob, alice] = await Promise.all([reachable('bob', { devices: true }), open('alice')]);
  await call(alice, 'bob');
  await answer(bob, 'Accept');
  await waitForStream(alice, 'bob', 'video', (s) => s.framesDecoded > 10);
  const { framesDecoded } = await waitForStream(alice, 'bob', 'video', () => true);
  await server.kill();
  await alice.getByText('Reconnecting to the server').waitFor();
  await server.start();
  for (const page of [alice, bob]) await page.getByText('2 in the call').waitFor();
  await waitForStream(alice, 'bob', 'video', (s) => s.framesDecoded > framesDecoded + 10);
});

withServer('states come in order, also for programs that use the library', async ({ open }) => {
  const [alice, bob] = await Promise.all([open('alice'), open('bob')]);
  // Records every state of a call and of its participants.
  const watch = `(call) => {
    window.seen = [call.state];
    window.call = call;
    const say = ({ identifier, state }) => window.seen.push(identifier.communicationUserId + ' ' + state);
    const look = (participant) => {
      say(participant);
      participant.on('stateChanged', () => say(participant));
    };
    call.on('stateChanged', () => window.seen.push(call.state));
    call.remoteParticipants.forEach(look);
    call.on('remoteParticipantsUpdated', ({ added }) => added.forEach(look));
  }`;
  await bob.evaluate(`(async () => {
    const { CallClient } = await import('/acscall.js');
    const agent = await new CallClient().createCallAgent({ user: 'bob' });
    agent.on('incomingCall', async ({ incomingCall }) => (${watch})(await incomingCall.accept()));
  })()`);
  await alice.evaluate(`(async () => {
    const { CallClient } = await import('/acscall.js');
    const agent = await new CallClient().createCallAgent({ user: 'alice' }, { displayName: 'Alice' });
    (${watch})(agent.startCall('bob'));
  })()`);
  for (const page of [alice, bob]) {
    await page.waitForFunction(() => window.call?.remoteParticipants[0]?.state === 'Connected');
  }
  await alice.evaluate(() => window.call.hangUp());
  await bob.waitForFunction(() => window.call.state === 'Disconnected');
  const own = (seen) => seen.filter((state) => !state.includes(' '));
  const others = (seen) => seen.filter((state) => state.includes(' '));
  const [caller, callee] = [
    await alice.evaluate(() => window.seen),
    await bob.evaluate(() => window.seen),
  ];
  assert.deepEqual(own(caller), [
    'None',
    'Connecting',
    'Ringing',
    'Connected',
    'Disconnecting',
    'Disconnected',
  ]);
  assert.deepEqual(others(caller), [
    'bob Ringing',
    'bob Connecting',
    'bob Connected',
    'bob Disconnected',
  ]);
  assert.deepEqual(own(callee).slice(-3), ['Connected', 'Disconnecting', 'Disconnected']);
  assert.deepEqual(others(callee).slice(-2), ['alice Connected', 'alice Disconnected']);
  assert.equal(
    await bob.evaluate(() => window.call.callEndReason.message),
    'everybody else has left',
  );
});
