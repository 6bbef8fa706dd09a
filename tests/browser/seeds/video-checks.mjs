// The fences of "Access raw video", and what has to arrive.

import assert from 'node:assert/strict';
import { distance, meanOf, quarters, sharesOf, yuv } from './picture.mjs';
import { canvasIsSeen } from './canvas.mjs';

const DOCUMENT = 'acs-raw-media-access.md';
const SWITCH = 'Switch to a custom video stream during a call';
const STOP = 'Stop a custom video stream';

/** The tolerance of a colour after VP8, in levels of Y, U and V. */
const TOLERANCE = 12;

/** The main colours of Chromium's fake cameras, and of the painted replacement. */
export const FIRST_CAMERA = [0, 0, 0];
const THIRD_CAMERA = [75, 86, 75];
const PAINTED = yuv([255, 0, 255]);

/** The colours sent to the page: red, green, blue and gray. */
const QUARTERS = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [128, 128, 128],
].map(yuv);

/** @type {Record<string, (scene: import('./scene.mjs').Scene) => Promise<void>>} */
export const checks = {
  [`${DOCUMENT}: Place a call with a custom video stream`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['video'] });
    await page.run(scene.fence, ['callAgent', 'LocalVideoStream']);
    await canvasIsSeen(gst.got.video);
  },

  [`${DOCUMENT}: ${SWITCH}`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['video'] });
    await page.evaluate(() => window.seeds.useCamera(0));
    await page.run(scene.fence, ['callAgent']);
    await canvasIsSeen(gst.got.video);
    assert.equal((await ownVideo(page)).type, 'RawMedia');
  },

  [`${DOCUMENT}: ${STOP}`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['audio', 'video'] });
    await page.evaluate(() => window.seeds.useCamera(0));
    await page.run(scene.earlier(SWITCH), ['callAgent']);
    await gst.isAvailable('video');
    await gst.got.video.next('a picture', () => true);
    await page.run(scene.fence, ['call', 'localVideoStream']);
    await gst.isAvailable('video', false);
    assert.equal(await ownVideo(page), undefined);
    await nothingComes(gst, 'video');
  },

  [`${DOCUMENT}: ${STOP} (2)`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['video'] });
    await page.evaluate(() => window.seeds.useCamera(0));
    await scene.startCall();
    await isMostly(gst, FIRST_CAMERA);
    await page.evaluate(() => window.seeds.paint('magenta'));
    await isMostly(gst, PAINTED);
    assert.equal((await ownVideo(page)).type, 'RawMedia');
    // The fence's first branch: from custom video to the other camera.
    await page.run(scene.fence, [], { anotherCamera: 2 });
    await isMostly(gst, THIRD_CAMERA);
    assert.deepEqual(await ownVideo(page), { type: 'Video', source: 'fake_device_2' });
    // Its second branch: from one camera to the other.
    await page.run(scene.fence, [], { anotherCamera: 0 });
    await isMostly(gst, FIRST_CAMERA);
    assert.deepEqual(await ownVideo(page), { type: 'Video', source: 'fake_device_0' });
  },

  [`${DOCUMENT}: Access incoming video stream from a remote participant`]: (scene) =>
    incomingIsRead(scene, 'video', 'Video', 640, 360),
};

/**
 * Runs a fence that waits for video of this kind, and compares its result with what is sent: first
 * before there is any, then while there is.
 */
export async function incomingIsRead(scene, kind, type, width, height) {
  const format = `video/x-raw,format=I420,width=${width},height=${height},framerate=10/1`;
  const { page, gst } = await scene.begin({
    send: [
      'audiotestsrc is-live=true wave=silence ! s.audio',
      `feed ! ${format},colorimetry=bt601 ! rawvideoparse use-sink-caps=true ! s.${kind}`,
    ],
  });
  await scene.startCall();
  await page.evaluate(() => window.seeds.othersAreThere());
  await page.run(scene.fence, ['remoteParticipants']);
  assert.deepEqual(await given(page), []);
  const stop = gst.play(quarters(width, height, QUARTERS).data);
  const picture = await page.readPicture(type);
  assert.deepEqual([picture.width, picture.height], [width, height]);
  assert.deepEqual(await given(page), [type]);
  QUARTERS.forEach((colour, at) => {
    const [x, y] = [(0.25 + 0.5 * (at % 2)) * width, (0.25 + 0.5 * Math.floor(at / 2)) * height];
    const middle = { x: Math.round(x) - 16, y: Math.round(y) - 16, width: 32, height: 32 };
    const seen = meanOf(picture, middle);
    assert.ok(distance(seen, colour) <= TOLERANCE, `quarter ${at} is ${seen}, not ${colour}`);
  });
  await page.run(scene.fence, ['remoteParticipants']);
  assert.deepEqual(await given(page), [type, type]);
  await page.readPicture(type);
  stop();
  await page.evaluate((type) => window.seeds.isAvailable(type, false), type);
}

/** Waits until a picture is mostly of this colour. */
export async function isMostly(gst, colour, kind = 'video') {
  const mostly = (picture) => sharesOf(picture, { colour }, TOLERANCE).colour > 0.6;
  await gst.got[kind].next(`a picture of ${colour.map(Math.round)}`, mostly);
}

/** Waits until a second of sound passes without a picture; the last ones may arrive late. */
export async function nothingComes(gst, kind) {
  const { audio, [kind]: stream } = gst.got;
  let last = { pictures: stream.count, samples: audio.count };
  await audio.until(`${kind} that has ended`, () => {
    if (stream.count > last.pictures) last = { pictures: stream.count, samples: audio.count };
    return audio.count > last.samples + audio.rate;
  });
}

const ownVideo = (page) => page.evaluate(() => window.seeds.ownVideo());
const given = (page) => page.evaluate(() => window.seeds.given.map(({ type }) => type));
