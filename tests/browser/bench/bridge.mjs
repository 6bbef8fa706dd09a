// Runs a bridge to ACS for a while: two participants with cameras, one with a screen share, their
// mixed sound, and our sound, camera and screen back, while another participant comes and goes.
// Reports losses, cost, and what remains in the page.
//
//   node bench/bridge.mjs [--seconds 600] [--churn 20]

import { readFile, readdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bundle } from '../bridge/bundle.mjs';
import { settledCensus } from '../census.mjs';
import { Lab, padOf } from '../bridge/lab.mjs';
import { Pipeline, countingSink } from '../gst.mjs';
import { Server, startMortalBrowser, waitFor } from '../harness.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    churn: { type: 'string', default: '20' },
  },
});
const [seconds, churn] = [Number(values.seconds), Number(values.churn)];

/** The frame rates of cameras and screens. */
const [CAMERA_RATE, SCREEN_RATE] = [15, 5];
const GUESTS = { video_anna: '8:acs:anna', video_ben: '8:acs:ben', screen_ben: '8:acs:ben' };
/** The streams through the bridge: the guests', the mix, and ours. */
const STREAMS = Object.keys(GUESTS).length + 1 + 3;
/** Clock ticks per second of /proc. */
const TICKS = 100;

const { browser, pid, kill } = await startMortalBrowser();
const lab = new Lab(browser, await Server.start(), await bundle('acs-page.ts'));
const ends = [() => lab.close(), kill];
try {
  await measure();
} finally {
  for (const end of ends) await end();
}

async function measure() {
  const page = await lab.open();
  const at = `call=tea server=${lab.server.signalling} embedded-server=false`;
  const branches = Object.entries(GUESTS).map(([name, user]) => {
    const [kind] = name.split('_');
    return `c.${kind}_${padOf(user)} ! ${countingSink(name)}`;
  });
  const receiver = new Pipeline(
    `acscallsrc name=c user=watcher ${at} ${branches.join(' ')} c.audio ! fakesink async=false`,
  );
  ends.unshift(() => receiver.stop('SIGKILL'));
  const camera = `video/x-raw,width=640,height=360,framerate=${CAMERA_RATE}/1`;
  const screen = `video/x-raw,width=1280,height=720,framerate=${SCREEN_RATE}/1`;
  const sender = new Pipeline(
    `videotestsrc is-live=true pattern=smpte75 horizontal-speed=3 ! ${camera} ! s.video
     videotestsrc is-live=true pattern=smpte75 horizontal-speed=5 ! ${screen} ! s.screen
     audiotestsrc is-live=true volume=0.2 ! s.audio
     acscallsink name=s user=assistant ${at}`,
    { verbose: false },
  );
  ends.unshift(() => sender.stop('SIGKILL'));

  await page.evaluate(people, [CAMERA_RATE, SCREEN_RATE]);
  await delay(5_000);
  const withoutBridge = await cpuOf(pid, 10);
  await page.evaluate(begin);
  await waitFor(
    'all streams',
    async () => ({ ...(await page.evaluate(() => counts())), ...received(receiver) }),
    (counts) =>
      Object.entries(counts).every(([name, count]) => count > 0 || name.startsWith('dropped')),
    60_000,
  );
  // The first round creates everything that exists only once, before the first count.
  for (let round = 0; round < 2; round += 1) await comeAndGo(page);
  await delay(5_000);

  const before = await settledCensus(page);
  const start = { at: performance.now(), ...(await counted(page, receiver)) };
  const cpu = cpuOf(pid, seconds);
  while (performance.now() - start.at < 1_000 * seconds) {
    await delay(1_000 * Math.min(churn, seconds / 4));
    await comeAndGo(page);
    const elapsed = ((performance.now() - start.at) / 1_000).toFixed(0);
    console.error(`${elapsed} s, heap ${(await heapOf(page)).toFixed(1)} MB with its garbage`);
  }
  const end = { at: performance.now(), ...(await counted(page, receiver)) };
  const withBridge = await cpu;
  const after = await settledCensus(page);
  const elapsed = (end.at - start.at) / 1_000;
  report({ before, after, start, end, elapsed, withoutBridge, withBridge });
  console.log(JSON.stringify(await page.evaluate(() => ({ ...acs.wrongs(service), troubles }))));
}

/** Returns the numbers of sent and received frames of each stream. */
async function counted(page, receiver) {
  const there = await page.evaluate(async () => ({ ...(await counts()), open: connections.size }));
  return { ...there, ...received(receiver) };
}

function received(receiver) {
  return Object.fromEntries(
    Object.keys(GUESTS).map((name) => [`got ${name}`, receiver.sink(name).buffers]),
  );
}

