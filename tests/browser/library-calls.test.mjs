// The library in a call: what is sent and received, and what survives faults.

import assert from 'node:assert/strict';
import { makeToken } from './harness.mjs';
import {
  acceptQuietly,
  endReason,
  hears,
  isIn,
  joinQuietly,
  makeLabs,
  isCalled,
  sees,
  startQuietly,
  states,
  talking,
  recorded,
  videoOf,
} from './library/lab.mjs';

const inLab = makeLabs();

inLab('mute stops the sound, unmute resumes it, and the others are notified', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await hears(bob, 1000);
  await bob.waitForFunction(() => call.remoteParticipants[0].isSpeaking);
  await alice.evaluate(async () => {
    window.sent = await voice.getMediaStream();
    await call.mute();
    await call.mute();
  });
  await bob.waitForFunction(() => call.remoteParticipants[0].isMuted);
  assert.equal(await bob.evaluate(() => call.remoteParticipants[0].isSpeaking), false);
  await hears(bob);
  assert.equal(await alice.evaluate(() => sent.getTracks()[0].readyState), 'live');
  await alice.evaluate(() => call.unmute());
  await bob.waitForFunction(() => !call.remoteParticipants[0].isMuted);
  await hears(bob, 1000);
  const lines = (await recorded(alice)).filter((line) => line === 'isMutedChanged');
  assert.equal(lines.length, 2);
});

inLab('a call that starts muted opens the microphone at the first unmute', {}, async (lab) => {
  const alice = await lab.page('alice');
  await alice.evaluate(() => {
    window.opened = 0;
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (constraints) => {
      window.opened += 1;
      return open(constraints);
    };
  });
  await joinQuietly(alice, 'tea');
  await isIn(alice, 'Connected');
  assert.deepEqual(await alice.evaluate(() => [opened, call.localAudioStreams.length]), [0, 0]);
  await alice.evaluate(() => call.unmute());
  assert.deepEqual(
    await alice.evaluate(() => [opened, call.isMuted, call.localAudioStreams[0].mediaStreamType]),
    [1, false, 'Audio'],
  );
});

inLab('hold stops media both ways, and resume restores it', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await bob.evaluate(async () => {
    await call.startAudio(new lib.LocalAudioStream(tone(1600)));
    await call.unmute();
  });
  await hears(alice, 1600);
  await hears(bob, 1000);
  await alice.evaluate(() => call.hold());
  assert.equal(await alice.evaluate(() => call.state), 'LocalHold');
  await videoOf(bob, 'alice', false);
  await hears(bob);
  await hears(alice);
  await alice.evaluate(() => call.resume());
  await videoOf(bob, 'alice', true);
  await hears(bob, 1000);
  await hears(alice, 1600);
  assert.deepEqual((await states(alice)).slice(-3), ['Connected', 'LocalHold', 'Connected']);
  const error = await alice.evaluate(() => call.resume().catch(({ code }) => code));
  assert.equal(error, 400);
});

inLab('hangUp for everyone ends the call for all', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await alice.evaluate(() => call.hangUp({ forEveryone: true }));
  assert.equal(await alice.evaluate(() => call.state), 'Disconnected');
  const reason = await endReason(bob);
  assert.equal(reason.code, 0);
  assert.match(reason.message, /alice ended the call/);
});

inLab('an invited user joins the call', {}, async (lab) => {
  const [alice] = await talking(lab);
  const carol = await lab.page('carol');
  const added = await alice.evaluateHandle(() =>
    call.addParticipant({ communicationUserId: 'carol' }),
  );
  assert.equal(await added.evaluate(({ state }) => state), 'Ringing');
  await isCalled(carol);
  await acceptQuietly(carol);
  await sees(alice, 'bob Connected', 'carol Connected');
  assert.equal(await added.evaluate(({ state }) => state), 'Connected');
  await sees(carol, 'alice Connected', 'bob Connected');

  const gone = await alice.evaluate(
    () =>
      new Promise((resolve) => {
        const nobody = call.addParticipant('nobody');
        nobody.on('stateChanged', () => resolve([nobody.state, nobody.callEndReason.code]));
      }),
  );
  assert.deepEqual(gone, ['Disconnected', 404]);
});

inLab('muteIncomingAudio silences the page, not the streams', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await bob.evaluate(() => call.muteIncomingAudio());
  assert.deepEqual(await bob.evaluate(() => call.isIncomingAudioMuted), true);
  // Speakers are still detected, by other means.
  await bob.waitForFunction(() => call.remoteParticipants[0].isSpeaking);
  await alice.evaluate(() => call.mute());
  await bob.waitForFunction(() => !call.remoteParticipants[0].isSpeaking);
  await alice.evaluate(() => call.unmute());
  await bob.waitForFunction(() => call.remoteParticipants[0].isSpeaking);
  await hears(bob, 1000);
  assert.ok((await recorded(bob)).includes('isIncomingAudioMutedChanged'));
});

