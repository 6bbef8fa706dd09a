// Agora's document: a custom track from each of its sources, sent into the call.

import assert from 'node:assert/strict';
import { COLOURS } from './picture.mjs';
import { toneOf } from './tone.mjs';
import { FIRST_CAMERA, isMostly } from './video-checks.mjs';

const DOCUMENT = 'agora-custom-video-source.md';

/** @type {Record<string, (scene: import('./scene.mjs').Scene) => Promise<void>>} */
export const checks = {
  [`${DOCUMENT}: Implementation`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['video'] });
    await scene.startCall();
    await page.run(scene.fence, ['AgoraRTC']);
    const type = await page.evaluate(() => window.seeds.publishMade());
    assert.equal(type, 'video');
    await isMostly(gst, FIRST_CAMERA);
    const { width, height } = gst.got.video.latest;
    assert.deepEqual([width, height], [640, 480]);
  },
};

/** The sources that the document names beside the fence, by test name. */
export const sources = {
  '<canvas>.captureStream() is sent as a custom video track': async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['video'] });
    await scene.startCall();
    await page.evaluate(() => window.seeds.publishCanvas('red'));
    await isMostly(gst, COLOURS.red);
  },

  '<video>.captureStream() is sent as custom video and audio tracks': async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['audio', 'video'] });
    await scene.startCall();
    await page.evaluate(() => window.seeds.publishFilm('yellow', 700));
    await isMostly(gst, COLOURS.yellow);
    await gst.got.audio.heard('a tone of 700 Hz', (samples) => {
      const { frequency, rest } = toneOf(samples, 48_000);
      return Math.abs(frequency - 700) < 1 && rest < -20;
    });
  },
};
