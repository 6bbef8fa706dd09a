// The common part of the browser tests: the server, Chromium, and pages in a call.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';

/**
 * How long a wait may take, in milliseconds. It only ends hangs, since a busy machine takes many
 * times as long as an idle one.
 */
export const TIMEOUT = 60_000;

/** The same for a whole test with several waits. */
export const TEST = { timeout: 3 * TIMEOUT };

/** The variable in which run.mjs passes the Chromium that it has started for all files. */
const SHARED_BROWSER = 'ACSCALL_TEST_BROWSER';

/**
 * Disables the address bar's popups and the spare renderer, which take half of the time to open a
 * window; and what Playwright disables, because only the last switch of this name counts.
 */
const DISABLED_FEATURES = [
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'SpareRendererForSitePerProcess',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'BoundaryEventDispatchTracksNodeRemoval',
  'DestroyProfileOnBrowserClose',
  'DialMediaRouteProvider',
  'GlobalMediaControls',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'OptimizationHints',
  'PaintHolding',
  'RenderDocument',
  'ThirdPartyStoragePartitioning',
  'Translate',
];

const CHROMIUM_ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${DISABLED_FEATURES.join()}`,
  '--autoplay-policy=no-user-gesture-required',
  // Machines without a network have only a loopback address.
  '--allow-loopback-in-peer-connection',
];

/** The child processes that end with this process, however it ends. */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Ends `child` with this process at the latest. */
export function keep(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** A running `acscall serve`; ACSCALL_BIN names the binary. */
export class Server {
  /** Zero lets the system choose a port at the first start. */
  port = 0;

  /** With a `secret`, the server requires tokens. */
  static async start({ secret } = {}) {
    const server = new Server();
    server.secret = secret;
    await server.start();
    return server;
  }

  /** The address of the page. */
  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** The value for the elements' `server` property. */
  get signalling() {
    return `ws://127.0.0.1:${this.port}`;
  }

  /**
   * Starts the server, always on the same port: its former connections keep the port reserved for a
   * minute.
   */
  async start() {
    const binary = process.env.ACSCALL_BIN;
    if (!binary) throw new Error('ACSCALL_BIN must name the acscall binary');
    // Without a line for each participant.
    const env = { ACSCALL_LOG: 'warn', ...process.env };
    if (this.secret) env.ACSCALL_SECRET = this.secret;
    const args = ['serve', '--listen', `127.0.0.1:${this.port}`];
    this.process = keep(spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'], env }));
    const lines = createInterface({ input: this.process.stdout });
    const ended = once(this.process, 'exit').then(([code]) => {
      throw new Error(`acscall serve ended with ${code} before it listened`);
    });
    ended.catch(() => {});
    const [line] = await Promise.race([once(lines, 'line'), ended]);
    const port = Number(/http:\/\/127\.0\.0\.1:(\d+)\//.exec(line)?.[1]);
    if (!port) throw new Error(`no address in the first line: ${line}`);
    this.port = port;
  }

  /** Kills the server. */
  async kill() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

/** Makes a token that admits `user` to all calls of servers with `secret`, modified by `claims`. */
export function makeToken(secret, user, claims = {}) {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const signed = [
    { alg: 'HS256', typ: 'JWT' },
    { sub: user, call: '*', exp, ...claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/**
 * Starts Chromium with a fake camera and microphone, or without `devices`; it grants access to them
 * unless `grant` is false. `args` are added to its command line. With `backForwardCache` it has that
 * cache, which Playwright turns off. Without options it is the Chromium of run.mjs, if there is one;
 * closing it then closes only its own pages.
 */
export function startBrowser(options) {
  const shared = process.env[SHARED_BROWSER];
  if (shared && !options) return chromium.connect(shared);
  return chromium.launch(chromiumOptions(options));
}

/**
 * Starts a Chromium for many processes, whose `startBrowser()` finds it with `env`. It ends with
 * this process, but not by itself on a signal, since others may still use it.
 */
export async function shareBrowser() {
  const unsignalled = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const served = await chromium.launchServer({ ...chromiumOptions(), ...unsignalled });
  return { env: { [SHARED_BROWSER]: served.wsEndpoint() }, close: () => served.close() };
}

/** Starts a Chromium that can be killed: `{browser, pid, kill}`. */
export async function startMortalBrowser(options) {
  const served = await chromium.launchServer(chromiumOptions(options));
  const browser = await chromium.connect(served.wsEndpoint());
  const kill = async () => {
    if (served.process().exitCode !== null || served.process().signalCode !== null) return;
    const disconnected = once(browser, 'disconnected');
    // Kills only the main process; the others have to notice.
    served.process().kill('SIGKILL');
    await disconnected;
  };
  return { browser, pid: served.process().pid, kill };
}

function chromiumOptions({
  grant = true,
  devices = true,
  backForwardCache = false,
  args = [],
} = {}) {
  return {
    ignoreDefaultArgs: backForwardCache ? ['--disable-back-forward-cache'] : [],
    executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
    args: [
      ...CHROMIUM_ARGUMENTS,
      ...(devices ? ['--use-fake-device-for-media-stream'] : []),
      ...(grant ? ['--use-fake-ui-for-media-stream'] : []),
      ...args,
    ],
  };
}

/**
 * Opens the page as `user` in a window of its own and joins `call`. `microphone` and `camera`
 * select the devices to join with. With `intercept`, the page gets a `dropSignalling()`. A `token`
 * goes into the address. With `hd`, cameras have the size that the page requests.
 */
export async function join(browser, server, call, user, options = {}) {
  const { microphone = true, camera = true, ...opening } = options;
  const page = await openPage(browser, server, call, user, opening);
  await page.getByRole('checkbox', { name: 'Microphone' }).setChecked(microphone);
  await page.getByRole('checkbox', { name: 'Camera' }).setChecked(camera);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.waitForFunction(
    ([microphone, camera]) => {
      const { state, isMuted, localAudioStreams, isLocalVideoStarted } = window.acscall ?? {};
      if (state !== 'Connected') return false;
      const isHeard = !isMuted && localAudioStreams.length > 0;
      return (isHeard || !microphone) && (isLocalVideoStarted || !camera);
    },
    [microphone, camera],
  );
  return page;
}

/**
 * Opens the page, ready to join. An exception in the page fails the test. `window.legs` collects
 * every RTCPeerConnection of the page.
 */
export async function openPage(browser, server, call, user, options = {}) {
  const { intercept, token, hd, ...context } = options;
  const { url } = server;
  const page = await (await browser.newContext(context)).newPage();
  if (intercept) await interceptSignalling(page);
  page.setDefaultTimeout(TIMEOUT);
  await page.addInitScript(() => {
    window.legs = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...options) {
        super(...options);
        window.legs.push(this);
      }
    };
  });
  if (!hd) await page.addInitScript(useSmallCameras);
  page.on('pageerror', (error) => {
    throw error;
  });
  page.on('console', (message) => {
    if (process.env.ACSCALL_TEST_LOG) console.error(`${user}: ${message.text()}`);
  });
  const address = new URL(url);
  address.search = new URLSearchParams({ call, user });
  if (token) address.hash = new URLSearchParams({ token });
  await page.goto(address.href);
  return page;
}

/**
 * In the page: opens cameras with a small picture. All encoders and decoders of a test share two
 * cores, and few tests need the full size.
 */
function useSmallCameras() {
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices?.getUserMedia.bind(mediaDevices);
  if (!getUserMedia) return;
  mediaDevices.getUserMedia = (constraints) => {
    const { video } = constraints;
    if (!video) return getUserMedia(constraints);
    const small = { width: { ideal: 320 }, height: { ideal: 240 } };
    return getUserMedia({ ...constraints, video: { ...(video === true ? {} : video), ...small } });
  };
}

/**
 * Gives `page` a `cutSignalling()`, which cuts its connection to the server, and a
 * `dropSignalling()`, which also waits until a call has noticed. With `forget`, the next attempt to
 * resume has a key that the server does not know. A function `page.rewrite`, once set, changes the
 * server's messages. New connections wait for the promise `page.held`.
 */
async function interceptSignalling(page) {
  let cut = null;
  let forget = false;
  await page.routeWebSocket(/\/ws$/, async (inner) => {
    await page.held;
    const outer = inner.connectToServer();
    inner.onMessage((text) => {
      const message = JSON.parse(text);
      if (forget && message.resume) {
        message.resume.key = [...message.resume.key].reverse().join('');
        forget = false;
      }
      outer.send(JSON.stringify(message));
    });
    outer.onMessage((text) => {
      inner.send(page.rewrite ? JSON.stringify(page.rewrite(JSON.parse(text))) : text);
    });
    cut = () => Promise.all([inner.close(), outer.close()]);
  });
  page.cutSignalling = () => cut();
  page.dropSignalling = async (options = {}) => {
    forget = options.forget ?? false;
    const noticed = await nextConnection(page);
    await cut();
    await noticed();
  };
}

/**
 * Watches for the next loss of the call's connection, or its end. The returned function waits for
 * it, and also reports a loss that has passed by then.
 */
export async function nextConnection(page) {
  const promise = await page.evaluateHandle(() => ({
    changed: new Promise((resolve) => {
      for (const event of ['connectionChanged', 'stateChanged']) window.acscall.on(event, resolve);
    }),
  }));
  return () => promise.evaluate(({ changed }) => changed);
}

/** Waits until `page` is connected to the server again. */
export function reconnected(page) {
  return page.waitForFunction(() => !window.acscall.reconnecting);
}

/** Waits until `page` is connected to the server and to its first other participant. */
export async function isWhole(page) {
  await reconnected(page);
  await page.waitForFunction(() => window.acscall.remoteParticipants[0]?.state === 'Connected');
}

/** Returns the size of the camera that `page` sends. */
export function cameraSize(page) {
  return page.evaluate(async () => {
    const stream = await window.acscall.localVideoStreams[0].getMediaStream();
    const [track] = stream.getVideoTracks();
    const { width, height } = track.getSettings();
    track.stop();
    return { width, height };
  });
}

/** Returns the statistics of `page` for the stream of this kind from `user`. */
export async function received(page, user, kind) {
  const all = await page.evaluate(() => window.acscall.getStats());
  return all.find((one) => one.direction === 'receive' && one.user === user && one.kind === kind);
}

/**
 * Waits until `accept` is true for those statistics, and returns them. After `within` milliseconds
 * it fails with the last ones.
 */
export async function waitForStream(page, user, kind, accept, within = TIMEOUT) {
  const what = `${kind} of ${user} that is accepted by ${accept}`;
  return waitFor(what, () => received(page, user, kind), (stats) => stats && accept(stats), within);
}

/** Polls `get` until `accept` is true for its result. */
export async function waitFor(what, get, accept, within = TIMEOUT) {
  const end = performance.now() + within;
  for (;;) {
    const got = await get();
    if (accept(got)) return got;
    if (performance.now() > end) {
      throw new Error(`not within ${within} ms: ${what}; last seen: ${JSON.stringify(got)}`);
    }
    // Polls, because the browser's statistics have no event.
    await delay(50);
  }
}

/**
 * Waits until `page` has seen `user` leave by `leave`, and at once: a lost participant would first
 * be in another state for as long as it may come back.
 */
export async function leavesAtOnce(page, user, leave) {
  const connected = await page.waitForFunction((user) => {
    const isTheirs = ({ identifier }) => identifier.communicationUserId === user;
    const participant = window.acscall.remoteParticipants.find(isTheirs);
    return participant?.state === 'Connected' && participant;
  }, user);
  const states = await connected.evaluateHandle((participant) => {
    const states = [];
    participant.on('stateChanged', () => states.push(participant.state));
    return states;
  });
  await leave();
  await tile(page, user).waitFor({ state: 'detached' });
  assert.deepEqual(await states.jsonValue(), ['Disconnected']);
}

/** Returns the tile of a participant's camera or screen. */
export function tile(page, user, kind = 'video') {
  return page.locator(`.tile[data-user="${user}"][data-kind="${kind}"]`);
}

/**
 * Sends a canvas of this size, painted `rate` times per second, as our camera or screen, like an
 * application with its own pictures. `window.painted[kind]` is its track.
 */
export function sendCanvas(page, kind, width, height, rate = 30) {
  return page.evaluate(
    async ([kind, width, height, rate]) => {
      const { LocalVideoStream } = await import('/acscall.js');
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width, height });
      const paint = canvas.getContext('2d');
      let count = 0;
      setInterval(() => {
        count += 1;
        paint.fillStyle = `hsl(${count % 360} 70% 50%)`;
        paint.fillRect(0, 0, width, height);
        paint.fillStyle = '#fff';
        paint.fillRect((7 * count) % width, (5 * count) % height, 120, 80);
        paint.font = '80px sans-serif';
        paint.fillText(String(count), 40, 120);
      }, 1000 / rate);
      const stream = canvas.captureStream(rate);
      window.painted = { ...window.painted, [kind]: stream.getVideoTracks()[0] };
      const call = window.acscall;
      if (kind === 'screen') await call.startScreenSharing(new LocalVideoStream(stream));
      else if (call.isLocalVideoStarted) await call.localVideoStreams[0].setMediaStream(stream);
      else await call.startVideo(new LocalVideoStream(stream));
    },
    [kind, width, height, rate],
  );
}