inLab('a call sends one video and one screen, and stopping early rejects the start', {}, async (lab) => {
  const [alice] = await talking(lab);
  const codes = await alice.evaluate(async () => {
    const other = new lib.LocalVideoStream(picture('green'));
    await call.startScreenSharing(other);
    const codeOf = (promise) =>
      promise.then(
        () => 'done',
        ({ code }) => code,
      );
    return [
      await codeOf(call.startVideo(other)),
      await codeOf(call.startVideo(camera)),
      await codeOf(call.startScreenSharing()),
      await codeOf(call.stopVideo(other)),
    ];
  });
  assert.deepEqual(codes, [400, 'done', 400, 400]);
  const early = await alice.evaluate(async () => {
    const errors = [];
    call.on('mediaError', ({ error }) => errors.push(error));
    await call.stopVideo(camera);
    const [device] = await (await new lib.CallClient().getDeviceManager()).getCameras();
    const stream = new lib.LocalVideoStream(device);
    const started = call.startVideo(stream).then(
      () => 'done',
      ({ code }) => code,
    );
    await call.stopVideo(stream);
    return [await started, errors.length, call.localVideoStreams.length, call.isLocalVideoStarted];
  });
  assert.deepEqual(early, [400, 0, 1, false]);
});

// ---- Faults

/** Tells `user`, the other end, that `page` has lost the newest leg. */
async function breakLeg(page, user) {
  const id = await page.evaluate(
    (user) => call.remoteParticipants.find(({ displayName }) => displayName === user).id,
    user,
  );
  const { leg } = page.wire.heard.findLast(({ from, offer }) => from === id && offer);
  page.wire.say({ type: 'signal', to: id, leg, by: 'receiver', failed: 'a test broke it' });
}

inLab('streams stay the same while their leg is replaced', {}, async (lab) => {
  const [, bob] = await talking(lab, { intercept: true });
  await hears(bob, 1000);
  const before = await bob.evaluateHandle(async () => {
    const [participant] = call.remoteParticipants;
    const stream = await participant.videoStreams[0].getMediaStream();
    const [track] = stream.getTracks();
    const added = new Promise((resolve) => {
      stream.addEventListener('addtrack', (event) => resolve([event.track, track.readyState]));
    });
    return { participant, stream, track, added, sound: mixed.getTracks()[0] };
  });
  await breakLeg(bob, 'alice');
  const [isOther, lastState] = await before.evaluate(async ({ added, track }) => {
    const [next, lastState] = await added;
    return [next !== track, lastState];
  });
  assert.ok(isOther);
  // So that a relay can switch.
  assert.equal(lastState, 'live');
  await hears(bob, 1000);
  const same = await before.evaluate(async ({ participant, stream, sound }) => [
    participant === call.remoteParticipants[0],
    stream === (await participant.videoStreams[0].getMediaStream()),
    sound.readyState === 'live' && mixed.getTracks()[0] === sound,
    stream.getTracks().length === 1,
  ]);
  assert.deepEqual(same, [true, true, true, true]);
  await bob.waitForFunction(() => call.remoteParticipants[0].videoStreams[0].isReceiving);
});

inLab('a relayed stream continues when its leg is replaced', {}, async (lab) => {
  const [, bob] = await talking(lab, { intercept: true });
  const carol = await lab.page('carol');
  await joinQuietly(carol, 'tea');
  await sees(carol, 'alice Connected', 'bob Connected');
  await bob.evaluate(async () => {
    const alice = call.remoteParticipants.find(({ displayName }) => displayName === 'alice');
    const picture = await alice.videoStreams[0].getMediaStream();
    const sound = await alice.audioStream.getMediaStream();
    await call.startVideo(new lib.LocalVideoStream(picture));
    await call.startAudio(new lib.LocalAudioStream(sound));
    await call.unmute();
  });
  await carol.evaluate(() => {
    const bob = call.remoteParticipants.find(({ displayName }) => displayName === 'bob');
    Object.assign(window, { relay: bob });
  });
  await carol.waitForFunction(() => relay.videoStreams[0].isAvailable && !relay.isMuted);
  await carol.evaluate(async () => {
    await relay.videoStreams[0].getMediaStream();
    window.relayed = ear(await relay.audioStream.getMediaStream());
  });
  const isRelayed = () =>
    carol.waitForFunction(async () => {
      const one = (await call.getStats()).find(
        ({ user, kind, direction }) =>
          user === 'bob' && kind === 'video' && direction === 'receive',
      );
      const last = window.last ?? 0;
      window.last = one?.framesDecoded ?? 0;
      return window.last > last && relayed().some((hertz) => Math.abs(hertz - 1000) < 20);
    });
  await isRelayed();
  const replaced = await bob.evaluateHandle(() => {
    const alice = call.remoteParticipants.find(({ displayName }) => displayName === 'alice');
    return {
      promise: alice.videoStreams[0]
        .getMediaStream()
        .then((stream) => new Promise((resolve) => stream.addEventListener('addtrack', resolve))),
    };
  });
  await breakLeg(bob, 'alice');
  await replaced.evaluate(({ promise }) => promise.then(() => {}));
  await carol.evaluate(() => {
    window.last = undefined;
  });
  await isRelayed();
  assert.ok(await bob.evaluate(() => call.isLocalVideoStarted));
});

