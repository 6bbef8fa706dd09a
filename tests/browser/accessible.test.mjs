// The page with a screen reader, with the keyboard, and on small screens.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import {
  Server,
  TEST,
  join,
  openPage,
  sendCanvas,
  startBrowser,
  tile,
  waitFor,
} from './harness.mjs';

let server;
let browser;
let axe;

before(async () => {
  const source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  [server, browser, axe] = await Promise.all([
    Server.start(),
    startBrowser(),
    readFile(source, 'utf8'),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

/** Runs `body` in a call of its own and closes its pages. */
function inCall(name, body) {
  test(name, TEST, async (t) => {
    const call = `for all ${name}`.slice(0, 100);
    const pages = [];
    t.after(() => Promise.all(pages.map((page) => page.context().close())));
    const keep = async (opening) => {
      pages.push(await opening);
      return pages.at(-1);
    };
    const with_ = { camera: false, microphone: false };
    await body({
      enter: (user, options) => keep(join(browser, server, call, user, { ...with_, ...options })),
      open: (user, options) => keep(openPage(browser, server, call, user, options)),
    });
  });
}

/** Runs axe-core on `page` in both colour schemes, after all animations. */
async function check(page, where) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Evaluated, because the page's policy forbids foreign scripts.
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.map(
        ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0].html}: ${nodes[0].failureSummary}`,
      );
    });
    assert.deepEqual(violations, [], `${where}, ${colorScheme}`);
  }
}

inCall('axe-core finds nothing in the lobby and in its dialogs', async ({ open }) => {
  const alice = await open('alice');
  await check(alice, 'lobby');
  await alice.getByRole('button', { name: 'Devices' }).click();
  await alice.getByRole('dialog', { name: 'Camera and microphone' }).waitFor();
  await check(alice, 'devices');
  await alice.getByRole('button', { name: 'Done' }).click();
  await alice.getByRole('button', { name: 'Wait for calls' }).click();
  await alice.getByText('Others can call you as alice').waitFor();
  const bob = await open('bob');
  await bob.getByRole('textbox', { name: 'Names to call' }).fill('alice');
  await bob.getByRole('button', { name: 'Call', exact: true }).click();
  await alice.getByRole('alertdialog').waitFor();
  await check(alice, 'who calls');
  await check(bob, 'ringing');
});

inCall('axe-core finds nothing in a call and its panels', async ({ enter }) => {
  const alice = await enter('alice');
  await check(alice, 'alone');
  const bob = await enter('bob');
  await sendCanvas(bob, 'screen', 640, 360);
  await tile(alice, 'bob', 'screen').locator('video').waitFor({ state: 'visible' });
  await check(alice, 'call');
  for (const panel of ['People', 'More']) {
    await alice.getByRole('button', { name: panel }).click();
    await check(alice, panel);
    await alice.keyboard.press('Escape');
  }
  await alice.keyboard.press('t');
  await alice.getByRole('rowheader', { name: 'bob, screen' }).waitFor();
  await check(alice, 'statistics');
});

inCall(
  'single keys press their buttons, except while typing or when they are turned off',
  async ({ enter }) => {
    const alice = await enter('alice');
    const isPressed = (button, pressed) =>
      alice.locator(`#${button}[aria-pressed=${pressed}]`).waitFor({ state: 'attached' });
    await alice.locator('#audio:focus').waitFor();
    assert.equal(await alice.locator('#audio').getAttribute('title'), 'Microphone (M)');
    await alice.keyboard.press('m');
    await isPressed('audio', true);
    await alice.keyboard.press('v');
    await isPressed('video', true);
    await alice.keyboard.press('b');
    await isPressed('gray', true);
    await alice.keyboard.press('g');
    await isPressed('speaker-view', true);
    await alice.keyboard.press('v');
    await isPressed('video', false);
    // The focus has not moved.
    await alice.locator('#audio:focus').waitFor();

    // The popover is next in the tab order.
    await alice.keyboard.press('p');
    await alice.keyboard.press('Tab');
    await alice.locator('#invite-users:focus').waitFor();
    await alice.keyboard.type('mvg');
    assert.equal(await alice.locator('#invite-users').inputValue(), 'mvg');
    await isPressed('audio', true);
    await alice.keyboard.press('Escape');
    await alice.locator('#people-button:focus').waitFor();

    await alice.keyboard.press('o');
    await alice.getByRole('button', { name: 'Keyboard shortcuts', pressed: true }).click();
    await isPressed('shortcuts', false);
    await alice.keyboard.press('Escape');
    await alice.keyboard.press('m');
    await alice.keyboard.press('g');
    await alice.getByRole('button', { name: 'Camera' }).click();
    await isPressed('video', true);
    await isPressed('audio', true);
    await isPressed('speaker-view', true);
  },
);

inCall('a tile can be pinned and unpinned with the keyboard', async ({ enter }) => {
  const alice = await enter('alice');
  await Promise.all([enter('bob'), enter('carl')]);
  for (const user of ['bob', 'carl']) await tile(alice, user).waitFor();
  const width = (user) =>
    tile(alice, user).evaluate((tile) => parseInt(tile.style.getPropertyValue('--width'), 10));
  const pin = alice.getByRole('button', { name: 'Make large: carl' });
  await pin.focus();
  await alice.keyboard.press('Enter');
  await waitFor(
    'a large carl',
    async () => (await width('carl')) / (await width('bob')),
    (times) => times > 2,
  );
  await alice.keyboard.press('Enter');
  await waitFor(
    'all alike',
    async () => (await width('carl')) / (await width('bob')),
    (times) => times === 1,
  );
});

inCall('the speaker is marked, and large in speaker view', async ({ enter }) => {
  const alice = await enter('alice');
  await enter('carl');
  const bob = await enter('bob');
  await tile(alice, 'bob').waitFor();
  const speaking = alice.locator('.tile.speaking');
  assert.equal(await speaking.count(), 0);
  await bob.evaluate(async () => {
    const { LocalAudioStream } = await import('/acscall.js');
    const context = new AudioContext();
    const sound = context.createMediaStreamDestination();
    const tone = new OscillatorNode(context, { frequency: 300 });
    tone.connect(sound);
    tone.start();
    await window.acscall.startAudio(new LocalAudioStream(sound.stream));
    await window.acscall.unmute();
  });
  await alice.locator('.tile.speaking[data-user=bob]').waitFor();
  const width = (user) =>
    tile(alice, user).evaluate((tile) => parseInt(tile.style.getPropertyValue('--width'), 10));
  assert.equal(await width('bob'), await width('carl'));
  await alice.keyboard.press('g');
  await waitFor(
    'a large bob',
    async () => (await width('bob')) / (await width('carl')),
    (times) => times > 2,
  );
  await bob.evaluate(() => window.acscall.mute());
  await speaking.waitFor({ state: 'detached' });
  // Until another participant speaks.
  assert.ok((await width('bob')) > 2 * (await width('carl')));
});

for (const width of [320, 390, 1280]) {
  inCall(`nothing overflows a page of ${width} pixels`, async ({ open }) => {
    const page = await open('alice', { viewport: { width, height: 700 } });
    const room = () =>
      page.evaluate(() => {
        const wide = [...document.querySelectorAll('body *')].filter((element) => {
          const { right, left, width } = element.getBoundingClientRect();
          return width > 1 && (right > innerWidth + 1 || left < -1);
        });
        return wide.map(({ outerHTML }) => outerHTML.slice(0, 80));
      });
    assert.deepEqual(await room(), []);
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByText('Only you in the call').waitFor();
    assert.deepEqual(await room(), []);
    for (const panel of ['People', 'More']) {
      await page.getByRole('button', { name: panel }).click();
      assert.deepEqual(await room(), []);
      await page.keyboard.press('Escape');
    }
  });
}
