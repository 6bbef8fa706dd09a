// Pages that know nothing but the library, and what their calls tell, in its order.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PATIENCE, Server, TEST, startBrowser } from '../harness.mjs';

/** What calls tell. */
export const CALL_EVENTS = [
  'stateChanged',
  'idChanged',
  'isMutedChanged',
  'isIncomingAudioMutedChanged',
  'isScreenSharingOnChanged',
  'isLocalVideoStartedChanged',
  'remoteParticipantsUpdated',
  'localVideoStreamsUpdated',
  'localAudioStreamsUpdated',
  'remoteAudioStreamsUpdated',
];

/**
 * Says how to run `body(lab)` as a test: with a server of its own, which asks for tokens if there
 * is a `secret`, in a browser that all tests of the file have in common.
 */
export function makeLabs() {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());
  return (name, options, body) => {
    test(name, TEST, async (t) => {
      const lab = new Lab(browser, await Server.start(options));
      t.after(() => lab.close());
      await body(lab, t);
      assert.deepEqual(lab.errors, []);
    });
  };
}

class Lab {
  #browser;
  #contexts = [];
  /** What no page has caught. */
  errors = [];

  constructor(browser, server) {
    this.#browser = browser;
    this.server = server;
  }

  async close() {
    await Promise.all(this.#contexts.map((context) => context.close()));
    await this.server.kill();
  }

  /**
   * A page with the library as `lib`. With a `user` it has an agent as `agent`, `call` is its
   * newest call, `rings` are those who call, and `told` what its calls tell. With `intercept`,
   * `page.wire` is what stands between it and the server.
   */
  async page(user, { token, intercept, displayName } = {}) {
    const context = await this.#browser.newContext();
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on('console', (message) => {
      if (process.env.ACSCALL_TEST_LOG) console.error(`${user}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.errors.push(error));
    if (intercept) await interceptWire(page);
    // Some document of the server that runs no script of its own.
    await page.goto(`${this.server.url}acscall.js`);
    await page.evaluate(installTools, CALL_EVENTS);
    if (user) await page.evaluate(makeAgent, { user, token, displayName });
    return page;
  }
}

/**
 * `page.wire`: `cut()` cuts the connection; `say(message)` speaks for the page; `heard` is what the
 * server said; `rewrite`, once it is set, changes that.
 */
async function interceptWire(page) {
  const wire = { heard: [], rewrite: (message) => message };
  page.wire = wire;
  await page.routeWebSocket(/\/ws$/, (inner) => {
    const outer = inner.connectToServer();
    inner.onMessage((text) => outer.send(text));
    outer.onMessage((text) => {
      const message = wire.rewrite(JSON.parse(text));
      wire.heard.push(message);
      inner.send(JSON.stringify(message));
    });
    wire.say = (message) => outer.send(JSON.stringify(message));
    wire.cut = () => Promise.all([inner.close(), outer.close()]);
  });
}

/** In the page: what tests do there. */
async function installTools(events) {
  window.lib = await import('/acscall.js');
  window.told = [];
  /** Writes down what `call` tells from now on, and its states. */
  window.watch = (call) => {
    window.call = call;
    window.told = [`state ${call.state}`];
    const tell = (text) => window.told.push(text);
    for (const event of events) {
      call.on(event, (payload) => {
        if (event === 'stateChanged') tell(`state ${call.state}`);
        else if (!payload) tell(event);
        else tell(`${event} +${payload.added.length} -${payload.removed.length}`);
      });
    }
    return call;
  };
  /** A stream with a tone. */
  window.tone = (hertz) => {
    window.context ??= new AudioContext({ sampleRate: 48_000 });
    const oscillator = new OscillatorNode(window.context, { frequency: hertz });
    const gain = new GainNode(window.context, { gain: 0.3 });
    const { stream } = oscillator
      .connect(gain)
      .connect(window.context.createMediaStreamDestination());
    oscillator.start();
    return stream;
  };
  /** A stream with a picture of this colour, painted anew all the time. */
  window.picture = (colour, width = 320, height = 180) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const paint = canvas.getContext('2d');
    let count = 0;
    setInterval(() => {
      paint.fillStyle = colour;
      paint.fillRect(0, 0, width, height);
      paint.fillStyle = count++ % 2 ? '#fff' : '#000';
      paint.fillRect(0, 0, 16, 16);
    }, 33);
    return canvas.captureStream(30);
  };
  /** The loudest frequencies in a stream, in Hz: those within 20 dB of the loudest. */
  window.ear = (stream) => {
    window.context ??= new AudioContext({ sampleRate: 48_000 });
    const analyser = new AnalyserNode(window.context, { fftSize: 8192, smoothingTimeConstant: 0 });
    window.context.createMediaStreamSource(stream).connect(analyser);
    return () => {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const most = Math.max(...bins);
      if (most < -60) return [];
      const isPeak = (_, at) =>
        bins[at] > most - 20 && bins[at] >= Math.max(bins[at - 1], bins[at + 1]);
      const peaks = [...bins.keys()].filter((at) => at > 1 && isPeak(null, at));
      return peaks.map((at) => Math.round((at * 24_000) / bins.length));
    };
  };
}

/** In the page. */
async function makeAgent({ user, token, displayName }) {
  window.agent = await new window.lib.CallClient().createCallAgent(
    { user, token },
    { displayName },
  );
  window.rings = [];
  window.connection = [];
  window.agent.on('incomingCall', ({ incomingCall }) => window.rings.push(incomingCall));
  window.agent.on('connectionStateChanged', ({ oldValue, newValue, reason }) => {
    window.connection.push([oldValue, newValue, reason]);
  });
}

/** Waits until the call of `page` is in `state`. */
export const isIn = (page, state) =>
  page.waitForFunction((state) => window.call?.state === state, state);

/** Waits until somebody calls the user of `page`. */
export const rings = (page) =>
  page.waitForFunction(
    () => window.rings.at(-1)?.callEndReason === undefined && window.rings.length > 0,
  );

/** Waits until `page` sees exactly these users in these states, such as `bob Connected`. */
export const sees = (page, ...wanted) =>
  page.waitForFunction((wanted) => {
    const seen = window.call.remoteParticipants.map(
      ({ identifier, state }) => `${identifier.communicationUserId} ${state}`,
    );
    return seen.sort().join() === wanted;
  }, wanted.sort().join());

/** Muted, so that no microphone is opened and what is told is the call's alone. */
export const QUIET = { audioOptions: { muted: true } };

/** Begins calls without a microphone, and watches them. */
export const startQuietly = (page, users) =>
  page.evaluate(([users, options]) => void watch(agent.startCall(users, options)), [users, QUIET]);
export const joinQuietly = (page, groupId) =>
  page.evaluate(
    ([locator, options]) => void watch(agent.join(locator, options)),
    [{ groupId }, QUIET],
  );
export const acceptQuietly = async (page) => {
  await rings(page);
  await page.evaluate(async (options) => void watch(await rings.at(-1).accept(options)), QUIET);
};
/** What the call of `page` has told. */
export const told = (page) => page.evaluate(() => told);
/** The states that the call of `page` was in. */
export const states = async (page) =>
  (await told(page)).filter((line) => line.startsWith('state ')).map((line) => line.slice(6));
/** Why the call of `page` has ended, once it has. */
export const endReason = async (page) => {
  await isIn(page, 'Disconnected');
  return page.evaluate(() => call.callEndReason);
};

/** Two users in a call; alice sends a tone and a picture. */
export async function talking(lab, options) {
  const [alice, bob] = await Promise.all([lab.page('alice', options), lab.page('bob', options)]);
  await joinQuietly(bob, 'tea');
  await alice.evaluate(() => {
    window.voice = new lib.LocalAudioStream(tone(1000));
    window.camera = new lib.LocalVideoStream(picture('red'));
    watch(
      agent.join(
        { groupId: 'tea' },
        {
          audioOptions: { localAudioStreams: [voice] },
          videoOptions: { localVideoStreams: [camera] },
        },
      ),
    );
  });
  await sees(bob, 'alice Connected');
  await sees(alice, 'bob Connected');
  return [alice, bob];
}

/** Waits until `page` hears these tones in what is mixed, and nothing else. */
export const hears = async (page, ...tones) => {
  await page.evaluate(async () => {
    window.mixed ??= await call.remoteAudioStreams[0].getMediaStream();
    window.hearing ??= ear(mixed);
  });
  await page.waitForFunction((tones) => {
    const heard = hearing();
    const isHeard = (one) => heard.some((hertz) => Math.abs(hertz - one) < 20);
    const isMeant = (hertz) => tones.some((one) => Math.abs(hertz - one) < 60);
    return tones.every(isHeard) && heard.every(isMeant);
  }, tones);
};

/** Waits until `page` has the camera of `user` available, or not. */
export const videoOf = (page, user, is) =>
  page.waitForFunction(
    ([user, is]) => {
      const one = call.remoteParticipants.find(({ displayName }) => displayName === user);
      return one?.videoStreams[0].isAvailable === is;
    },
    [user, is],
  );
