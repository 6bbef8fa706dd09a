// Calls that only send or only receive.

import assert from 'node:assert/strict';
import { hears, isIn, makeLabs, sees } from './library/lab.mjs';

const inLab = makeLabs();

/** Counts the connections that `page` creates from now on. */
const countConnections = (page) =>
  page.evaluate(() => {
    window.connections = 0;
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...settings) {
        super(...settings);
        window.connections += 1;
      }
    };
  });

inLab('a sender and a receiver have one connection', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  for (const page of [alice, bob]) await countConnections(page);
  await bob.evaluate(() => void watch(agent.join({ groupId: 'tea' }, { sends: false })));
  await isIn(bob, 'Connected');
  await alice.evaluate(() => {
    const localAudioStreams = [new lib.LocalAudioStream(tone(1000))];
    const options = { receives: false, audioOptions: { localAudioStreams } };
    watch(agent.join({ groupId: 'tea' }, options));
  });
  await sees(alice, 'bob Connected');
  await sees(bob, 'alice Connected');
  await hears(bob, 1000);
  for (const page of [alice, bob]) assert.equal(await page.evaluate(() => connections), 1);
  // The receiver has opened no microphone.
  assert.deepEqual(
    await bob.evaluate(() => [call.isMuted, call.localAudioStreams.length]),
    [true, 0],
  );
});

inLab('two senders do not connect, but know of each other', {}, async (lab) => {
  const pages = await Promise.all([lab.page('alice'), lab.page('bob')]);
  for (const page of pages) {
    await countConnections(page);
    await page.evaluate(() => {
      const options = { receives: false, audioOptions: { muted: true } };
      watch(agent.join({ groupId: 'tea' }, options));
    });
  }
  await sees(pages[0], 'bob Connected');
  await sees(pages[1], 'alice Connected');
  for (const page of pages) assert.equal(await page.evaluate(() => connections), 0);
});

inLab('operations that such a call cannot perform are rejected with the reason', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  await alice.evaluate(() => void watch(agent.join({ groupId: 'tea' }, { sends: false })));
  await bob.evaluate(() => {
    const localVideoStreams = [new lib.LocalVideoStream(picture('red'))];
    const options = {
      receives: false,
      audioOptions: { muted: true },
      videoOptions: { localVideoStreams },
    };
    watch(agent.join({ groupId: 'tea' }, options));
  });
  await sees(alice, 'bob Connected');
  const refusals = await alice.evaluate(async () => {
    const code = (promise) => promise.then(String, ({ code, message }) => [code, message]);
    const picture = new lib.LocalVideoStream(window.picture('blue'));
    const voice = new lib.LocalAudioStream(tone(500));
    return Promise.all([
      code(call.unmute()),
      code(call.startAudio(voice)),
      code(call.startVideo(picture)),
      code(call.startScreenSharing()),
    ]);
  });
  for (const [code, message] of refusals) {
    assert.equal(code, 400);
    assert.match(message, /sends: false/);
  }
  const begun = await alice.evaluate(() => {
    const localAudioStreams = [new lib.LocalAudioStream(tone(500))];
    const wrong = [
      { sends: false, audioOptions: { localAudioStreams } },
      { sends: false, receives: false },
    ];
    return wrong.map((options) => {
      try {
        agent.join({ groupId: 'x' }, options);
      } catch ({ code }) {
        return code;
      }
      return 'accepted';
    });
  });
  assert.deepEqual(begun, [400, 400]);
  // Another participant's camera, in a call that receives nothing.
  await alice.evaluate(() => call.hangUp());
  await alice.evaluate(() => {
    const options = {
      audioOptions: { muted: true },
      videoOptions: { localVideoStreams: [new lib.LocalVideoStream(window.picture('blue'))] },
    };
    watch(agent.join({ groupId: 'tea' }, options));
  });
  await bob.waitForFunction(() => call.remoteParticipants[0]?.videoStreams[0].isAvailable);
  const refused = await bob.evaluate(() =>
    call.remoteParticipants[0].videoStreams[0].getMediaStream().then(String, ({ code, message }) => [
      code,
      message,
    ]),
  );
  assert.equal(refused[0], 400);
  assert.match(refused[1], /receives: false/);
});
