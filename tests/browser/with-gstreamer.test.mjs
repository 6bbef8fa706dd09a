// The page in Chromium and GStreamer pipelines in one call.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Pipeline, countingSink } from './gst.mjs';
import {
  Server,
  TEST,
  cameraSize,
  isWhole,
  join,
  leavesAtOnce,
  nextConnection,
  sendCanvas,
  startBrowser,
  tile,
  waitFor,
  waitForStream,
} from './harness.mjs';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

/** Runs `body` in a call of its own, and ends its pages and pipelines. */
function inCall(name, body) {
  test(name, TEST, async (t) => {
    const call = `gst-${name.replace(/\W+/g, '-').slice(0, 60)}`;
    const ends = [];
    t.after(() => Promise.all(ends.map((end) => end())));
    const enter = async (user, options) => {
      const page = await join(browser, server, call, user, options);
      ends.push(() => page.context().close());
      return page;
    };
    // `@` in a description stands for the properties of this call.
    const launch = (description, options) => {
      const at = `call=${call} server=${server.signalling}`;
      const pipeline = new Pipeline(description.replaceAll('@', at), options);
      ends.push(() => pipeline.stop('SIGKILL'));
      return pipeline;
    };
    await body(enter, launch);
  });
}

const NOTHING = { camera: false, microphone: false };

