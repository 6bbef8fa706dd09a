// The streams of remote video: who uses them, and until when.

import assert from 'node:assert/strict';
import { waitFor } from './harness.mjs';
import { makeLabs, talking } from './library/lab.mjs';

const inLab = makeLabs();

/** Waits until alice sends her video to bob, or does not. */
const isSent = (alice, is) =>
  alice.waitForFunction(async (is) => {
    const stats = await call.getStats();
    return stats.some(({ kind, direction }) => kind === 'video' && direction === 'send') === is;
  }, is);

/** Waits until `page` has received more frames from alice than now. */
async function isReceived(page) {
  const frames = () =>
    page.evaluate(async () => {
      const stats = await call.getStats();
      const video = stats.find(({ kind, direction }) => kind === 'video' && direction === 'receive');
      return video?.framesDecoded ?? 0;
    });
  const before = await frames();
  await waitFor('another frame', frames, (now) => now > before);
}

/** Shows alice's camera in `page` as `media`, in the element `video`. */
const show = (page) =>
  page.evaluate(async () => {
    const [stream] = call.remoteParticipants[0].videoStreams;
    window.media = await stream.getMediaStream();
    window.video ??= Object.assign(document.createElement('video'), { muted: true });
    video.srcObject = media;
    video.play();
  });

/** Waits until the element shows another frame. */
const isPainted = (page) =>
  page.evaluate(() => new Promise((resolve) => video.requestVideoFrameCallback(() => resolve())));

inLab('a remote track that is stopped ends the transmission, and the next one is live', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  for (let round = 0; round < 2; round += 1) {
    await show(bob);
    await isReceived(bob);
    await isPainted(bob);
    await isSent(alice, true);
    await bob.evaluate(() => media.getTracks()[0].stop());
    await isSent(alice, false);
  }
});

inLab('a stream whose track was stopped is live again for all who show it', {}, async (lab) => {
  const [, bob] = await talking(lab);
  await show(bob);
  await isPainted(bob);
  const isSame = await bob.evaluate(async () => {
    media.getTracks()[0].stop();
    const again = await call.remoteParticipants[0].videoStreams[0].getMediaStream();
    const tracks = again.getTracks();
    return again === media && tracks.length === 1 && tracks[0].readyState === 'live';
  });
  assert.ok(isSame, 'the stream has no live track');
  await isPainted(bob);
});

inLab('copies that the application makes keep the transmission on', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await show(bob);
  await isReceived(bob);
  await bob.evaluate(() => {
    window.copies = [media.clone().getTracks()[0], media.getTracks()[0].clone()];
    window.copies.push(copies[1].clone());
    media.getTracks()[0].stop();
    copies[0].stop();
    copies[1].stop();
    video.srcObject = new MediaStream([copies[2]]);
    video.play();
  });
  await isReceived(bob);
  await isPainted(bob);
  await bob.evaluate(() => copies[2].stop());
  await isSent(alice, false);
});
