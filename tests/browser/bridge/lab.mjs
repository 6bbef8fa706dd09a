// A page with a bridge between a call of an SDK, stood in for, and one of ours, with GStreamer in
// ours; and what arrives at both ends.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { COLOURS, colourName } from '../actor.mjs';
import { Pipeline } from '../gst.mjs';
import { PATIENCE, Server, TEST, startBrowser, waitFor } from '../harness.mjs';
import { Witness } from '../witness.mjs';
import { bundle } from './bundle.mjs';

/** Enough to say that a picture moves. */
const FRAMES = 5;

/** How far a channel may be from what was sent, after two encodings. */
const COLOUR_BOUND = 30;

/** The name in COLOURS of what those in the other call see. */
export const nameThere = (pixel) => colourName(pixel, COLOUR_BOUND);

/** CSS of a colour of COLOURS. */
export const css = (name) => `rgb(${COLOURS[name].join(' ')})`;

/** How the elements name a user's pads. */
export const padOf = (user) =>
  user.replace(/[^\w-]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Says how to run `body(lab)` as a test of the bridge for `sdk`, `acs` or `agora`, in a browser
 * that all tests of the file have in common.
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
  /** What no page has caught. */
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

  /** Opens the page: with the SDK's stand-ins, and our call as `ourCall` of the user `bridge`. */
  async open(call = 'tea') {
    this.call = call;
    // The SDKs are no part of the server's pages.
    this.#context = await this.#browser.newContext({ bypassCSP: true });
    const page = await this.#context.newPage();
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
    // The ACS SDK asks three times for its settings, for 7 s, before it does without.
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
    // Some document of the server that runs no script of its own, and by this name, since the ACS
    // SDK takes 127.0.0.1 for a page without TLS.
    await page.goto(`http://localhost:${this.server.port}/acscall.js`);
    await page.evaluate(installTools);
    await page.addScriptTag({ content: this.#script });
    await page.evaluate(joinOurs, call);
    return page;
  }

  /**
   * Bridges a stand-in ACS call as `service`, which has connected before, does after, or only when
   * the test has it do so.
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
   * What went wrong in the bridge, but for streams whose connection took long on a busy machine: those
   * it asked for again, and the test has seen them since.
   */
  async troubles() {
    const all = await this.page.evaluate(() => troubles);
    return all.filter((one) => !/The participant is not connected yet/.test(one));
  }

  /** Fails if a device was sent, or the SDK was asked for what it does not stand. */
  async isClean() {
    const { violations, misuses } = await this.page.evaluate(() => acs.wrongs(service));
    // A muted microphone that the call began with is the SDK's own doing.
    const sent = violations.filter(({ isSent }) => isSent);
    assert.deepEqual({ sent, misuses }, { sent: [], misuses: [] });
  }

  /** Waits until `isTrue` is, in the page. */
  until(isTrue, argument) {
    return this.page.waitForFunction(isTrue, argument);
  }

  // ---- Our end

  /** Somebody who gets what these guests send, and sends something that must not go out. */
  watch(users, { screens = [], sounds = [] } = {}) {
    const part = { user: 'watcher', call: this.call, colour: 'magenta', tone: 2310 };
    const names = [...users, ...sounds].map(padOf);
    const witness = new Witness(this.server, part, names, screens.map(padOf));
    this.#pipelines.push(witness);
    return witness;
  }

  /** A pipeline that is `from`, sending these. */
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

  /** The users that others see in our call, sorted. */
  async others() {
    const names = await this.page.evaluate(() =>
      ourCall.remoteParticipants
        .filter(({ state }) => state === 'Connected')
        .map(({ identifier }) => identifier.communicationUserId),
    );
    return names.sort();
  }

  /** Waits until there are exactly these others in our call. */
  hasOthers(...users) {
    const wanted = users.sort().join();
    return waitFor(
      `${wanted} in our call`,
      () => this.others(),
      (others) => others.join() === wanted,
    );
  }

  // ---- The other end

  /** Waits until those in the other call see this colour as `kind`, and frames flow. */
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

  /** Waits until exactly these of the TONES are heard there. */
  async soundsThere(...tones) {
    await waitFor(
      `${tones} is heard there`,
      () => this.page.evaluate(() => gotThere('audio')?.tones ?? []),
      (heard) =>
        heard.length === tones.length &&
        heard.every((hertz) => tones.some((tone) => Math.abs(tone - hertz) < 20)),
    );
  }

  /** Fails if those in the other call have ever got anything else than these, of any kind. */
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

/** In the page: counts what has to be given back, and has the tools of all tests. */
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
  // How often a device was opened, by whomever.
  window.opened = [];
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (constraints) => {
    opened.push(Object.keys(constraints).join());
    return getUserMedia(constraints);
  };
  window.troubles = [];
  /** Begins the bridge, whatever its SDK. */
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
