// The page with a server that requires tokens.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, TEST, join, makeToken, openPage, startBrowser } from './harness.mjs';

const SECRET = 'a secret for tests, of 32 bytes!';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start({ secret: SECRET }), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

/** Runs `body`, and closes the pages that it opens. */
function pageTest(name, body) {
  test(name, TEST, async (t) => {
    const opened = [];
    t.after(() => Promise.all(opened.map((page) => page.context().close())));
    const keep = async (opening) => {
      const page = await opening;
      opened.push(page);
      return page;
    };
    await body({
      enter: (user, token) =>
        keep(join(browser, server, 'tea', user, { camera: false, microphone: false, token })),
      open: (user, token) => keep(openPage(browser, server, 'tea', user, { token })),
    });
  });
}

async function pressJoin(page) {
  await page.getByRole('checkbox', { name: 'Microphone' }).setChecked(false);
  await page.getByRole('checkbox', { name: 'Camera' }).setChecked(false);
  await page.getByRole('button', { name: 'Join' }).click();
}

/** Returns the text of the page's alert, once it is shown. */
async function alertText(page) {
  await page.getByRole('alert').waitFor();
  assert.ok(await page.locator('#lobby').isVisible());
  return page.locator('#alert-text').textContent();
}

const inCall = (page) => page.waitForFunction(() => window.acscall?.state === 'Connected');

pageTest('a token in the address admits the user, disappears, and survives a reload', async ({ enter }) => {
  const token = makeToken(SECRET, 'alice');
  const page = await enter('alice', token);
  assert.equal(new URL(page.url()).hash, '');
  assert.ok(!(await page.content()).includes(token));
  assert.ok(await page.locator('#token').isHidden());
  assert.match(await page.locator('#pipeline').textContent(), /^ACSCALL_TOKEN=TOKEN .* user=alice /);
  await page.reload();
  await pressJoin(page);
  await inCall(page);
});

pageTest('without a token the server rejects the user, and the page asks for one', async ({ open }) => {
  const page = await open('bob');
  assert.ok(await page.getByLabel('Token').isHidden());
  await pressJoin(page);
  assert.match(await alertText(page), /^this server requires a token: .* give it to the page/);
  await page.locator('#token:focus').waitFor();
  await page.getByLabel('Token').fill(` ${makeToken(SECRET, 'bob')}\n`);
  await page.keyboard.press('Enter');
  await inCall(page);
});

pageTest('a wrong token is explained, and can be replaced', async ({ open }) => {
  const hourAgo = Math.floor(Date.now() / 1000) - 3600;
  const page = await open('carl', makeToken(SECRET, 'carl', { exp: hourAgo }));
  for (const [token, expected] of [
    [null, /^the token expired 36\d\d s ago: get a new one/],
    ['rubbish', /^the token cannot be read/],
    [makeToken('another secret', 'carl'), /^the token is not signed with this server's secret/],
    [makeToken(SECRET, 'eve'), /^the token is that of the user "eve"/],
    [makeToken(SECRET, 'carl', { call: 'coffee' }), /^the token opens the call "coffee" alone/],
  ]) {
    if (token) await page.getByLabel('Token').fill(token);
    await pressJoin(page);
    assert.match(await alertText(page), expected);
  }
  await page.getByLabel('Token').fill(makeToken(SECRET, 'carl'));
  await pressJoin(page);
  await inCall(page);
});

pageTest('a page whose token has become invalid says so instead of retrying', async ({ enter }) => {
  const page = await enter('dora', makeToken(SECRET, 'dora'));
  await server.kill();
  await page.getByText('Reconnecting to the server').waitFor();
  server.secret = 'another secret, of 32 bytes, too';
  await server.start();
  assert.match(await alertText(page), /^the token is not signed with this server's secret/);
  assert.ok(await page.getByLabel('Token').isVisible());
  await server.kill();
  server.secret = SECRET;
  await server.start();
});

pageTest('a user who may not place calls learns so, and can give another token', async ({ open }) => {
  const page = await open('fred', makeToken(SECRET, 'fred'));
  await page.getByRole('button', { name: 'Wait for calls' }).click();
  await page.getByText('Others can call you as fred').waitFor();
  await page.getByRole('textbox', { name: 'Names to call' }).fill('gina');
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  assert.match(await alertText(page), /^the token does not allow/);
  await page.locator('#token:focus').waitFor();
  await page.getByLabel('Token').fill(makeToken(SECRET, 'fred', { place: true }));
  // Calls again, without joining anything.
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('Nobody is waiting for calls as gina').waitFor();
});

pageTest('a user who may not place calls can be called, and can end that call', async ({ open }) => {
  const gina = await open('gina', makeToken(SECRET, 'gina'));
  await gina.getByRole('button', { name: 'Wait for calls' }).click();
  await gina.getByText('Others can call you as gina').waitFor();
  const fred = await open('fred', makeToken(SECRET, 'fred', { place: true }));
  await fred.getByRole('textbox', { name: 'Names to call' }).fill('gina');
  await fred.getByRole('button', { name: 'Call', exact: true }).click();
  await gina.getByRole('button', { name: 'Accept' }).click();
  await inCall(gina);
  await gina.getByRole('button', { name: 'People' }).click();
  await gina.getByRole('textbox', { name: 'Names to invite' }).fill('hans');
  await gina.keyboard.press('Enter');
  await gina.getByRole('alert').getByText('the token does not allow').waitFor();
  await gina.getByRole('button', { name: 'End call for everyone' }).click();
  await fred.getByRole('alert').getByText('gina ended the call for everyone.').waitFor();
});

pageTest('a call that the user may not end goes on', async ({ enter }) => {
  const [fred, gina] = [
    await enter('fred', makeToken(SECRET, 'fred')),
    await enter('gina', makeToken(SECRET, 'gina')),
  ];
  await fred.getByText('2 in the call').waitFor();
  await fred.getByRole('button', { name: 'People' }).click();
  await fred.getByRole('button', { name: 'End call for everyone' }).click();
  await fred.getByRole('alert').getByText('the token does not allow').waitFor();
  for (const page of [fred, gina]) await page.getByText('2 in the call').waitFor();
});

pageTest('an expired token ends waiting for calls, and the page asks for another', async ({ open }) => {
  const page = await open('ida', makeToken(SECRET, 'ida', { exp: 1 }));
  await page.getByRole('button', { name: 'Wait for calls' }).click();
  await page.getByRole('alert').getByText('the token expired').waitFor();
  await page.getByLabel('Token').fill(makeToken(SECRET, 'ida'));
  await page.keyboard.press('Enter');
  await page.getByText('Others can call you as ida').waitFor();
});
