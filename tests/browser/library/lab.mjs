// Pages that use only the library, and the events of their calls, in order.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, TEST, TIMEOUT, startBrowser } from '../harness.mjs';

/** The events of calls. */
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
 * Returns a function that runs `body(lab)` as a test: with a server of its own, which requires
 * tokens if there is a `secret`, in one browser, started with `browserOptions`, for all tests of
 * the file.
 */
export function makeLabs(browserOptions) {
  let browser;
  before(async () => {
    browser = await startBrowser(browserOptions);
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
  /** The uncaught errors of all pages. */
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
   * Opens a page with the library as `lib`. With a `user` it has an agent as `agent`; `call` is its
   * newest call, `incomingCalls` are its incoming calls, and `recorded` the events of its calls.
   * With `intercept`, `page.wire` is between it and the server.
   */
  async page(user, { token, intercept, displayName } = {}) {
    const context = await this.#browser.newContext();
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT);
    page.on('console', (message) => {
      if (process.env.ACSCALL_TEST_LOG) console.error(`${user}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.errors.push(error));
    if (intercept) await interceptWire(page);
    // Any document of the server without a script.
    await page.goto(`${this.server.url}acscall.js`);
    await page.evaluate(installTools, CALL_EVENTS);
    if (user) await page.evaluate(makeAgent, { user, token, displayName });
    return page;
  }
}

/**
 * `page.wire`: `cut()` cuts the connection; `say(message)` sends as the page; `heard` are the
 * server's messages; `rewrite`, once set, changes them. New connections wait for the promise `held`.
 */
async function interceptWire(page) {
  const wire = { heard: [], rewrite: (message) => message };
  page.wire = wire;
  await page.routeWebSocket(/\/ws$/, async (inner) => {
    await wire.held;
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

/** In the page: the tests' tools. */
async function installTools(events) {
  window.lib = await import('/acscall.js');
  window.recorded = [];
  /** Records the events of `call` from now on, and its states. */
  window.watch = (call) => {
    window.call = call;
    window.recorded = [`state ${call.state}`];
    const record = (text) => window.recorded.push(text);
    for (const event of events) {
      call.on(event, (payload) => {
        if (event === 'stateChanged') record(`state ${call.state}`);
        else if (!payload) record(event);
        else record(`${event} +${payload.added.length} -${payload.removed.length}`);
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
  /** A stream with a picture of this colour, painted repeatedly. */
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
  /** Returns the loudest frequencies in a stream, in Hz: those within 20 dB of the maximum. */
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
  window.incomingCalls = [];
  window.connection = [];
  window.agent.on('incomingCall', ({ incomingCall }) => window.incomingCalls.push(incomingCall));
  window.agent.on('connectionStateChanged', ({ oldValue, newValue, reason }) => {
    window.connection.push([oldValue, newValue, reason]);
  });
}

/** Waits until the call of `page` is in `state`. */
export const isIn = (page, state) =>
  page.waitForFunction((state) => window.call?.state === state, state);

/** Waits until the user of `page` is called. */
export const isCalled = (page) =>
  page.waitForFunction(
    () => window.incomingCalls.at(-1)?.callEndReason === undefined && window.incomingCalls.length > 0,
  );

/** Waits until `page` sees exactly these users in these states, such as `bob Connected`. */
export const sees = (page, ...wanted) =>
  page.waitForFunction((wanted) => {
    const seen = window.call.remoteParticipants.map(
      ({ identifier, state }) => `${identifier.communicationUserId} ${state}`,
    );
    return seen.sort().join() === wanted;
  }, wanted.sort().join());

/** Muted, so that no microphone opens and only the call has events. */
export const QUIET = { audioOptions: { muted: true } };

/** Starts calls without a microphone, and records their events. */
export const startQuietly = (page, users) =>
  page.evaluate(([users, options]) => void watch(agent.startCall(users, options)), [users, QUIET]);
export const joinQuietly = (page, groupId) =>
  page.evaluate(
    ([locator, options]) => void watch(agent.join(locator, options)),
    [{ groupId }, QUIET],
  );
export const acceptQuietly = async (page) => {
  await isCalled(page);
  await page.evaluate(async (options) => void watch(await incomingCalls.at(-1).accept(options)), QUIET);
};
/** Returns the events of the call of `page`. */
export const recorded = (page) => page.evaluate(() => recorded);
/** Returns the states of the call of `page` so far. */
export const states = async (page) =>
  (await recorded(page)).filter((line) => line.startsWith('state ')).map((line) => line.slice(6));
/** Waits for the end of the call of `page` and returns the reason. */
export const endReason = async (page) => {
  await isIn(page, 'Disconnected');
  return page.evaluate(() => call.callEndReason);
};

/** Puts two users into a call; alice sends a tone and a picture. */
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

/** Waits until `page` hears exactly these tones in the mix. */
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

/** Waits until the camera of `user` is available to `page`, or is not. */
export const videoOf = (page, user, is) =>
  page.waitForFunction(
    ([user, is]) => {
      const one = call.remoteParticipants.find(({ displayName }) => displayName === user);
      return one?.videoStreams[0].isAvailable === is;
    },
    [user, is],
  );
