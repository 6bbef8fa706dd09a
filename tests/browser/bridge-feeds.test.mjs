// The feeds of the bridges: tracks for SDKs that never end, whatever their source.

import assert from 'node:assert/strict';
import { makeLabs } from './library/lab.mjs';

const inLab = makeLabs();

/** In the page: the feeds' modules, sources for them, and a probe for tracks. */
async function installFeeds() {
  const { VideoFeed } = await import('/bridge/common/video-feed.js');
  const { AudioFeed } = await import('/bridge/common/audio-feed.js');
  Object.assign(window, { VideoFeed, AudioFeed });
  /** A stream of one colour; `paint()` makes a frame of it. */
  window.painter = (colour, width = 320, height = 180) => {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    const [track] = canvas.captureStream(0).getVideoTracks();
    const paint = () => {
      context.fillStyle = colour;
      context.fillRect(0, 0, width, height);
      track.requestFrame();
    };
    return { track, paint };
  };
  /** Records the frames of a track. */
  window.look = (track) => {
    const seen = [];
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    (async () => {
      for (;;) {
        const { value: frame, done } = await reader.read();
        if (done) return;
        context.drawImage(frame, 0, 0, 1, 1);
        const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
        const isOne = (value, others) => value > 150 && others.every((other) => other < 100);
        const colour = isOne(red, [green, blue]) ? 'red' : isOne(blue, [red, green]) ? 'blue' : '?';
        seen.push({ colour, width: frame.displayWidth });
        frame.close();
      }
    })();
    return seen;
  };
}

const until = (page, isTrue, argument) => page.waitForFunction(isTrue, argument);

inLab('a picture freezes between its sources, and never ends', {}, async (lab) => {
  const page = await lab.page();
  await page.evaluate(installFeeds);
  await page.evaluate(() => {
    window.firsts = 0;
    window.feed = new VideoFeed('motion', () => (firsts += 1));
    window.given = feed.copies.create().getVideoTracks()[0];
    window.seen = look(given);
    window.red = painter('red');
    window.blue = painter('blue', 640, 360);
    feed.set(red.track);
    window.painting = setInterval(() => [red, blue].forEach(({ paint }) => paint()), 50);
  });
  await until(page, () => seen.filter(({ colour }) => colour === 'red').length > 5);
  // The source ends, like that of a closed connection.
  await page.evaluate(() => {
    red.track.stop();
    clearInterval(painting);
    window.count = seen.length;
  });
  await until(page, () => seen.length >= count + 2);
  assert.equal(await page.evaluate(() => `${seen.at(-1).colour} ${given.readyState}`), 'red live');
  await page.evaluate(() => {
    feed.set(blue.track);
    window.painting = setInterval(() => blue.paint(), 50);
  });
  await until(page, () => seen.filter(({ colour }) => colour === 'blue').length > 5);
  const { colours, stats, firsts, width } = await page.evaluate(() => ({
    colours: seen.map(({ colour }) => colour).filter((one, at, all) => one !== all[at - 1]),
    width: seen.at(-1).width,
    stats: feed.stats,
    firsts,
  }));
  assert.deepEqual(colours, ['red', 'blue']);
  assert.equal(firsts, 1);
  assert.deepEqual([width, stats.frameWidth, stats.frameHeight], [640, 640, 360]);
  assert.ok(stats.frames > 10, String(stats.frames));

  await page.evaluate(() => feed.set(null));
  assert.equal(await page.evaluate(() => feed.hasPicture), false);
  await page.evaluate(() => feed.set(blue.track));
  await until(page, () => feed.hasPicture && firsts === 2);
});

inLab('late receivers see a frozen picture, and the frames after it', {}, async (lab) => {
  const page = await lab.page();
  await page.evaluate(installFeeds);
  await page.evaluate(() => {
    window.feed = new VideoFeed('motion', () => {});
    window.red = painter('red');
    window.painting = setInterval(() => red.paint(), 50);
    feed.set(red.track);
  });
  await until(page, () => feed.hasPicture);
  await page.evaluate(async () => {
    clearInterval(painting);
    red.track.stop();
    const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
    near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
    far.ontrack = ({ track }) => (window.seen = look(track));
    const stream = feed.copies.create();
    near.addTrack(stream.getTracks()[0], stream);
    await near.setLocalDescription();
    await far.setRemoteDescription(near.localDescription);
    await far.setLocalDescription();
    await near.setRemoteDescription(far.localDescription);
  });
  await until(page, () => window.seen?.filter(({ colour }) => colour === 'red').length > 2);
  // A canvas starts at time 0, so the new frames are older than the last.
  await page.evaluate(() => {
    window.blue = painter('blue');
    feed.set(blue.track);
    setInterval(() => blue.paint(), 50);
  });
  await until(page, () => seen.filter(({ colour }) => colour === 'blue').length > 20);
});

inLab('ending a copy of a picture does not affect the others', {}, async (lab) => {
  const page = await lab.page();
  await page.evaluate(installFeeds);
  await page.evaluate(() => {
    window.feed = new VideoFeed('detail', () => {});
    window.copies = [feed.copies.create(), feed.copies.create()];
    window.red = painter('red');
    setInterval(red.paint, 50);
    feed.set(red.track);
    copies[0].getTracks()[0].stop();
    window.seen = look(copies[1].getVideoTracks()[0]);
  });
  await until(page, () => seen.length > 3);
  assert.equal(await page.evaluate(() => copies[1].getTracks()[0].contentHint), 'detail');
  await page.evaluate(() => feed.close());
  assert.equal(await page.evaluate(() => copies[1].active), false);
});

inLab('sound is silent between its sources, and continues', {}, async (lab) => {
  const page = await lab.page();
  await page.evaluate(installFeeds);
  await page.evaluate(() => {
    window.troubles = [];
    window.feed = new AudioFeed((error) => troubles.push(error));
    window.given = feed.copies.create();
    window.hearing = ear(given);
    window.low = tone(440);
    window.high = tone(2000);
    feed.set(low.getAudioTracks()[0]);
  });
  const hears = (...tones) =>
    until(
      page,
      (tones) => {
        const heard = hearing();
        const isIt = (one) => heard.some((hertz) => Math.abs(hertz - one) < 20);
        return heard.length === tones.length && tones.every(isIt);
      },
      tones,
    );
  await hears(440);
  await page.evaluate(() => low.getTracks()[0].stop());
  await hears();
  await page.evaluate(() => feed.set(high.getAudioTracks()[0]));
  await hears(2000);
  await page.evaluate(() => feed.set(null));
  await hears();
  assert.equal(await page.evaluate(() => given.active), true);
  // Silence is still sent as samples.
  const samples = await page.evaluate(async () => {
    const [track] = given.getAudioTracks();
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    let count = 0;
    while (count < 4_800) {
      const { value } = await reader.read();
      count += value.numberOfFrames;
      value.close();
    }
    return count;
  });
  assert.ok(samples >= 4_800);
  await page.evaluate(() => feed.close());
  assert.equal(await page.evaluate(() => given.active), false);
  assert.deepEqual(await page.evaluate(() => troubles), []);
});
