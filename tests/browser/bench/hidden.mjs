// The effect of hiding a tab on its media: frames per second while it is visible and while it is
// hidden, for several ways to produce pictures.
//
//   node bench/hidden.mjs [--seconds 6]

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import puppeteer from 'puppeteer-core';
import { Server, startBrowser } from '../harness.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '6' } } });
const seconds = Number(values.seconds);

const server = await Server.start();
const witnesses = await startBrowser();
// With Playwright a page is always visible.
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
  ignoreDefaultArgs: [
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
  ],
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--use-fake-device-for-media-stream=fps=30',
    '--use-fake-ui-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection',
  ],
});
const other = await browser.newPage();

try {
  const pages = { subject: await open(browser), witness: await open(witnesses) };
  for (const [user, page] of Object.entries(pages)) await page.evaluate(enter, user);
  for (const page of Object.values(pages)) {
    await until(page, () => window.call.remoteParticipants.length);
    await page.evaluate(watch);
  }
  for (const [video, screen] of [
    ['camera', 'canvas drawn by setInterval'],
    ['filter in a worker', 'canvas drawn by requestAnimationFrame'],
    ['filter on a canvas by setTimeout', 'canvas drawn by timers.js'],
  ]) {
    await pages.subject.evaluate(send, [video, screen]);
    await until(pages.witness, async () => {
      const { decoded } = await window.counts();
      return decoded.every((frames) => frames > 10);
    });
    const shown = await rates(pages.witness);
    await hide(pages.subject, true);
    const hidden = await rates(pages.witness);
    await hide(pages.subject, false);
    console.log(`sends, ${video}: ${shown.decoded[0]} shown, ${hidden.decoded[0]} hidden`);
    console.log(`sends, ${screen}: ${shown.decoded[1]} shown, ${hidden.decoded[1]} hidden`);
    console.log(`sends, sound (energy): ${shown.energy} shown, ${hidden.energy} hidden`);
  }
  await pages.witness.evaluate(send, ['camera', 'canvas drawn by setInterval']);
  await until(pages.subject, async () => (await window.counts()).decoded[0] > 10);
  const shown = await rates(pages.subject);
  await hide(pages.subject, true);
  const hidden = await rates(pages.subject);
  for (const what of Object.keys(shown)) {
    console.log(`receives, ${what}: ${shown[what]} shown, ${hidden[what]} hidden`);
  }
} finally {
  await Promise.all([browser.close(), witnesses.close()]);
  await server.kill();
}

async function open(browser) {
  const page = await browser.newPage();
  await page.goto(`${server.url}acscall.js`);
  return page;
}

/** Returns the increase of `counts` in a second. */
async function rates(page) {
  const before = await page.evaluate(() => window.counts());
  await delay(1_000 * seconds);
  const after = await page.evaluate(() => window.counts());
  const rate = (a, b) => Math.round((100 * (b - a)) / seconds) / 100;
  const pairs = Object.entries(after).map(([what, count]) => [
    what,
    Array.isArray(count)
      ? count.map((c, n) => rate(before[what][n], c))
      : rate(before[what], count),
  ]);
  return Object.fromEntries(pairs);
}

async function until(page, isTrue) {
  while (!(await page.evaluate(isTrue))) await delay(100);
}

async function hide(page, isHidden) {
  await (isHidden ? other : page).bringToFront();
  while ((await page.evaluate(() => document.hidden)) !== isHidden) await delay(100);
}

async function enter(user) {
  const library = await import('/acscall.js');
  window.library = library;
  const agent = await new library.CallClient().createCallAgent({ user });
  const context = new AudioContext();
  const output = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 500 });
  tone.connect(output);
  tone.start();
  window.call = agent.join(
    { groupId: 'hidden' },
    { audioOptions: { localAudioStreams: [new library.LocalAudioStream(output.stream)] } },
  );
}

