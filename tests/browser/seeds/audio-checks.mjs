// The fences of "Access raw audio", and what has to arrive.

import { waitFor } from '../harness.mjs';
import { levelAt, toneOf } from './tone.mjs';

const DOCUMENT = 'acs-raw-media-access.md';
const SWITCH = 'Switch to a custom audio stream during a call';

/** The frequency of the documents' oscillator, in Hz. */
const BEEP = 500;

/** The limit for everything else beside a tone, in dB; codec noise is far below. */
const PURE = -40;

/** @type {Record<string, (scene: import('./scene.mjs').Scene) => Promise<void>>} */
export const checks = {
  [`${DOCUMENT}: Access an incoming raw audio stream`]: async (scene) => {
    const { page } = await scene.begin({
      send: ['audiotestsrc is-live=true freq=440 volume=0.5 ! audio/x-raw,rate=48000 ! s.audio'],
    });
    await page.run(scene.fence, ['callAgent']);
    await page.hasState('Connected');
    const get = async () => toneOf(await page.readSound(), 48_000);
    await waitFor('the tone in the page', get, (tone) => isTone(tone, 440, -6));
  },

  [`${DOCUMENT}: Place a call with a custom audio stream`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['audio'] });
    await page.run(scene.fence, ['callAgent', 'LocalAudioStream']);
    await beepIsHeard(gst);
  },

  [`${DOCUMENT}: ${SWITCH}`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['audio'] });
    await page.run(scene.fence, ['callAgent', 'LocalAudioStream']);
    await beepIsHeard(gst);
  },

  [`${DOCUMENT}: Stop a custom audio stream`]: async (scene) => {
    const { page, gst } = await scene.begin({ receive: ['audio'] });
    await page.run(scene.earlier(SWITCH), ['callAgent', 'LocalAudioStream']);
    await beepIsHeard(gst);
    await page.run(scene.fence, ['call']);
    // The call began with the microphone: Chromium's fake one ticks.
    await gst.got.audio.heard('the microphone, and no tone', (samples) => {
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      return peak > 0.05 && levelAt(samples, 48_000, BEEP) < -40;
    });
  },
};

/** Waits until only the oscillator's tone is heard, at full level. */
function beepIsHeard(gst) {
  const accept = (samples) => isTone(toneOf(samples, 48_000), BEEP, 0);
  return gst.got.audio.heard('a pure tone of 500 Hz', accept);
}

function isTone({ frequency, level, rest }, hertz, decibels) {
  const isRight = Math.abs(frequency - hertz) < 1 && Math.abs(level - decibels) < 1;
  return isRight && rest < PURE;
}
