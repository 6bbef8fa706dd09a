// The assumptions of the bridge tests: the SDK's own stream classes accept the feeds, a device
// would be noticed, and participants who come and go leave nothing behind.

import assert from 'node:assert/strict';
import { settledCensus } from './census.mjs';
import { css, makeLabs, nameThere } from './bridge/lab.mjs';
import { waitFor } from './harness.mjs';

const inLab = makeLabs('acs');

inLab('the tests see and hear a device that the SDK falls back to', async (lab) => {
  const page = await lab.open();
  await page.evaluate(async () => {
    const { LocalAudioStream, LocalVideoStream } = acs.sdk;
    window.service = await acs.begin();
    window.gotThere = (kind) => service.call.sending.uplink.got(kind);
    await service.connect();
    window.given = { video: acs.RemoteMedia.picture('rgb(220 30 30)') };
    given.audio = acs.RemoteMedia.tones([970]);
    const isThere = async (media) => {
      while (!media.stream) await new Promise((resolve) => setTimeout(resolve, 20));
      return media.stream;
    };
    // A mistake that no bridge may make: tracks of connections, which end.
    await service.call.startAudio(new LocalAudioStream(await isThere(given.audio)));
    await service.call.startVideo(new LocalVideoStream(await isThere(given.video)));
    await service.call.unmute();
  });
  await lab.showsThere('video', 'red');
  await lab.soundsThere(970);
  await lab.hasOnlyGiven({ video: ['red'], audio: [970] });
  await page.evaluate(() => {
    given.video.close();
    given.audio.close();
  });
  await waitFor(
    "Chromium's own picture",
    () => page.evaluate(() => Object.keys(gotThere('video').colours)),
    (colours) => colours.some((one) => nameThere(one.split(',').map(Number)) !== 'red'),
  );
  await lab.until(() => gotThere('audio').heard.some((hertz) => Math.abs(hertz - 970) > 60));
  await assert.rejects(lab.hasOnlyGiven({ video: ['red'], audio: [970] }), /there/);
  await assert.rejects(lab.isClean(), /the custom stream has ended/);
});

inLab("the SDK's own media stack sends the feeds, never a device", async (lab) => {
  const page = await lab.open();
  const voice = lab.send({ tone: 650 });
  const first = lab.send({ colour: 'yellow', screen: 'cyan' });
  await lab.bridgeAcs({ connects: 'never' });
  await page.evaluate(async () => {
    window.stack = await acs.mediaStack(service.call.sending.uplink);
    await service.connect();
  });
  /** Fails unless the stack sends one of these, silence, or nothing. */
  const sends = async (kind, ...given) => {
    const sent = await page.evaluate(async (kind) => {
      const { call } = service;
      const isOn = { video: () => call.isLocalVideoStarted, screen: () => call.isScreenSharingOn };
      for (;;) {
        const { length } = call.operations.done;
        const sent = await stack.sends(kind);
        if (kind !== 'audio' && !isOn[kind]()) return null;
        // Otherwise it may have been stopped and started meanwhile.
        if (call.operations.done.length === length) return sent;
      }
    }, kind);
    if (!sent) return;
    const { isDevice, colour, heard } = sent;
    assert.equal(isDevice, false, `${kind} of a device`);
    if (kind !== 'audio') assert.ok(given.includes(nameThere(colour)), nameThere(colour));
    const isGiven = (hertz) => given.some((tone) => Math.abs(tone - hertz) < 60);
    assert.ok(kind !== 'audio' || heard.every(isGiven), `${heard} Hz`);
  };
  await lab.showsThere('video', 'yellow');
  await lab.showsThere('screen', 'cyan');
  await lab.soundsThere(650);
  await sends('video', 'yellow');
  await sends('screen', 'cyan');
  await sends('audio', 650);
  await first.stop('SIGKILL');
  await sends('video', 'yellow');
  lab.send({ colour: 'blue' });
  await lab.showsThere('video', 'blue');
  await sends('video', 'blue');
  await voice.stop('SIGKILL');
  await sends('audio', 650);

  // Proves that a device would have been noticed, with a track that ends.
  await page.evaluate(async () => {
    const media = acs.RemoteMedia.picture('rgb(220 30 30)');
    while (!media.stream) await new Promise((resolve) => setTimeout(resolve, 20));
    service.call.sending.uplink.setCustom('video', media.stream);
    media.close();
  });
  assert.ok(await page.evaluate(() => service.call.isLocalVideoStarted));
  await assert.rejects(sends('video', 'red'), /of a device/);
});

inLab('participants who come and go leave nothing in the page', async (lab, t) => {
  const page = await lab.open();
  lab.send({ tone: 650 });
  await lab.bridgeAcs();
  await lab.soundsThere(650);
  /** Everything comes and goes once. */
  const round = async () => {
    const camera = lab.send({ colour: 'yellow', screen: 'blue' });
    await page.evaluate((red) => {
      service.sound(970);
      const anna = service.enter('8:acs:anna', 'Anna');
      anna.camera.turnOn(red);
      anna.screen.turnOn(red);
    }, css('red'));
    await lab.hasOthers('assistant', 'assistant', '8:acs:anna', 'acs-audio');
    await lab.showsThere('video', 'yellow');
    await lab.showsThere('screen', 'blue');
    await camera.stop();
    await page.evaluate(() => {
      service.silence();
      service.leave(service.call.remoteParticipants[0]);
    });
    await lab.hasOthers('assistant', 'acs-audio');
    await lab.until(() => service.call.localVideoStreams.length === 0);
  };
  // After two rounds, everything that is created only once exists.
  for (let n = 0; n < 2; n += 1) await round();
  const { objects: before } = await settledCensus(page);
  for (let n = 0; n < 3; n += 1) await round();
  const { objects: after } = await settledCensus(page);
  const grown = Object.keys(after).filter((name) => after[name] >= (before[name] ?? 0) + 3);
  t.diagnostic(grown.map((name) => `${name}: ${before[name]} → ${after[name]}`).join() || 'none');
  // One object per round is a leak; fewer are garbage that is not collected yet.
  assert.deepEqual(grown, []);
  await lab.isClean();
});
