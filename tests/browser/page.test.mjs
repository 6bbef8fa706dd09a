// The page in Chromium against the real server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  Server,
  TEST,
  cameraSize,
  isWhole,
  join,
  leavesAtOnce,
  openPage,
  received,
  reconnected,
  sendCanvas,
  startBrowser,
  tile,
  waitFor,
  waitForStream,
} from './harness.mjs';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

const NOTHING = { camera: false, microphone: false };

/** Runs `body` in a call of its own and closes its pages. */
function inCall(name, body) {
  test(name, TEST, async (t) => {
    const call = `test ${name}`.slice(0, 100);
    const pages = [];
    t.after(() => Promise.all(pages.map((page) => page.context().close())));
    await body(async (user, options) => {
      const page = await join(browser, server, call, user, options);
      pages.push(page);
      return page;
    }, call);
  });
}

inCall('two pages see each other at full size and hear each other', async (enter) => {
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => enter(user, { hd: true })));
  for (const [page, other, theirs] of [
    [alice, 'bob', bob],
    [bob, 'alice', alice],
  ]) {
    const { width, height } = await cameraSize(theirs);
    assert.ok(width >= 640, `a camera of ${width}×${height}`);
    const seen = await waitForStream(page, other, 'video', (s) => s.framesDecoded > 30);
    assert.deepEqual([seen.frameWidth, seen.frameHeight], [width, height]);
    await waitForStream(page, other, 'audio', (s) => s.totalAudioEnergy > 0);
    await tile(page, other).locator('video').waitFor({ state: 'visible' });
    await page.getByText(`${width}×${height}`).first().waitFor();
  }
  assert.equal(await alice.getByRole('status').textContent(), '2 in the call');
});

inCall('a canvas as screen beside the camera arrives, soon at full size', async (enter) => {
  const [alice, bob] = await Promise.all([enter('alice', { hd: true }), enter('bob', NOTHING)]);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 0);
  await sendCanvas(alice, 'screen', 1500, 845);
  const full = (s) => s.frameWidth === 1500 && s.frameHeight === 845 && s.framesDecoded > 10;
  const screen = await waitForStream(bob, 'alice', 'screen', full);
  // Of 30 per second.
  assert.ok(screen.framesDecoded < 150, `${screen.framesDecoded} pictures`);
  const { width, height } = await cameraSize(alice);
  const camera = await received(bob, 'alice', 'video');
  assert.deepEqual([camera.frameWidth, camera.frameHeight], [width, height]);
  await tile(bob, 'alice', 'screen').waitFor();
});

inCall('switching the camera off and on is announced and shown', async (enter) => {
  const [alice, bob] = await Promise.all([enter('alice'), enter('bob', NOTHING)]);
  const video = tile(bob, 'alice').locator('video');
  await video.waitFor({ state: 'visible' });

  await alice.getByRole('button', { name: 'Camera' }).click();
  await video.waitFor({ state: 'hidden' });
  await tile(bob, 'alice').locator('.initial').waitFor({ state: 'visible' });
  assert.deepEqual(await media(bob), ['Audio']);
  await alice.locator('#video[aria-pressed=false]').waitFor();

  await alice.getByRole('button', { name: 'Camera' }).click();
  await video.waitFor({ state: 'visible' });
  assert.deepEqual(await media(bob), ['Audio', 'Video']);

  await alice.getByRole('button', { name: 'Microphone' }).click();
  await tile(bob, 'alice').getByRole('img', { name: 'microphone off' }).waitFor();
  assert.deepEqual(await media(bob), ['Video']);
});

inCall('a screen share that is ended goes away', async (enter) => {
  const [alice, bob] = await Promise.all([enter('alice', NOTHING), enter('bob', NOTHING)]);
  await sendCanvas(alice, 'screen', 640, 360);
  await tile(bob, 'alice', 'screen').locator('video').waitFor({ state: 'visible' });
  await alice.evaluate(() => {
    const track = window.painted.screen;
    track.stop();
    // Browsers fire this only if the end comes from outside.
    track.dispatchEvent(new Event('ended'));
  });
  await tile(bob, 'alice', 'screen').waitFor({ state: 'detached' });
});

