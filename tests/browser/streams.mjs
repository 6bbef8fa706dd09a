// Tests of local streams in Chromium, without a call. Importing this starts a server and browsers.
//
// The tests take the role of a call: they attach a sink and check the tracks that it gets.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, TEST, TIMEOUT, startBrowser } from './harness.mjs';

let server;
let browser;
/**
 * A browser that shares the tab with the title `shared`, but grants no devices, and no sound before
 * a gesture.
 */
let strict;

before(async () => {
  [server, browser, strict] = await Promise.all([
    Server.start(),
    startBrowser({
      devices: false,
      args: ['--use-fake-device-for-media-stream=device-count=2,fps=30'],
    }),
    startBrowser({
      grant: false,
      args: [
        '--auto-select-tab-capture-source-by-title=shared',
        '--autoplay-policy=document-user-activation-required',
      ],
    }),
  ]);
});

after(async () => {
  await Promise.all([browser?.close(), strict?.close()]);
  await server?.kill();
});

/**
 * Runs `body` in an empty page of the server with the library and the tools below in scope, and
 * expects it to return `expected`.
 */
export function inPage(name, expected, body, { isStrict = false } = {}) {
  test(name, TEST, async (t) => {
    const context = await (isStrict ? strict : browser).newContext();
    t.after(() => context.close());
    if (isStrict) await openShared(context);
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.route('**/empty', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>page</title>' }),
    );
    await page.goto(`${server.url}empty`);
    await page.exposeFunction('touchPage', () => page.mouse.click(5, 5));
    await page.evaluate(tools, TIMEOUT);
    assert.deepEqual(await page.evaluate(body), expected);
    assert.deepEqual(errors, []);
  });
}

/** Opens the tab to share; pages can close it, which ends the sharing. */
async function openShared(context) {
  const tab = await context.newPage();
  await tab.setContent('<title>shared</title>');
  await context.exposeFunction('closeShared', () => tab.close());
}

async function tools(patience) {
  Object.assign(window, await import('/acscall.js'));
  for (const name of ['local-source', 'local-audio-stream', 'local-video-stream']) {
    Object.assign(window, await import(`/acscall/${name}.js`));
  }
  const { deviceManager } = await import('/acscall/device-manager.js');
  window.devices = deviceManager();

  // The number of devices that the page has opened.
  window.opened = 0;
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  const lists = [];
  mediaDevices.getUserMedia = async (constraints) => {
    window.opened += 1;
    const stream = await getUserMedia(constraints);
    for (const list of lists) list.push(...stream.getTracks());
    return stream;
  };
  /** The tracks of the devices opened from now on. */
  window.captured = () => {
    lists.push([]);
    return lists.at(-1);
  };

  /** Acts as a call for its streams. */
  window.Sink = class {
    tracks = [];
    hasEnded = false;
    track(track) {
      this.tracks.push(track);
    }
    ended() {
      this.hasEnded = true;
    }
    get last() {
      return this.tracks.at(-1);
    }
  };
  window.attach = async (stream) => {
    const sink = new Sink();
    await sourceOf(stream).attach(sink);
    return sink;
  };
  window.canvasStream = () => {
    const canvas = document.createElement('canvas');
    canvas.getContext('2d').fillRect(0, 0, 9, 9);
    return canvas.captureStream(30);
  };
  window.toneStream = (context = new AudioContext()) => {
    const output = context.createMediaStreamDestination();
    const tone = new OscillatorNode(context, { frequency: 500 });
    tone.connect(output);
    tone.start();
    return output.stream;
  };
  window.events = (emitter, event) => {
    const seen = [];
    emitter.on(event, (payload) => seen.push(payload));
    return seen;
  };
  window.refusal = async (promise) => {
    try {
      await (typeof promise === 'function' ? promise() : promise);
      return null;
    } catch (error) {
      if (!(error instanceof CallingError)) throw error;
      return error.code;
    }
  };
  window.until = async (isTrue) => {
    const end = performance.now() + patience;
    while (!(await isTrue())) {
      if (performance.now() > end) throw new Error(`not within ${patience} ms: ${isTrue}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  window.deviceOf = (track) => track.getSettings().deviceId;
}
