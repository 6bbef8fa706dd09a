// Pictures that were painted once, such as slides, and very small ones.

import assert from 'node:assert/strict';
import { isIn, joinQuietly, makeLabs, sees } from './library/lab.mjs';

const inLab = makeLabs();

/** alice sends a canvas in this colour, painted once, as her camera. */
const sendStill = (page, colour, [width, height] = [320, 180]) =>
  page.evaluate(async ([colour, width, height]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const paint = canvas.getContext('2d');
    paint.fillStyle = colour;
    paint.fillRect(0, 0, width, height);
    Object.assign(window, { canvas });
    window.still = new lib.LocalVideoStream(canvas.captureStream());
    watch(
      agent.join(
        { groupId: 'tea' },
        {
          audioOptions: { muted: true },
          videoOptions: { localVideoStreams: [still] },
        },
      ),
    );
  }, [colour, width, height]);

/** Waits until `page` shows a picture from alice in which this channel is the brightest. */
async function shows(page, channel) {
  await page.waitForFunction(() => call.remoteParticipants[0]?.videoStreams[0].isAvailable);
  await page.evaluate(async () => {
    const [stream] = call.remoteParticipants[0].videoStreams;
    // Another element: it has none of the frames so far.
    window.video = Object.assign(document.createElement('video'), { muted: true });
    video.srcObject = await stream.getMediaStream();
    video.play();
  });
  await page.waitForFunction((channel) => {
    if (!video.videoWidth) return false;
    const paint = new OffscreenCanvas(1, 1).getContext('2d');
    paint.drawImage(video, 0, 0, 1, 1);
    const colour = [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    return colour.every((value, at) => (at === channel ? value > 150 : value < 100));
  }, channel);
}

inLab('a picture painted once arrives, before a call, late, and after a change', {}, async (lab) => {
  const [alice, bob, carol] = [
    await lab.page('alice'),
    await lab.page('bob'),
    await lab.page('carol'),
  ];
  await joinQuietly(bob, 'tea');
  await isIn(bob, 'Connected');
  await sendStill(alice, 'red');
  await shows(bob, 0);
  await shows(bob, 0);
  // One who joins later, and requests the video later still.
  await joinQuietly(carol, 'tea');
  await sees(alice, 'bob Connected', 'carol Connected');
  await carol.waitForFunction(() => call.remoteParticipants.length === 2);
  await carol.evaluate(() => {
    const alice = call.remoteParticipants.find(({ displayName }) => displayName === 'alice');
    Object.defineProperty(window, 'call', { value: { remoteParticipants: [alice] } });
  });
  await shows(carol, 0);
  // Another picture, also painted once.
  await alice.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
    const paint = canvas.getContext('2d');
    paint.fillStyle = 'blue';
    paint.fillRect(0, 0, 320, 180);
    await still.setMediaStream(canvas.captureStream());
  });
  await shows(bob, 2);
  await shows(carol, 2);
});

for (const size of [
  [1, 1],
  [1, 40],
  [40, 1],
]) {
  inLab(`a picture of ${size.join('×')} pixels arrives`, {}, async (lab) => {
    const [alice, bob] = [await lab.page('alice'), await lab.page('bob')];
    await joinQuietly(bob, 'tea');
    await sendStill(alice, 'red', size);
    await shows(bob, 0);
    assert.deepEqual(
      await bob.evaluate(() => [video.videoWidth, video.videoHeight]),
      size.map((length) => Math.max(2, length)),
    );
    // The canvas becomes larger.
    await alice.evaluate(() => {
      Object.assign(canvas, { width: 64, height: 36 });
      const paint = canvas.getContext('2d');
      paint.fillStyle = 'blue';
      paint.fillRect(0, 0, 64, 36);
    });
    await shows(bob, 2);
    assert.deepEqual(await bob.evaluate(() => [video.videoWidth, video.videoHeight]), [64, 36]);
  });
}
