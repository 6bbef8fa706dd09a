// An app written for ACS, in which an import map replaces the SDK.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Server, TEST, TIMEOUT, makeToken, startBrowser } from './harness.mjs';

const SECRET = 'a secret for tests, of 32 bytes!';
const APP = fileURLToPath(new URL('library/acs-app.html', import.meta.url));

let browser;
let server;
let common;

before(async () => {
  const bundling = build({
    stdin: {
      contents: "export * from '@azure/communication-common'",
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'esm',
    mainFields: ['browser', 'module', 'main'],
    logLevel: 'error',
  });
  [browser, server, common] = await Promise.all([
    startBrowser({ args: ['--auto-select-desktop-capture-source=Entire screen'] }),
    Server.start({ secret: SECRET }),
    bundling.then(({ outputFiles }) => outputFiles[0].text),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

/** Opens the app as `user`, in the call. */
async function openApp(t, user) {
  // The app is a page of the server, but Chromium does not know that of an intercepted one.
  const context = await browser.newContext({ permissions: ['local-network-access'] });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  page.on('pageerror', (error) => assert.fail(error));
  await page.route('**/app.html?*', (route) => route.fulfill({ path: APP }));
  await page.route('**/communication-common.js', (route) =>
    route.fulfill({ contentType: 'text/javascript', body: common }),
  );
  const query = new URLSearchParams({ token: makeToken(SECRET, user), call: 'tea' });
  await page.goto(`${server.url}app.html?${query}`);
  await page.getByText('Connected', { exact: true }).waitFor();
  return page;
}

/** Waits until the app shows a picture in this place, which `accept` accepts by its colour. */
const shows = (page, place, accept) =>
  page.waitForFunction(
    ([place, accept]) => {
      const video = document.querySelector(`${place} video`);
      if (!video?.videoWidth) return false;
      const paint = new OffscreenCanvas(1, 1).getContext('2d');
      paint.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
      const [red, green, blue] = paint.getImageData(0, 0, 1, 1).data;
      return new Function('red', 'green', 'blue', `return ${accept}`)(red, green, blue);
    },
    [place, accept],
  );
const isGone = (page, place) => page.locator(`${place} video`).waitFor({ state: 'detached' });
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

test('an app of ACS sends, switches, shares and hangs up', TEST, async (t) => {
  const [anna, berta] = [await openApp(t, 'anna'), await openApp(t, 'berta')];
  const camera = '#remote [data-type=Video]';
  for (const page of [anna, berta]) await shows(page, '#local', 'green >= 0');
  for (const page of [anna, berta]) await shows(page, camera, 'green >= 0');
  await press(anna, 'Video off');
  await isGone(berta, camera);
  await press(anna, 'Video on');
  await shows(berta, camera, 'green >= 0');
  await press(anna, 'Raw media');
  await shows(berta, camera, 'blue > 200 && red < 60 && green < 60');
  await shows(anna, '#local', 'blue > 200 && red < 60 && green < 60');
  await press(anna, 'Share');
  await shows(berta, '#remote [data-type=ScreenSharing]', 'green >= 0');
  await press(anna, 'Stop sharing');
  await isGone(berta, '#remote [data-type=ScreenSharing]');
  await press(anna, 'Hang up');
  await anna.getByText('Disconnected', { exact: true }).waitFor();
  await isGone(berta, camera);
});
