// The library in a page: its API, and the order of its events.

import assert from 'node:assert/strict';
import { waitFor } from './harness.mjs';
import {
  QUIET,
  acceptQuietly,
  endReason,
  isIn,
  joinQuietly,
  makeLabs,
  isCalled,
  sees,
  startQuietly,
  states,
  talking,
  recorded,
} from './library/lab.mjs';
import { MEMBERS } from './library/members.mjs';

const inLab = makeLabs();

// ---- The order of events

inLab('a joined call passes through its states and is empty at its end', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  await joinQuietly(alice, 'tea');
  await isIn(alice, 'Connected');
  await joinQuietly(bob, 'tea');
  await sees(alice, 'bob Connected');
  await bob.evaluate(() => call.hangUp());
  await sees(alice);
  await alice.evaluate(() => call.hangUp());
  assert.deepEqual(await recorded(alice), [
    'state None',
    'idChanged',
    'state Connecting',
    'remoteAudioStreamsUpdated +1 -0',
    'state Connected',
    'remoteParticipantsUpdated +1 -0',
    'remoteParticipantsUpdated +0 -1',
    'state Disconnecting',
    'remoteAudioStreamsUpdated +0 -1',
    'state Disconnected',
  ]);
  assert.deepEqual(await alice.evaluate(() => call.callEndReason), {
    code: 0,
    subCode: 0,
    message: '',
    reason: '',
  });
});

inLab(
  'a placed call rings and is answered, in the documented order at both ends',
  {},
  async (lab) => {
    const [alice, bob] = await Promise.all([
      lab.page('alice', { displayName: 'Alice A.' }),
      lab.page('bob'),
    ]);
    await startQuietly(alice, 'bob');
    await isIn(alice, 'Ringing');
    await sees(alice, 'bob Ringing');
    await isCalled(bob);
    assert.deepEqual(await bob.evaluate(() => incomingCalls[0].callerInfo), {
      identifier: { kind: 'communicationUser', communicationUserId: 'alice' },
      displayName: 'Alice A.',
    });
    const before = await alice.evaluateHandle(() => call.remoteParticipants[0]);
    await acceptQuietly(bob);
    await sees(alice, 'bob Connected');
    await sees(bob, 'alice Connected');
    assert.ok(await before.evaluate((rung) => rung === call.remoteParticipants[0]));
    assert.equal(await bob.evaluate(() => call.callerInfo.displayName), 'Alice A.');
    assert.deepEqual(await alice.evaluate(() => [call.direction, agent.calls.length]), [
      'Outgoing',
      1,
    ]);
    assert.equal(await bob.evaluate(() => call.direction), 'Incoming');
    await bob.evaluate(() => call.hangUp());
    await isIn(alice, 'Disconnected');
    assert.deepEqual(await states(alice), [
      'None',
      'Connecting',
      'Ringing',
      'Connected',
      'Disconnecting',
      'Disconnected',
    ]);
    assert.deepEqual(await states(bob), [
      'Connecting',
      'Connected',
      'Disconnecting',
      'Disconnected',
    ]);
    assert.equal(await alice.evaluate(() => call.callEndReason.code), 0);
    assert.deepEqual(await alice.evaluate(() => agent.calls), []);
  },
);

// ---- Calls that fail

inLab(
  'a code tells whether a callee declined, is busy, unknown, or did not answer',
  {},
  async (lab) => {
    const [alice, bob, carol] = await Promise.all([
      lab.page('alice'),
      lab.page('bob'),
      lab.page('carol'),
    ]);
    await startQuietly(alice, 'bob');
    await isCalled(bob);
    await bob.evaluate(() => incomingCalls[0].reject());
    const declined = await endReason(alice);
    assert.deepEqual([declined.code, declined.reason], [603, 'callee-declined']);

    await startQuietly(alice, ['nobody']);
    const unknown = await endReason(alice);
    assert.deepEqual([unknown.code, unknown.reason], [404, 'callee-unknown']);

    await joinQuietly(carol, 'tea');
    await isIn(carol, 'Connected');
    await startQuietly(alice, { communicationUserId: 'carol' });
    const busy = await endReason(alice);
    assert.deepEqual([busy.code, busy.reason], [486, 'callee-busy']);
  },
);