function report({ before, after, start, end, elapsed, withoutBridge, withBridge }) {
  const line = (name, text) => console.log(`${name.padEnd(28)} ${text}`);
  line('seconds', elapsed.toFixed(0));
  line('load average', loadavg().map((load) => load.toFixed(1)).join(' '));
  const lost = (name, sent, got) => {
    const share = (100 * (sent - got)) / sent;
    line(`frames of ${name}`, `${sent} sent, ${got} came, ${share.toFixed(2)} % lost`);
  };
  const grown = (name) => end[name] - start[name];
  for (const name of Object.keys(GUESTS)) {
    lost(`${name} (in)`, grown(`sent ${name}`), grown(`got ${name}`));
  }
  for (const [kind, rate] of Object.entries({ video: CAMERA_RATE, screen: SCREEN_RATE })) {
    lost(`our ${kind}, to the page`, Math.round(elapsed * rate), grown(`decoded ${kind}`));
    lost(`our ${kind}, to the SDK`, grown(`decoded ${kind}`), grown(`given ${kind}`));
    line(`our ${kind}, dropped`, `${grown(`dropped ${kind}`)} by the bridge, for want of time`);
    lost(`our ${kind}, to the far end`, grown(`given ${kind}`), grown(`got ${kind}`));
  }
  line('CPU without the bridge', `${withoutBridge.toFixed(3)} cores`);
  line('CPU with it', `${withBridge.toFixed(3)} cores`);
  const each = (withBridge - withoutBridge) / STREAMS;
  line('CPU per stream', `${each.toFixed(3)} cores, of ${STREAMS} streams`);
  const megabytes = ({ heap }) => (heap / 2 ** 20).toFixed(2);
  line('heap, MB', `${megabytes(before)} → ${megabytes(after)}`);
  line('connections not closed', `${start.open} → ${end.open}`);
  for (const name of ['nodes', 'listeners']) line(name, `${before[name]} → ${after[name]}`);
  for (const [name, count] of Object.entries(after.objects)) {
    line(name, `${before.objects[name]} → ${count}`);
  }
}

async function heapOf(page) {
  return (await page.evaluate(() => performance.memory.usedJSHeapSize)) / 2 ** 20;
}

/** A participant with a camera joins, is seen in our call, and leaves; the mix is replaced. */
async function comeAndGo(page) {
  await page.evaluate(() => {
    window.carol = service.enter('8:acs:carol', 'Carol');
    carol.camera.turnOnWith(() => texture([640, 360], 15));
    service.sound(440 + 10 * Math.round(10 * Math.random()));
  });
  const isThere = (is) =>
    lab.until(
      (is) => {
        const carol = ourCall.remoteParticipants.find((one) => one.displayName === 'Carol');
        return Boolean(carol?.videoStreams[0].isAvailable) === is;
      },
      is,
    );
  await isThere(true);
  await page.evaluate(() => {
    service.leave(carol);
    window.carol = null;
  });
  await isThere(false);
}

/** Returns the cores used by the process and its children over so many seconds. */
async function cpuOf(pid, seconds) {
  const [before, start] = [await ticksOf(pid), performance.now()];
  await delay(1_000 * seconds);
  const ticks = (await ticksOf(pid)) - before;
  return (1_000 * ticks) / TICKS / (performance.now() - start);
}

async function ticksOf(root) {
  const processes = new Map();
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) && (await readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''));
    if (!stat) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    processes.set(Number(name), { parent: Number(fields[1]), ticks: +fields[11] + +fields[12] });
  }
  const isOf = (pid) => pid === root || (processes.has(pid) && isOf(processes.get(pid).parent));
  return [...processes].reduce((sum, [pid, { ticks }]) => sum + (isOf(pid) ? ticks : 0), 0);
}

// ---- In the page

/** Creates the other call with all its participants. */
async function people([cameraRate, screenRate]) {
  const { RemoteMedia } = acs;
  window.texture = (size, rate) =>
    RemoteMedia.painted(
      (paint, count, [width, height]) => {
        for (let row = 0; row < 8; row += 1) {
          paint.fillStyle = `hsl(${(40 * row + count) % 360} 60% ${35 + 5 * row}%)`;
          paint.fillRect(0, (row * height) / 8, width, height / 8);
          paint.fillStyle = '#fff8';
          paint.fillRect((count * (row + 3)) % width, (row * height) / 8, width / 12, height / 9);
        }
        paint.fillStyle = '#000';
        paint.font = `${height / 6}px sans-serif`;
        paint.fillText(String(count), width / 8, height / 2);
      },
      size,
      rate,
    );
  window.service = await acs.begin();
  await service.connect();
  service.sound(440);
  window.sent = {
    video_anna: texture([640, 360], cameraRate),
    video_ben: texture([640, 360], cameraRate),
    screen_ben: texture([1280, 720], screenRate),
  };
  service.enter('8:acs:anna', 'Anna').camera.turnOnWith(() => sent.video_anna);
  const ben = service.enter('8:acs:ben', 'Ben');
  ben.camera.turnOnWith(() => sent.video_ben);
  ben.screen.turnOnWith(() => sent.screen_ben);
}

async function begin() {
  const { bridgeAcs } = await import('/bridge/acs.js');
  use(bridgeAcs(service.call, ourCall, { sdk: acs.sdk, from: 'assistant' }));
  const { uplink } = service.call.sending;
  const ours = async (kind) => {
    const isIt = (one) => one.kind === kind && one.user === 'assistant';
    const [decoded, given] = [await ourCall.getStats(), await bridge.getStats()].map((stats) =>
      stats.find(isIt),
    );
    return {
      [`decoded ${kind}`]: decoded?.framesDecoded ?? 0,
      [`given ${kind}`]: given?.frames ?? 0,
      [`dropped ${kind}`]: given?.framesDropped ?? 0,
    };
  };
  window.counts = async () => ({
    ...(await ours('video')),
    ...(await ours('screen')),
    'got video': uplink.got('video')?.frames ?? 0,
    'got screen': uplink.got('screen')?.frames ?? 0,
    'sent video_anna': await sent.video_anna.framesSent(),
    'sent video_ben': await sent.video_ben.framesSent(),
    'sent screen_ben': await sent.screen_ben.framesSent(),
  });
}