inCall('leaving is seen at once, and a user can come back', async (enter) => {
  const [alice, bob] = await Promise.all([enter('alice'), enter('bob')]);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 0);

  await leavesAtOnce(bob, 'alice', () => alice.getByRole('button', { name: 'Leave' }).click());
  await alice.getByRole('heading', { name: 'Join a call' }).waitFor();
  assert.equal(await alice.getByRole('status').textContent(), 'You left the call');

  await alice.getByRole('button', { name: 'Join' }).click();
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 0);
  await waitForStream(alice, 'bob', 'audio', (s) => s.totalAudioEnergy > 0);
});

inCall('a page that is closed is gone from the call', async (enter) => {
  const without = { camera: false };
  const [alice, bob] = await Promise.all([enter('alice', without), enter('bob', without)]);
  await tile(bob, 'alice').waitFor();
  await leavesAtOnce(bob, 'alice', () => alice.goto('about:blank'));
});

inCall('two sessions of a user are told apart', async (enter) => {
  await enter('alice', { camera: false });
  const again = await enter('alice', { camera: false });
  const bob = await enter('bob', { camera: false });
  const names = bob.locator('.name');
  await waitFor(
    'both names',
    () => names.allTextContents(),
    (all) => all.includes('alice') && all.includes('alice (2)'),
  );
  await again.getByRole('button', { name: 'Leave' }).click();
  await bob.getByText('alice (2)', { exact: true }).waitFor({ state: 'detached' });
});

inCall('media goes on while the server is away and after it came back', async (enter) => {
  const [alice, bob] = await Promise.all([enter('alice'), enter('bob')]);
  const begun = await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
  const legs = await legsOf(bob);

  await server.kill();
  await bob.getByText('Reconnecting to the server').waitFor();
  const goesOn = (s) => s.framesDecoded > begun.framesDecoded + 30;
  const away = await waitForStream(bob, 'alice', 'video', goesOn);
  // Changes made now are announced later.
  await alice.getByRole('button', { name: 'Microphone' }).click();
  await server.start();
  for (const page of [alice, bob]) await isWhole(page);
  await tile(bob, 'alice').getByRole('img', { name: 'microphone off' }).waitFor();

  // The same leg from the first to the last frame, also when the wants from before have expired:
  // they are kept for 5 s, in which there are no more than 150 frames.
  const back = await received(bob, 'alice', 'video');
  assert.ok(back.framesDecoded >= away.framesDecoded);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > back.framesDecoded + 160);
  assert.equal(await legsOf(bob), legs);
});

inCall('a lost connection is resumed by the same participant', async (enter) => {
  const [alice, bob] = await Promise.all([
    enter('alice'),
    enter('bob', { camera: false, intercept: true }),
  ]);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
  const before = await connection(alice);
  const { framesDecoded } = await received(bob, 'alice', 'video');
  await bob.dropSignalling();
  await reconnected(bob);
  await bob.getByRole('button', { name: 'Microphone' }).click();
  await tile(alice, 'bob').getByRole('img', { name: 'microphone off' }).waitFor();
  assert.deepEqual(await connection(alice), before);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > framesDecoded + 10);
});

inCall('a participant whose session has expired joins as a new one', async (enter) => {
  const [alice, bob] = await Promise.all([
    enter('alice'),
    enter('bob', { camera: false, intercept: true }),
  ]);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
  const before = await connection(alice);
  await bob.dropSignalling({ forget: true });
  await waitFor('another bob', () => connection(alice), (now) => now && now.id !== before.id);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
});

inCall('a leg that breaks is replaced', async (enter) => {
  const [alice, bob] = await Promise.all([enter('alice'), enter('bob', { camera: false })]);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
  const before = await legsOf(bob);
  await bob.evaluate(() => {
    const receiving = window.legs.find((leg) => leg.getTransceivers()[0].direction === 'recvonly');
    Object.defineProperty(receiving, 'connectionState', { value: 'failed' });
    receiving.dispatchEvent(new Event('connectionstatechange'));
  });
  await waitFor('a later leg', () => legsOf(bob), (now) => now > before);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
  await tile(bob, 'alice').locator('video').waitFor({ state: 'visible' });
});