inLab('a call that nobody answers ends with 408', {}, async (lab) => {
  const alice = await lab.page('alice', { intercept: true });
  await lab.page('bob');
  // The server rings for a minute; this makes it give up at once.
  alice.wire.rewrite = (message) =>
    message.type === 'callee' && message.state === 'ringing'
      ? { type: 'error', code: 'callee-no-answer', message: 'bob did not answer' }
      : message;
  await startQuietly(alice, 'bob');
  const isSaid = () => alice.wire.heard.some(({ type }) => type === 'error');
  await waitFor('the error', isSaid, Boolean);
  await alice.wire.cut();
  const reason = await endReason(alice);
  assert.deepEqual([reason.code, reason.message], [408, 'bob did not answer']);
});

inLab('a cancelled call stops ringing and cannot be answered', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  await startQuietly(alice, ['bob']);
  await isCalled(bob);
  const ended = await bob.evaluateHandle(() => {
    const [incoming] = incomingCalls;
    const promise = new Promise((resolve) => incoming.on('callEnded', resolve));
    return { incoming, promise };
  });
  await isIn(alice, 'Ringing');
  await alice.evaluate(() => call.hangUp());
  const payload = await ended.evaluate(({ promise }) => promise);
  assert.deepEqual([payload.callEndReason.code, payload.callEndReason.reason], [487, 'cancelled']);
  const error = await ended.evaluate(({ incoming }) =>
    incoming.accept().catch(({ name, code }) => [name, code]),
  );
  assert.deepEqual(error, ['CallingCommunicationError', 487]);
  assert.equal(await alice.evaluate(() => call.callEndReason.code), 0);
  // Both can make and receive calls again.
  await startQuietly(bob, 'alice');
  await isCalled(alice);
});

inLab(
  'a callee who cannot come leaves with the reason, and the call goes on',
  {},
  async (lab) => {
    const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
    await alice.evaluate((options) => {
      window.left = [];
      watch(agent.startCall(['bob', { id: 'eve' }], options));
      window.first = call.remoteParticipants.map(({ state }) => state);
      call.on('remoteParticipantsUpdated', ({ removed }) => {
        for (const { displayName, state, callEndReason } of removed) {
          window.left.push([displayName, state, callEndReason.code]);
        }
      });
    }, QUIET);
    assert.deepEqual(await alice.evaluate(() => first), ['Ringing', 'Ringing']);
    await acceptQuietly(bob);
    await sees(alice, 'bob Connected');
    assert.deepEqual(await alice.evaluate(() => left), [['eve', 'Disconnected', 404]]);
  },
);

// ---- Arguments

inLab('wrong arguments are rejected at once, with code 400 and the remedy', {}, async (lab) => {
  const alice = await lab.page('alice');
  const refused = await alice.evaluate(async () => {
    const { LocalAudioStream, LocalVideoStream } = lib;
    const audio = new LocalAudioStream(tone(500));
    const video = new LocalVideoStream(picture('red'));
    const attempts = {
      'no audio stream': () =>
        agent.join({ groupId: 'x' }, { audioOptions: { localAudioStreams: [] } }),
      'two audio streams': () =>
        agent.join({ groupId: 'x' }, { audioOptions: { localAudioStreams: [audio, audio] } }),
      'two video streams': () =>
        agent.startCall('bob', { videoOptions: { localVideoStreams: [video, video] } }),
      'no video stream': () => agent.startCall('bob', { videoOptions: { localVideoStreams: [] } }),
      'video as audio': () =>
        agent.join({ groupId: 'x' }, { audioOptions: { localAudioStreams: [video] } }),
      'a MediaStream as stream': () =>
        agent.join({ groupId: 'x' }, { videoOptions: { localVideoStreams: [picture('red')] } }),
      'no callee': () => agent.startCall([]),
      oneself: () => agent.startCall('alice'),
      'a nameless user': () => agent.startCall([{}]),
      'no call': () => agent.join({}),
      'no user': () => new lib.CallClient().createCallAgent({}),
      'no address': () => new lib.CallClient().createCallAgent({ user: 'a', server: 'nowhere' }),
    };
    const codes = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      try {
        await attempt();
        codes[name] = 'accepted';
      } catch (error) {
        codes[name] =
          error instanceof lib.CallingError && error.message ? error.code : String(error);
      }
    }
    return { codes, calls: agent.calls.length };
  });
  assert.equal(refused.calls, 0);
  for (const [name, code] of Object.entries(refused.codes)) assert.equal(code, 400, name);
});

// ---- The API