inLab(
  'a call survives the loss of its server, which the agent reports',
  {},
  async (lab) => {
    const [alice, bob] = await talking(lab);
    await hears(bob, 1000);
    await bob.evaluate(() => {
      window.changes = [];
      call.on('connectionChanged', () => changes.push(call.reconnecting));
      window.who = call.remoteParticipants[0];
    });
    await lab.server.kill();
    await bob.waitForFunction(() => call.reconnecting && agent.connectionState === 'Disconnected');
    await hears(bob, 1000);
    await lab.server.start();
    await bob.waitForFunction(() => !call.reconnecting && agent.connectionState === 'Connected');
    await sees(alice, 'bob Connected');
    await sees(bob, 'alice Connected');
    await hears(bob, 1000);
    assert.deepEqual(await bob.evaluate(() => [changes, who === call.remoteParticipants[0]]), [
      [true, false],
      true,
    ]);
    assert.deepEqual(await bob.evaluate(() => connection.slice(-2)), [
      ['Connected', 'Disconnected', 'connectionIssue'],
      ['Disconnected', 'Connected', undefined],
    ]);
  },
);

inLab('an idle agent can be called again after the server was lost', {}, async (lab) => {
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  const isLost = (page) => page.waitForFunction(() => agent.connectionState === 'Disconnected');
  const isBack = (page) => page.waitForFunction(() => agent.connectionState === 'Connected');
  await lab.server.kill();
  await Promise.all([alice, bob].map(isLost));
  // A call at this moment gets a clear error.
  await startQuietly(alice, 'bob');
  assert.equal((await endReason(alice)).code, 503);
  await lab.server.start();
  await Promise.all([alice, bob].map(isBack));
  await startQuietly(alice, 'bob');
  await isCalled(bob);
});

// ---- Tokens

const SECRET = 'a secret for tests, of 32 bytes!';

inLab(
  'createCallAgent fails with a rejected or missing token',
  { secret: SECRET },
  async (lab) => {
    const page = await lab.page();
    const errors = await page.evaluate(
      async (tokens) => {
        const codes = [];
        for (const token of tokens) {
          const made = new lib.CallClient().createCallAgent({ user: 'alice', token });
          codes.push(
            await made.then(
              () => 'accepted',
              ({ code }) => code,
            ),
          );
        }
        return codes;
      },
      [undefined, 'nonsense', makeToken(SECRET, 'bob'), makeToken(SECRET, 'alice')],
    );
    assert.deepEqual(errors, [401, 401, 401, 'accepted']);
  },
);

inLab(
  'an operation that the token does not permit is rejected, and the call goes on',
  { secret: SECRET },
  async (lab) => {
    const alice = await lab.page('alice', { token: makeToken(SECRET, 'alice') });
    await startQuietly(alice, 'bob');
    assert.equal((await endReason(alice)).code, 403);
    await joinQuietly(alice, 'tea');
    await isIn(alice, 'Connected');
    const refused = await alice.evaluate(async () => {
      window.troubles = [];
      call.on('trouble', ({ error }) => troubles.push(error.code));
      return call.hangUp({ forEveryone: true }).catch(({ code }) => code);
    });
    assert.equal(refused, 403);
    assert.equal(await alice.evaluate(() => call.state), 'Connected');
    const left = await alice.evaluate(
      () =>
        new Promise((resolve) => {
          const one = call.addParticipant('bob');
          one.on('stateChanged', () => resolve(one.callEndReason.code));
        }),
    );
    assert.equal(left, 403);
    assert.deepEqual(await alice.evaluate(() => troubles), [403, 403]);
  },
);

inLab('a disposed agent has hung up and accepts no operation', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  const code = await alice.evaluate(async () => {
    await agent.dispose();
    try {
      agent.join({ groupId: 'x' });
    } catch (error) {
      return error.code;
    }
    return 'accepted';
  });
  assert.equal(code, 400);
  await sees(bob);
  assert.equal(await alice.evaluate(() => agent.connectionState), 'Disconnected');
  // alice can no longer be called.
  await bob.evaluate(() => call.hangUp());
  await startQuietly(bob, 'alice');
  assert.equal((await endReason(bob)).code, 404);
});

inLab('two simultaneous speakers are heard in the mix and separately', {}, async (lab) => {
  const [, bob] = await talking(lab);
  const carol = await lab.page('carol');
  await carol.evaluate(() => {
    const voice = new lib.LocalAudioStream(tone(1700));
    watch(agent.join({ groupId: 'tea' }, { audioOptions: { localAudioStreams: [voice] } }));
  });
  await hears(bob, 1000, 1700);
  await bob.evaluate(async () => {
    const one = call.remoteParticipants.find(({ displayName }) => displayName === 'carol');
    window.mixed = await one.audioStream.getMediaStream();
    window.hearing = ear(mixed);
  });
  await hears(bob, 1700);
  await carol.evaluate(() => call.hangUp());
  await bob.evaluate(() => {
    window.mixed = window.hearing = undefined;
  });
  await hears(bob, 1000);
});
