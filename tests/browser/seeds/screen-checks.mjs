// The fences of "Access raw screen sharing", and what has to arrive.

import assert from 'node:assert/strict';
import { canvasIsSeen } from './canvas.mjs';
import { blocksOf, yuv } from './picture.mjs';
import { incomingIsRead, nothingComes } from './video-checks.mjs';

const DOCUMENT = 'acs-raw-media-access.md';
const CUSTOM = 'Start screen sharing with a custom screen share stream';
const EFFECT =
  'Access the raw screen share stream from a screen, browser tab, or app, and apply effects to the stream';

/** The tolerance of a block's gray and of its neutral chroma, in levels. */
const LUMA = 6;
const CHROMA = 2;
/** The tolerance of a gray compared with another canvas with the same filter. */
const ROUNDING = 1;
/** The part of the picture that may exceed it: the edges of the patches, in blocks. */
const EDGES = 0.02;

/** @type {Record<string, (scene: import('./scene.mjs').Scene) => Promise<void>>} */
export const checks = {
  [`${DOCUMENT}: ${CUSTOM}`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['screen'] });
    await scene.startCall();
    await page.run(scene.fence, ['call', 'LocalVideoStream']);
    assert.deepEqual(page.printed, ['RawMedia']);
    await canvasIsSeen(gst.got.screen);
  },

  [`${DOCUMENT}: ${EFFECT}`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['audio', 'screen'] });
    await scene.startCall();
    // The shared tab is the page itself.
    await page.evaluate(() => window.seeds.showPatches());
    const end = page.run(scene.fence, ['call'], { split: '// Stop screen sharing' });
    await Promise.race([page.atMiddle(), end]);
    assert.deepEqual(page.printed, ['ScreenSharing']);
    const painted = await patchesArePainted(page);
    const same = (picture) => differs(picture, painted) <= EDGES;
    await gst.got.screen.next('the picture of the canvas', same);
    await page.checked();
    await end;
    await gst.isAvailable('screen', false);
    await nothingComes(gst, 'screen');
  },

  [`${DOCUMENT}: Stop sending screen share stream`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['audio', 'screen'] });
    await scene.startCall();
    await page.run(scene.earlier(CUSTOM), ['call', 'LocalVideoStream']);
    await gst.isAvailable('screen');
    await gst.got.screen.next('a picture', () => true);
    await page.run(scene.fence, ['call', 'localScreenSharingStream']);
    await gst.isAvailable('screen', false);
    assert.equal(await page.evaluate(() => window.seeds.ownVideo()), undefined);
    await nothingComes(gst, 'screen');
  },

  [`${DOCUMENT}: Access incoming screen share stream from a remote participant`]: (scene) =>
    incomingIsRead(scene, 'screen', 'ScreenSharing', 1500, 845),
};

/** Waits until the sent canvas shows the patches in gray, and returns its picture. */
async function patchesArePainted(page) {
  const patches = await page.evaluate(() => window.seeds.patchesArePainted());
  assert.equal(new Set(patches.map(({ painted }) => painted[0])).size, patches.length);
  for (const { painted, expected } of patches) {
    assert.ok(new Set(painted).size === 1, `${painted} is not gray`);
    assert.ok(Math.abs(painted[0] - expected[0]) <= ROUNDING, JSON.stringify(patches));
  }
  return page.paintedGray();
}

/** Returns the share of blocks whose gray differs from what the browser has painted. */
function differs(picture, painted) {
  if (picture.width !== painted.width || picture.height !== painted.height) return 1;
  const blocks = blocksOf(picture);
  const wrong = blocks.filter(({ x, y, yuv: [luma, ...chroma] }) => {
    const gray = meanGray(painted, x, y);
    const [expected] = yuv([gray, gray, gray]);
    const isGray = chroma.every((value) => Math.abs(value - 128) <= CHROMA);
    return !isGray || Math.abs(luma - expected) > LUMA;
  });
  return wrong.length / blocks.length;
}

function meanGray({ width, data }, x, y) {
  let sum = 0;
  for (let row = y; row < y + 8; row += 1) {
    for (let column = x; column < x + 8; column += 1) sum += data[row * width + column];
  }
  return sum / 64;
}
