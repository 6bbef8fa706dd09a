// The code of the documents that define this project's API, run as printed: each fence in Chromium,
// in a call with a GStreamer pipeline that measures what arrives.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, TEST, startBrowser } from './harness.mjs';
import * as agora from './seeds/agora-checks.mjs';
import { checks as audio } from './seeds/audio-checks.mjs';
import { readFences } from './seeds/fences.mjs';
import { Scene } from './seeds/scene.mjs';
import { checks as screen } from './seeds/screen-checks.mjs';
import { checks as video } from './seeds/video-checks.mjs';

/** Two cameras, the second with pictures that cannot be encoded; screen sharing shares the tab. */
const CAPTURE = ['--use-fake-device-for-media-stream=device-count=3,display-media-type=browser'];

const fences = await readFences();
const checks = { ...audio, ...video, ...screen, ...agora.checks };

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser({ args: CAPTURE })]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

test('every code fence has a check, and every check a code fence', () => {
  assert.deepEqual(
    Object.keys(checks),
    fences.map(({ name }) => name),
  );
});

for (const fence of fences) {
  inScene(`${fence.name}, line ${fence.line}`, fence, checks[fence.name]);
}

for (const [name, check] of Object.entries(agora.sources)) {
  inScene(`agora-custom-video-source.md: ${name}`, fences.at(-1), check);
}

function inScene(name, fence, check) {
  test(name, TEST, async (t) => {
    assert.ok(check, 'there is no check of this code fence');
    const scene = new Scene({ server, browser, fence, fences });
    t.after(() => scene.close());
    await check(scene);
    await scene.end();
  });
}