inCall('a test picture is decoded at full size and rate', async (enter, launch) => {
  const bob = await enter('bob', NOTHING);
  launch(
    'videotestsrc is-live=true pattern=ball ! video/x-raw,width=1280,height=720,framerate=30/1 ! acscallsink user=a @',
  );
  const isHd = (s) => s.frameWidth === 1280 && s.frameHeight === 720 && s.framesDecoded > 30;
  await waitForStream(bob, 'a', 'video', isHd);
  const video = tile(bob, 'a').locator('video');
  await video.waitFor({ state: 'visible' });
  // By the sender's timestamps: the display rate depends on the machine.
  await video.evaluate((video) => {
    window.shown = [];
    const note = (_, { rtpTimestamp, presentedFrames }) => {
      window.shown.push([rtpTimestamp, presentedFrames]);
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
  const distances = async () => {
    const shown = await bob.evaluate(() => window.shown);
    return shown.slice(1).map(([time, count], at) => {
      const [lastTime, lastCount] = shown[at];
      return (time - lastTime) / (count - lastCount);
    });
  };
  // In units of 1/90000 s.
  const isNext = (ticks) => Math.abs(ticks - 3_000) <= 90;
  await waitFor('pictures 1/30 s apart', distances, (all) => all.filter(isNext).length >= 10);
});

inCall('sound, camera and screen of one sink arrive together', async (enter, launch) => {
  launch(
    `audiotestsrc is-live=true freq=500 ! s.audio
     videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=30/1 ! s.video
     videotestsrc is-live=true pattern=ball ! video/x-raw,width=1500,height=845,framerate=15/1 ! s.screen
     acscallsink name=s user=a @`,
  );
  const bob = await enter('bob', NOTHING);
  await waitForStream(bob, 'a', 'audio', (s) => s.totalAudioEnergy > 0);
  await waitForStream(bob, 'a', 'video', (s) => s.frameWidth === 640 && s.framesDecoded > 30);
  const whole = (s) => s.frameWidth === 1500 && s.frameHeight === 845 && s.framesDecoded > 15;
  await waitForStream(bob, 'a', 'screen', whole);
  await tile(bob, 'a', 'screen').locator('video').waitFor({ state: 'visible' });
});

inCall('camera, microphone and a canvas as screen reach the pads at full size', async (enter, launch) => {
  // Other formats would end the pipeline. gst-launch-1.0 -v does not always print complete caps.
  const format = 'audio/x-raw,format=S16LE,rate=48000,channels=2';
  const pipeline = launch(
    `acscallsrc name=c user=b @
     c.video_alice ! ${countingSink('camera')}
     c.screen_alice ! ${countingSink('canvas')}
     c.audio_alice ! ${format} ! ${countingSink('microphone')}
     c.audio ! ${format} ! ${countingSink('mixed')}`,
  );
  const alice = await enter('alice', { hd: true });
  await sendCanvas(alice, 'screen', 1500, 845);
  const { width, height } = await cameraSize(alice);
  const full = (s) => s.width === 1500 && s.height === 845 && s.buffers > 10;
  await pipeline.waitForSink('canvas', full);
  // Of 30 per second.
  assert.ok(pipeline.sink('canvas').buffers < 150, `${pipeline.sink('canvas').buffers} pictures`);
  await pipeline.waitForSink('camera', (s) => s.buffers > 10);
  const camera = pipeline.sink('camera');
  assert.deepEqual([camera.width, camera.height], [width, height]);
  for (const name of ['microphone', 'mixed']) {
    await pipeline.waitForSink(name, (s) => s.buffers > 20);
  }
});

inCall('a camera goes through a pipeline and comes back changed', async (enter, launch) => {
  const alice = await enter('alice');
  launch(
    'acscallsrc name=c user=bot @ c.video_alice ! bwfilter ! acscallsink user=bot @',
  );
  const { width, height } = await cameraSize(alice);
  const back = await waitForStream(alice, 'bot', 'video', (s) => s.framesDecoded > 20);
  assert.deepEqual([back.frameWidth, back.frameHeight], [width, height]);
  // The fake camera is all green; the filtered picture is not.
  const colour = await tile(alice, 'bot')
    .locator('video')
    .evaluate((video) => {
      const paint = new OffscreenCanvas(1, 1).getContext('2d');
      paint.drawImage(video, 0, 0, 1, 1);
      return [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    });
  assert.ok(Math.max(...colour) - Math.min(...colour) < 16, `the picture is ${colour}`);
});

inCall('a camera that is switched off and on goes on at the same pad', async (enter, launch) => {
  const pipeline = launch(`acscallsrc name=c user=b @ c.video_alice ! ${countingSink('camera')}`);
  const alice = await enter('alice', { microphone: false });
  await pipeline.waitForSink('camera', (s) => s.buffers > 10);
  await alice.getByRole('button', { name: 'Camera' }).click();
  await alice.locator('#video[aria-pressed=false]').waitFor();
  await alice.getByRole('button', { name: 'Camera' }).click();
  const { buffers } = pipeline.sink('camera');
  await pipeline.waitForSink('camera', (s) => s.buffers > buffers + 30);
  assert.ok(!pipeline.ended, pipeline.errors.join('\n'));
});

inCall('a pipeline that ends leaves the page, and can come back', async (enter, launch) => {
  const description = 'videotestsrc is-live=true ! acscallsink user=a @';
  const bob = await enter('bob', NOTHING);
  for (let round = 0; round < 2; round += 1) {
    const pipeline = launch(description, { end: true });
    await waitForStream(bob, 'a', 'video', (s) => s.framesDecoded > 10);
    await leavesAtOnce(bob, 'a', async () => {
      assert.equal(await pipeline.stop(), 0, pipeline.errors.join('\n'));
    });
  }
});

for (const [name, embedded, comeBack] of [
  ['the server is away and comes back', 'embedded-server=false', () => server.start()],
  // From then on the pipeline's own process is the server.
  ['the server goes and a pipeline takes over', 'embedded-server=true', () => {}],
]) {
  inCall(`media goes on both ways when ${name}`, async (enter, launch) => {
    const pipeline = launch(
      `videotestsrc is-live=true ! video/x-raw,width=320,height=240 ! acscallsink user=a ${embedded} @
       acscallsrc name=c user=a ${embedded} @ c.video_alice ! ${countingSink('camera')}`,
    );
    const alice = await enter('alice', { microphone: false });
    const goesOn = async () => {
      const { framesDecoded } = await waitForStream(alice, 'a', 'video', () => true);
      const { buffers } = pipeline.sink('camera');
      await waitForStream(alice, 'a', 'video', (s) => s.framesDecoded > framesDecoded + 30);
      await pipeline.waitForSink('camera', (s) => s.buffers > buffers + 30);
    };
    const legs = () => alice.evaluate(() => window.legs.length);
    await pipeline.waitForSink('camera', (s) => s.buffers > 0);
    await waitForStream(alice, 'a', 'video', (s) => s.framesDecoded > 0);
    const before = await legs();
    const lost = await nextConnection(alice);
    await server.kill();
    await lost();
    await goesOn();
    await comeBack();
    await isWhole(alice);
    await goesOn();
    assert.equal(await legs(), before);
    assert.ok(!pipeline.ended, pipeline.errors.join('\n'));
  });
}