/** Makes `counts()` available, which returns the totals so far. */
async function watch() {
  const [participant] = window.call.remoteParticipants;
  const [processed, shown] = [
    [0, 0],
    [0, 0],
  ];
  for (const [n, stream] of participant.videoStreams.entries()) {
    let isRead = false;
    const read = async () => {
      if (!stream.isAvailable || isRead) return;
      isRead = true;
      const media = await stream.getMediaStream();
      const video = document.createElement('video');
      document.body.prepend(video);
      Object.assign(video, { muted: true, srcObject: media });
      await video.play();
      const count = () => {
        shown[n] += 1;
        video.requestVideoFrameCallback(count);
      };
      video.requestVideoFrameCallback(count);
      const [track] = media.getVideoTracks();
      const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        value.close();
        processed[n] += 1;
      }
    };
    stream.on('isAvailableChanged', read);
    read();
  }
  const audio = await window.call.remoteAudioStreams[0].getMediaStream();
  window.blocks = 0;
  const [track] = audio.getAudioTracks();
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const listen = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      value.close();
      if (samples.some((sample) => Math.abs(sample) > 0.1)) window.blocks += 1;
    }
  };
  listen();
  window.counts = async () => {
    const stats = (await window.call.getStats()).filter((s) => s.direction === 'receive');
    const of = (kind) => stats.find((s) => s.kind === kind) ?? {};
    return {
      decoded: [of('video').framesDecoded ?? 0, of('screen').framesDecoded ?? 0],
      processed: [...processed],
      shown: [...shown],
      energy: of('audio').totalAudioEnergy ?? 0,
      blocks: window.blocks,
    };
  };
}

/** Sends pictures that are produced in these ways as camera and screen. */
async function send([video, screen]) {
  const { LocalVideoStream } = window.library;
  const { setTick } = await import('/acscall/timers.js');
  const camera = () =>
    navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 30 } });
  const canvas = () => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 640, height: 480 });
    const paint = canvas.getContext('2d');
    let count = 0;
    const draw = () => {
      count += 1;
      paint.fillStyle = `hsl(${count % 360} 70% 50%)`;
      paint.fillRect(0, 0, 640, 480);
    };
    return { canvas, paint, draw };
  };
  const ways = {
    camera,
    'canvas drawn by setInterval': () => {
      const { canvas: element, draw } = canvas();
      setInterval(draw, 1000 / 30);
      return element.captureStream(30);
    },
    'canvas drawn by requestAnimationFrame': () => {
      const { canvas: element, draw } = canvas();
      const again = () => {
        draw();
        requestAnimationFrame(again);
      };
      again();
      return element.captureStream(30);
    },
    'canvas drawn by timers.js': () => {
      const { canvas: element, draw } = canvas();
      setTick(draw, 1000 / 30);
      return element.captureStream(30);
    },
    'filter on a canvas by setTimeout': async () => {
      const { canvas: element, paint } = canvas();
      const input = document.createElement('video');
      Object.assign(input, { muted: true, srcObject: await camera() });
      await input.play();
      const again = () => {
        paint.filter = 'grayscale(1)';
        paint.drawImage(input, 0, 0, 640, 480);
        setTimeout(again, 1000 / 30);
      };
      again();
      return element.captureStream(30);
    },
    'filter in a worker': async () => {
      const [track] = (await camera()).getTracks();
      const { readable } = new MediaStreamTrackProcessor({ track });
      const generator = new MediaStreamTrackGenerator({ kind: 'video' });
      const script = `onmessage = ({ data: { readable, writable } }) => {
        const canvas = new OffscreenCanvas(640, 480);
        const paint = canvas.getContext('2d');
        readable.pipeThrough(new TransformStream({
          transform(frame, controller) {
            paint.filter = 'grayscale(1)';
            paint.drawImage(frame, 0, 0);
            const { timestamp } = frame;
            frame.close();
            controller.enqueue(new VideoFrame(canvas, { timestamp }));
          },
        })).pipeTo(writable);
      };`;
      const worker = new Worker(URL.createObjectURL(new Blob([script])));
      const { writable } = generator;
      worker.postMessage({ readable, writable }, [readable, writable]);
      return new MediaStream([generator]);
    },
  };
  const { call } = window;
  for (const stream of [...call.localVideoStreams]) {
    await (stream === window.shared ? call.stopScreenSharing() : call.stopVideo(stream));
  }
  await call.startVideo(new LocalVideoStream(await ways[video]()));
  window.shared = new LocalVideoStream(await ways[screen]());
  await call.startScreenSharing(window.shared);
}