inCall('a canvas replaces the camera without a new leg', async (enter) => {
  const [alice, bob] = await Promise.all([enter('alice'), enter('bob', { camera: false })]);
  await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
  const legs = await legsOf(bob);
  await sendCanvas(alice, 'video', 800, 600);
  await waitForStream(bob, 'alice', 'video', (s) => s.frameWidth === 800 && s.frameHeight === 600);
  assert.equal(await legsOf(bob), legs);
});

test('a denied camera is explained, and the call goes on without it', TEST, async (t) => {
  const refusing = await startBrowser({ grant: false });
  t.after(() => refusing.close());
  const page = await openPage(refusing, server, 'refused', 'alice', { permissions: [] });
  await page.getByRole('button', { name: 'Join' }).click();
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match(await alert.textContent(), /blocks the microphone and camera/);
  assert.equal(await page.getByRole('status').textContent(), 'Only you in the call');
  await page.getByRole('button', { name: 'Close' }).click();
  await alert.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Camera' }).click();
  await alert.waitFor();
  assert.match(await alert.textContent(), /blocks the camera/);
});

test('a missing device is explained, and the other one is used', TEST, async (t) => {
  const page = await openPage(browser, server, 'deviceless', 'alice');
  t.after(() => page.context().close());
  await page.evaluate(() => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      if (wanted.video) throw new DOMException('Requested device not found', 'NotFoundError');
      return real(wanted);
    };
  });
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('No camera was found. Connect one, then press Camera.').waitFor();
  await page.locator('#audio[aria-pressed=true]').waitFor();
});

test('an unreachable server is explained, and joining can be retried', TEST, async (t) => {
  const other = await Server.start();
  const page = await openPage(browser, other, 'gone', 'alice');
  t.after(() => page.context().close());
  await other.kill();
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('The server does not answer').waitFor();
  await other.start();
  t.after(() => other.kill());
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('Only you in the call').waitFor();
});

test('the call can be joined, used and left with the keyboard', TEST, async (t) => {
  const page = await openPage(browser, server, 'keys', 'alice');
  t.after(() => page.context().close());
  await page.locator('#user:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('#audio:focus').waitFor();
  await page.locator('#video[aria-pressed=true]').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.locator('#video[aria-pressed=false]').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.locator('#people-button:focus').waitFor();
  await page.keyboard.press('Tab');
  await page.locator('#more-button:focus').waitFor();
  await page.keyboard.press('Tab');
  await page.locator('#leave:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('#join:focus').waitFor();
});

test('the link that the page copies joins the call', TEST, async (t) => {
  const alice = await join(browser, server, 'tea & cake', 'alice', {
    camera: false,
    microphone: false,
  });
  t.after(() => alice.context().close());
  await alice.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await alice.getByRole('button', { name: 'People' }).click();
  await alice.getByRole('button', { name: 'Copy link to this call' }).click();
  await alice.getByRole('button', { name: 'Copied', exact: true }).waitFor();
  const link = await alice.evaluate(() => navigator.clipboard.readText());
  const bob = await alice.context().newPage();
  await bob.goto(link);
  for (const device of ['Microphone', 'Camera']) {
    await bob.getByRole('checkbox', { name: device }).setChecked(false);
  }
  await bob.getByRole('textbox', { name: 'Your name' }).fill('bob');
  await bob.getByRole('button', { name: 'Join' }).click();
  await tile(alice, 'bob').waitFor();
  assert.equal(await bob.title(), 'tea & cake – acscall');
});

/** Returns the number of legs that `page` has made so far. */
function legsOf(page) {
  return page.evaluate(() => window.legs.length);
}

/** Returns the connections of `page` to the newest participant. */
function connection(page) {
  return page.evaluate(() => {
    const participant = window.acscall.remoteParticipants.at(-1);
    return participant && { id: participant.id, legs: window.legs.length };
  });
}

/** Returns the available kinds of the only other participant. */
function media(page) {
  return page.evaluate(() => {
    const [{ isMuted, videoStreams }] = window.acscall.remoteParticipants;
    const pictures = videoStreams.filter(({ isAvailable }) => isAvailable);
    const kinds = pictures.map(({ mediaStreamType }) => mediaStreamType);
    return isMuted ? kinds : ['Audio', ...kinds];
  });
}