inLab(
  'every class has the members of the calling SDK, all read-only',
  {},
  async (lab) => {
    const [alice, bob] = await talking(lab);
    const carol = await lab.page('carol', { displayName: 'Carol' });
    await bob.evaluate(() => void call.addParticipant('carol'));
    await isCalled(carol);
    const collect = async (page) =>
      page.evaluateHandle(async () => {
        const deviceManager = await new lib.CallClient().getDeviceManager();
        const [localAudioStream] = window.call?.localAudioStreams ?? [];
        const [localVideoStream] = window.call?.localVideoStreams ?? [];
        const [remoteParticipant] = window.call?.remoteParticipants ?? [];
        const [remoteAudioStream] = window.call?.remoteAudioStreams ?? [];
        return {
          client: new lib.CallClient(),
          agent,
          call: window.call,
          incomingCall: incomingCalls[0],
          deviceManager,
          localAudioStream,
          localVideoStream,
          remoteParticipant,
          remoteVideoStream: remoteParticipant?.videoStreams[0],
          remoteAudioStream,
          volume: await remoteAudioStream?.getVolume(),
        };
      });
    const [talker, rung] = [await collect(alice), await collect(carol)];
    for (const [name, { methods, ...properties }] of Object.entries(MEMBERS)) {
      const where = ['incomingCall', 'agent'].includes(name) ? rung : talker;
      const found = await where.evaluate(
        (all, [name, methods, properties]) => {
          const object = all[name];
          const typeOf = (value) => (Array.isArray(value) ? 'array' : typeof value);
          const set = (property) => Reflect.set(object, property, undefined);
          return {
            methods: methods.filter((method) => typeof object?.[method] === 'function'),
            properties: Object.fromEntries(properties.map((one) => [one, typeOf(object?.[one])])),
            settable: properties.filter(set),
          };
        },
        [name, methods, Object.keys(properties)],
      );
      assert.deepEqual(found, { methods, properties, settable: [] }, name);
    }
  },
);

inLab('every change in a call has an event', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await bob.evaluate(() => {
    window.heard = [];
    const [video, screen] = call.remoteParticipants[0].videoStreams;
    for (const [name, stream] of Object.entries({ video, screen })) {
      for (const event of ['isAvailableChanged', 'isReceivingChanged', 'sizeChanged']) {
        stream.on(event, () => heard.push(`${name} ${event}`));
      }
    }
    for (const event of ['isMutedChanged', 'isSpeakingChanged', 'stateChanged']) {
      call.remoteParticipants[0].on(event, () => heard.push(event));
    }
    video.getMediaStream();
    screen.on('isAvailableChanged', () => screen.isAvailable && screen.getMediaStream());
  });
  await alice.evaluate(async () => {
    window.screenStream = new lib.LocalVideoStream(picture('blue', 640, 360));
    await call.startScreenSharing(screenStream);
  });
  await bob.waitForFunction(() => {
    const [video, screen] = call.remoteParticipants[0].videoStreams;
    return video.size.width === 320 && screen.size.width === 640 && screen.isReceiving;
  });
  assert.deepEqual(
    await alice.evaluate(() => [
      call.isScreenSharingOn,
      call.localVideoStreams.map(({ mediaStreamType }) => mediaStreamType),
    ]),
    [true, ['RawMedia', 'RawMedia']],
  );
  await alice.evaluate(async () => {
    await call.stopScreenSharing(screenStream);
    await call.stopVideo(camera);
    await call.mute();
    await call.startVideo(camera);
  });
  await bob.waitForFunction(
    () => heard.filter((one) => one === 'video isAvailableChanged').length === 2,
  );
  await alice.evaluate(() => call.hangUp());
  await bob.waitForFunction(() => heard.includes('stateChanged'));
  const heard = new Set(await bob.evaluate(() => heard));
  for (const event of [
    'video isReceivingChanged',
    'video sizeChanged',
    'screen isAvailableChanged',
    'screen isReceivingChanged',
    'screen sizeChanged',
    'isMutedChanged',
  ]) {
    assert.ok(heard.has(event), event);
  }
  const own = await recorded(alice);
  for (const line of [
    'isMutedChanged',
    'isScreenSharingOnChanged',
    'isLocalVideoStartedChanged',
    'localVideoStreamsUpdated +1 -0',
    'localVideoStreamsUpdated +0 -1',
    'localAudioStreamsUpdated +0 -1',
  ]) {
    assert.ok(own.includes(line), line);
  }
});
