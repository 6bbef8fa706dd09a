// Wrong and missing arguments, and what applications do before they may.

import assert from 'node:assert/strict';
import { census } from './census.mjs';
import { waitFor } from './harness.mjs';
import { QUIET, isIn, joinQuietly, makeLabs, sees, talking } from './library/lab.mjs';

const inLab = makeLabs();

inLab('an unknown event is rejected with the names of the others', {}, async (lab) => {
  const [alice] = await talking(lab);
  const errors = await alice.evaluate(async () => {
    const client = new lib.CallClient();
    const [participant] = call.remoteParticipants;
    const track = lib.AgoraRTC.createCustomAudioTrack({
      mediaStreamTrack: tone(500).getTracks()[0],
    });
    const objects = [
      agent,
      call,
      camera,
      voice,
      participant,
      participant.videoStreams[0],
      await call.remoteAudioStreams[0].getVolume(),
      await client.getDeviceManager(),
      track,
    ];
    return objects.flatMap((object) =>
      ['on', 'off'].map((method) => {
        try {
          object[method]('stateChange', () => {});
          return 'accepted';
        } catch ({ code, message }) {
          return /'stateChange', only \w+/.test(message) ? code : message;
        }
      }),
    );
  });
  assert.deepEqual(new Set(errors), new Set([400]));
  // Those that only ACS emits are accepted.
  await alice.evaluate(() => call.on('roleChanged', () => {}));
});

inLab('null is the same as leaving an argument out', {}, async (lab) => {
  const alice = await lab.page('alice');
  await alice.evaluate(async () => {
    const { CallClient, LocalAudioStream, LocalVideoStream } = lib;
    const credential = { user: 'dora', token: null, server: null };
    const other = await new CallClient().createCallAgent(credential, null);
    await other.dispose();
    const options = { displayName: null };
    await (await new CallClient().createCallAgent({ user: 'dora' }, options)).dispose();
    new LocalAudioStream(tone(500), null);
    new LocalVideoStream(picture('red'), null);
    const devices = await new CallClient().getDeviceManager();
    await devices.askDevicePermission(null);
    const calls = [
      { videoOptions: null, audioOptions: { muted: true } },
      { videoOptions: { localVideoStreams: null }, audioOptions: { muted: true } },
      { audioOptions: null, sends: false },
      { audioOptions: { localAudioStreams: null, muted: true } },
    ].map((options, at) => agent.join({ groupId: `tea ${at}` }, options));
    await Promise.all(calls.map((call) => call.hangUp(null)));
    await agent.join({ groupId: 'tea' }, null).hangUp();
  });
});

inLab('an address with another protocol is rejected with the remedy', {}, async (lab) => {
  const page = await lab.page();
  const errors = await page.evaluate(async () => {
    const servers = ['ftp://calls.example', 'file:///x', 'localhost:7788', 'nowhere'];
    const refused = servers.map((server) =>
      new lib.CallClient().createCallAgent({ user: 'a', server }).catch((error) => error),
    );
    return (await Promise.all(refused)).map(({ name, code }) => [name, code]);
  });
  for (const error of errors) assert.deepEqual(error, ['CallingCommunicationError', 400]);
});

inLab('a participant is added only to a call that is joined', {}, async (lab) => {
  const [alice] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  const refused = await alice.evaluate((options) => {
    watch(agent.join({ groupId: 'tea' }, options));
    window.add = () => {
      try {
        call.addParticipant('bob');
        return null;
      } catch ({ code, message }) {
        return [code, message];
      }
    };
    return [add(), call.remoteParticipants.length];
  }, QUIET);
  assert.equal(refused[0][0], 400);
  assert.match(refused[0][1], /still connecting/);
  assert.equal(refused[1], 0);
  await isIn(alice, 'Connected');
  assert.equal(await alice.evaluate(() => add()), null);
  await sees(alice, 'bob Ringing');
  await alice.evaluate(() => call.hangUp());
  assert.deepEqual(await alice.evaluate(() => add()), [400, 'The call is over.']);
});

inLab('streams made of one MediaStream leave nothing behind', {}, async (lab) => {
  const alice = await lab.page('alice');
  await alice.evaluate((options) => {
    window.shared = picture('red');
    window.sound = tone(500);
    window.round = async () => {
      const call = agent.join({ groupId: 'tea' }, options);
      await call.startVideo(new lib.LocalVideoStream(shared));
      await call.startAudio(new lib.LocalAudioStream(sound));
      new lib.LocalVideoStream(shared);
      await call.hangUp();
    };
  }, QUIET);
  const listeners = async () => (await census(alice)).listeners;
  await alice.evaluate(() => round());
  const before = await listeners();
  await alice.evaluate(async () => {
    for (let count = 0; count < 10; count += 1) await round();
  });
  await waitFor('no more listeners than before', listeners, (now) => now <= before);
});

inLab('the advice for a device that an iframe may not use names its attribute', {}, async (lab) => {
  const page = await lab.page();
  const inner = `${lab.server.url}inner`;
  const html = (body) => ({ contentType: 'text/html', body: `<!doctype html>${body}` });
  await page.route('**/inner', (route) => route.fulfill(html('')));
  await page.route('**/outer', (route) => route.fulfill(html(`<iframe src="${inner}"></iframe>`)));
  // Another origin than the frame's.
  await page.goto(inner.replace('127.0.0.1', 'localhost').replace('inner', 'outer'));
  const frame = page.frame({ url: inner }) ?? (await page.waitForEvent('framenavigated'));
  const advice = await frame.evaluate(async () => {
    const { CallClient } = await import('/acscall.js');
    const devices = await new CallClient().getDeviceManager();
    const { videoError, audioError } = await devices.askDevicePermission({
      audio: true,
      video: true,
    });
    return [videoError, audioError].map(({ code, message }) => [code, message]);
  });
  assert.deepEqual(
    advice.map(([code]) => code),
    [403, 403],
  );
  for (const [, message] of advice) assert.match(message, /<iframe> .* allow="(camera|microphone)"/);
});
