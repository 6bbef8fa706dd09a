// A page with a bridge between a stand-in for an SDK's call and one of ours, with GStreamer in
// ours, and what arrives at both ends.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { COLOURS, colourName } from '../actor.mjs';
import { Pipeline } from '../gst.mjs';
import { Server, TEST, TIMEOUT, startBrowser, waitFor } from '../harness.mjs';
import { Witness } from '../witness.mjs';
import { bundle } from './bundle.mjs';

/** The number of frames that proves a moving picture. */
const FRAMES = 5;

/** The tolerance of a colour channel after two encodings. */
const COLOUR_BOUND = 30;

/** Returns the name in COLOURS of what the other call sees. */
export const nameThere = (pixel) => colourName(pixel, COLOUR_BOUND);

/** Returns a colour of COLOURS in CSS. */
export const css = (name) => `rgb(${COLOURS[name].join(' ')})`;

/** Returns a user's name in pad names. */
export const padOf = (user) =>
  user.replace(/[^\w-]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Returns a function that runs `body(lab)` as a test of the bridge for `sdk`, `acs` or `agora`, in
 * one browser for all tests of the file.
 */
export function makeLabs(sdk) {
  let browser;
  let script;
  before(async () => {
    [browser, script] = await Promise.all([startBrowser(), bundle(`${sdk}-page.ts`)]);
  });
  after(() => browser?.close());
  return (name, body) => {
    test(name, TEST, async (t) => {
      const lab = new Lab(browser, await Server.start(), script);
      t.after(() => lab.close());
      await body(lab, t);
      assert.deepEqual(lab.errors, []);
    });
  };
}

export class Lab {
  #browser;
  #script;
  #context;
  #pipelines = [];
  /** The uncaught errors of all pages. */
  errors = [];

  constructor(browser, server, script) {
    this.#browser = browser;
    this.server = server;
    this.#script = script;
  }

  async close() {
    await Promise.all(this.#pipelines.map((one) => one.stop('SIGKILL')));
    await this.#context?.close();
    await this.server.kill();
  }

  /** Opens the page with the SDK's stand-ins, and our call as `ourCall` of the user `bridge`. */
  async open(call = 'tea') {
    this.call = call;
    // The server does not serve the SDKs.
    this.#context = await this.#browser.newContext({ bypassCSP: true });
    const page = await this.#context.newPage();
    this.page = page;
    page.setDefaultTimeout(TIMEOUT);
    // The ACS SDK requests its settings three times, for 7 s, before it continues without.
    await page.route('https://ecs.communication.microsoft.com/**', (route) =>
      route.fulfill({
        headers: {
          'access-control-allow-origin': '*',
          'access-control-expose-headers': 'ETag, Expires',
          etag: '"1"',
          expires: new Date(Date.now() + 86_400_000).toUTCString(),
        },
        json: {},
      }),
    );
    page.on('pageerror', (error) => this.errors.push(error));
    page.on('console', (message) => {
      if (process.env.ACSCALL_TEST_LOG) console.error(message.text());
    });
    // Any document of the server without a script, by this name, since the ACS SDK considers
    // 127.0.0.1 insecure.
    await page.goto(`http://localhost:${this.server.port}/acscall.js`);
    await page.evaluate(installTools);
    await page.addScriptTag({ content: this.#script });
    await page.evaluate(joinOurs, call);
    return page;
  }

  /**
   * Bridges a stand-in for an ACS call as `service`, which connects before, afterwards, or when the
   * test requests it.
   */
  async bridgeAcs({ audioOptions, connects = 'after' } = {}) {
    await this.page.evaluate(
      async ([audioOptions, isFirst]) => {
        const { bridgeAcs } = await import('/bridge/acs.js');
        window.service = await acs.begin(audioOptions);
        window.gotThere = (kind) => service.call.sending.uplink.got(kind);
        window.forgetThere = () => service.call.sending.uplink.forget();
        if (isFirst) await service.connect();
        use(bridgeAcs(service.call, ourCall, { sdk: acs.sdk, from: 'assistant' }));
      },
      [audioOptions, connects === 'before'],
    );
    if (connects === 'after') await this.page.evaluate(() => service.connect());
  }

  /** Bridges a stand-in Agora client as `client`, with `screenClient` if `hasScreen`. */
  async bridgeAgora({ hasScreen = false } = {}) {
    await this.page.evaluate(async (hasScreen) => {
      const { bridgeAgora } = await import('/bridge/agora.js');
      window.client = await agora.join();
      window.screenClient = hasScreen ? await agora.join() : undefined;
      window.gotThere = (kind) =>
        kind === 'screen' ? (screenClient?.got('video') ?? null) : client.got(kind);
      const screenOf = (uid) => (uid === 1102 ? 102 : undefined);
      const options = { sdk: agora.sdk, from: 'assistant', screenClient, screenOf };
      use(bridgeAgora(client, ourCall, options));
    }, hasScreen);
  }

  /**
   * Returns the bridge's errors, except for streams that took long to connect on a busy machine:
   * the bridge requested those again, and the test has seen them since.
   */
  async troubles() {
    const all = await this.page.evaluate(() => troubles);
    return all.filter((one) => !/The participant is not connected yet/.test(one));
  }

  /** Fails if a device was sent, or the SDK got operations that it does not support. */
  async isClean() {
    const { violations, misuses } = await this.page.evaluate(() => acs.wrongs(service));
    // The SDK itself causes a muted microphone at the start of the call.
    const sent = violations.filter(({ isSent }) => isSent);
    assert.deepEqual({ sent, misuses }, { sent: [], misuses: [] });
  }

  /** Waits until `isTrue` holds in the page. */
  until(isTrue, argument) {
    return this.page.waitForFunction(isTrue, argument);
  }

  // ---- Our call

  /** Starts a participant that receives these guests, and sends media that must not be bridged. */
  watch(users, { screens = [], sounds = [] } = {}) {
    const part = { user: 'watcher', call: this.call, colour: 'magenta', tone: 2310 };
    const names = [...users, ...sounds].map(padOf);
    const witness = new Witness(this.server, part, names, screens.map(padOf));
    this.#pipelines.push(witness);
    return witness;
  }

  /** Starts a pipeline as `from` that sends these. */
  send({ colour, tone, screen, user = 'assistant' }) {
    const entry = `user=${user} call=${this.call} server=${this.server.signalling}`;
    const picture = (name, [width, height]) =>
      `videotestsrc is-live=true pattern=solid-color foreground-color=${argb(name)}
       ! video/x-raw,width=${width},height=${height},framerate=15/1`;
    const branches = [
      colour && `${picture(colour, [320, 180])} ! s.video`,
      screen && `${picture(screen, [640, 360])} ! s.screen`,
      tone && `audiotestsrc is-live=true freq=${tone} volume=0.2 ! s.audio`,
    ];
    const pipeline = new Pipeline(
      `${branches.filter(Boolean).join(' ')} acscallsink name=s ${entry} embedded-server=false`,
      { verbose: false, end: true },
    );
    this.#pipelines.push(pipeline);
    return pipeline;
  }

  /** Returns the users that others see in our call, sorted. */
  async others() {
    const names = await this.page.evaluate(() =>
      ourCall.remoteParticipants
        .filter(({ state }) => state === 'Connected')
        .map(({ identifier }) => identifier.communicationUserId),
    );
    return names.sort();
  }

  /** Waits until the other users in our call are exactly these. */
  hasOthers(...users) {
    const wanted = users.sort().join();
    return waitFor(
      `${wanted} in our call`,
      () => this.others(),
      (others) => others.join() === wanted,
    );
  }

  // ---- The other call

  /** Waits until the other call receives frames of this colour as `kind`. */
  async showsThere(kind, colour) {
    const isIt = (got) => got?.colour && nameThere(got.colour) === colour;
    const get = () => this.page.evaluate((kind) => gotThere(kind), kind);
    const { frames } = await waitFor(`${kind} there is ${colour}`, get, isIt);
    await waitFor(
      `${kind} there is ${colour} and moves`,
      get,
      (got) => isIt(got) && got.frames >= frames + FRAMES,
    );
  }

  /** Waits until the other call hears exactly these TONES. */
  async soundsThere(...tones) {
    await waitFor(
      `${tones} is heard there`,
      () => this.page.evaluate(() => gotThere('audio')?.tones ?? []),
      (heard) =>
        heard.length === tones.length &&
        heard.every((hertz) => tones.some((tone) => Math.abs(tone - hertz) < 20)),
    );
  }

  /** Fails if the other call has ever received anything else than these, of any kind. */
  async hasOnlyGiven({ video = [], screen = [], audio = [] }) {
    const all = await this.page.evaluate(() =>
      Object.fromEntries(['video', 'screen', 'audio'].map((kind) => [kind, gotThere(kind)])),
    );
    for (const [kind, allowed] of Object.entries({ video, screen })) {
      for (const [colour, count] of Object.entries(all[kind]?.colours ?? {})) {
        const name = nameThere(colour.split(',').map(Number));
        assert.ok(allowed.includes(name), `${kind} there was ${name} in ${count} frames`);
      }
    }
    for (const hertz of all.audio?.heard ?? []) {
      const isGiven = audio.some((tone) => Math.abs(tone - hertz) < 60);
      assert.ok(isGiven, `${hertz} Hz was heard there`);
    }
  }
}

function argb(colour) {
  const [red, green, blue] = COLOURS[colour];
  return 0xff000000 + red * 0x10000 + green * 0x100 + blue;
}

/** In the page: counts resources that have to be released, and installs the tests' tools. */
function installTools() {
  window.connections = new Set();
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...settings) {
      super(...settings);
      connections.add(this);
    }
    close() {
      super.close();
      connections.delete(this);
    }
  };
  // The number of opened devices.
  window.opened = [];
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (constraints) => {
    opened.push(Object.keys(constraints).join());
    return getUserMedia(constraints);
  };
  window.troubles = [];
  /** Starts the bridge of any SDK. */
  window.use = (bridge) => {
    window.bridge = bridge;
    bridge.on('trouble', ({ error }) => troubles.push(error.message));
    return bridge;
  };
}

/** In the page. */
async function joinOurs(groupId) {
  const { CallClient } = await import('/acscall.js');
  window.ourAgent = await new CallClient().createCallAgent({ user: 'bridge' });
  window.ourCall = ourAgent.join({ groupId }, { sends: false });
}
