// What code written for ACS calls besides raw media access.

import assert from 'node:assert/strict';
import { makeToken, waitFor } from './harness.mjs';
import { acceptQuietly, isCalled, makeLabs, sees, startQuietly, talking } from './library/lab.mjs';

const inLab = makeLabs();

/** Waits until the element of `view` shows a frame in which this channel is the brightest. */
const paints = (page, view, channel) =>
  page.waitForFunction(
    ([view, channel]) => {
      const video = window[view].target.querySelector('video');
      if (!video?.videoWidth) return false;
      const paint = new OffscreenCanvas(1, 1).getContext('2d');
      paint.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
      const colour = [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)];
      return colour.every((value, at) => (at === channel ? value > 150 : value < 130));
    },
    [view, channel],
  );

/** Waits until alice sends her video, or does not. */
const isSent = (alice, is) =>
  alice.waitForFunction(async (is) => {
    const stats = await call.getStats();
    return stats.some(({ kind, direction }) => kind === 'video' && direction === 'send') === is;
  }, is);

inLab('VideoStreamRenderer shows local and remote video, until its views are disposed', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await alice.evaluate(async () => {
    window.renderer = new lib.VideoStreamRenderer(camera);
    window.view = await renderer.createView({ isMirrored: true });
    document.documentElement.append(view.target);
  });
  await paints(alice, 'view', 0);
  await alice.evaluate(() => camera.setMediaStream(picture('#00ff00')));
  await paints(alice, 'view', 1);

  await bob.waitForFunction(() => call.remoteParticipants[0].videoStreams[0].isAvailable);
  const looks = await bob.evaluate(async () => {
    const [stream] = call.remoteParticipants[0].videoStreams;
    window.renderer = new lib.VideoStreamRenderer(stream);
    window.view = await renderer.createView({ scalingMode: 'Fit' });
    window.other = await renderer.createView();
    for (const { target } of [view, other]) document.documentElement.append(target);
    const before = view.scalingMode;
    await view.updateScalingMode('Stretch');
    const refused = await view.updateScalingMode('Zoom').catch(({ code }) => code);
    return [before, view.scalingMode, view.isMirrored, refused];
  });
  assert.deepEqual(looks, ['Fit', 'Stretch', false, 400]);
  await paints(bob, 'view', 1);
  await paints(bob, 'other', 1);
  await isSent(alice, true);
  // One view goes, the other one stays.
  await bob.evaluate(() => view.dispose());
  assert.equal(await bob.evaluate(() => view.target.isConnected), false);
  await alice.evaluate(() => camera.setMediaStream(picture('red')));
  await paints(bob, 'other', 0);
  await bob.evaluate(() => renderer.dispose());
  assert.equal(await bob.evaluate(() => other.target.isConnected), false);
  await isSent(alice, false);
  assert.equal(await bob.evaluate(() => renderer.createView().catch(({ code }) => code)), 400);
});

inLab('an unsupported feature can be asked for and listened to, and its methods say so', {}, async (lab) => {
  const [alice] = await talking(lab);
  const found = await alice.evaluate(async () => {
    const { Features } = lib;
    const code = (promise) =>
      promise.then(String, ({ code, message }) => [code, /support/.test(message)]);
    const features = Object.values(Features).map((factory) => call.feature(factory));
    for (const feature of features) {
      if (feature.name === 'DominantSpeakers') continue;
      feature.on('anything', () => {});
      feature.off('anything', () => {});
      feature.dispose();
    }
    const client = new lib.CallClient();
    let unknown = null;
    try {
      call.feature({ name: 'toString' });
    } catch (error) {
      unknown = error.code;
    }
    return {
      same: call.feature(Features.Recording) === call.feature(Features.Recording),
      isRecordingActive: call.feature(Features.Recording).isRecordingActive,
      raiseHand: await code(call.feature(Features.RaiseHand).raiseHand()),
      captions: call.feature(Features.Captions).captions.kind,
      effects: await camera.feature(Features.VideoEffects).isSupported(),
      start: await code(voice.feature(Features.AudioEffects).startEffects({})),
      environment: await code(client.feature(Features.DebugInfo).getEnvironmentInfo()),
      awaited: (await call.feature(Features.MediaStats)).name,
      unknown,
    };
  });
  const refused = [400, true];
  assert.deepEqual(found, {
    same: true,
    isRecordingActive: false,
    raiseHand: refused,
    captions: 'Captions',
    effects: false,
    start: refused,
    environment: refused,
    awaited: 'MediaStats',
    unknown: 400,
  });
});

inLab('DominantSpeakers names who speaks, and reports every change', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  const isSpeaking = (users) =>
    bob.waitForFunction((users) => {
      const { speakersList } = window.speakers.dominantSpeakers;
      return speakersList.map(({ communicationUserId }) => communicationUserId).join() === users;
    }, users);
  await bob.evaluate(() => {
    window.speakers = call.feature(lib.Features.DominantSpeakers);
    window.changes = 0;
    speakers.on('dominantSpeakersChanged', () => {
      window.changes += 1;
    });
  });
  await isSpeaking('alice');
  await alice.evaluate(() => call.mute());
  await isSpeaking('');
  assert.ok((await bob.evaluate(() => changes)) >= 1);
});

inLab('setConstraints limits the height of the sent video, during a call and from its start', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  await bob.waitForFunction(() => call.remoteParticipants[0].videoStreams[0].isAvailable);
  await bob.evaluate(() => call.remoteParticipants[0].videoStreams[0].getMediaStream());
  const height = async () => {
    const stats = await bob.evaluate(() => call.getStats());
    return stats.find(({ kind }) => kind === 'video')?.frameHeight;
  };
  const hasHeight = (wanted) => waitFor(`a height of ${wanted}`, height, (now) => now === wanted);
  await hasHeight(180);
  const limit = (max) =>
    alice.evaluate((max) => call.setConstraints({ video: { send: { frameHeight: { max } } } }), max);
  await limit(90);
  await hasHeight(90);
  await limit(0);
  await hasHeight(180);
  await alice.evaluate(async () => {
    await call.hangUp();
    const constraints = { send: { frameHeight: { max: 60 }, bitrate: { max: 200_000 } } };
    const videoOptions = { localVideoStreams: [new lib.LocalVideoStream(picture('red'))], constraints };
    watch(agent.join({ groupId: 'tea' }, { videoOptions, audioOptions: { muted: true } }));
  });
  await sees(bob, 'alice Connected');
  await bob.waitForFunction(() => call.remoteParticipants[0].videoStreams[0].isAvailable);
  await bob.evaluate(() => call.remoteParticipants[0].videoStreams[0].getMediaStream());
  await hasHeight(60);
});

inLab('kinds, ids and roles are those of ACS, and what cannot be done says so', {}, async (lab) => {
  const [alice, bob] = await talking(lab);
  const found = await alice.evaluate(async () => {
    const [participant] = call.remoteParticipants;
    const code = (promise) => promise.then(String, ({ code }) => code);
    return {
      kinds: [call.kind === lib.CallKind.Call, agent.kind === lib.CallAgentKind.CallAgent],
      group: [call.info.groupId, await call.info.getServerCallId(), call.info.threadId],
      own: call.info.participantId,
      other: participant.endpointDetails.map(({ participantId }) => participantId),
      roles: [call.role, participant.role, call.lobby.participants.length],
      refused: [
        await code(call.removeParticipant('bob')),
        await code(call.muteAllRemoteParticipants()),
        await code(participant.mute()),
        await code(call.lobby.admitAll()),
      ],
    };
  });
  const ids = await bob.evaluate(() => [
    call.remoteParticipants[0].endpointDetails[0].participantId,
    call.info.participantId,
  ]);
  assert.deepEqual(found, {
    kinds: [true, true],
    group: ['tea', 'tea', undefined],
    own: ids[0],
    other: [ids[1]],
    roles: ['Unknown', 'Unknown', 0],
    refused: [400, 400, 400, 400],
  });
  // A call among users has no group.
  const carol = await lab.page('carol');
  await bob.evaluate(() => call.hangUp());
  await startQuietly(bob, 'carol');
  await isCalled(carol);
  const incoming = await carol.evaluate(() => [
    incomingCalls[0].kind === lib.IncomingCallKind.IncomingCall,
    incomingCalls[0].info.groupId,
  ]);
  assert.deepEqual(incoming, [true, undefined]);
  await acceptQuietly(carol);
  await sees(bob, 'carol Connected');
  assert.equal(await bob.evaluate(() => call.info.groupId), undefined);
});

inLab('a disposed client has disposed of its agents', {}, async (lab) => {
  const page = await lab.page();
  const found = await page.evaluate(async () => {
    const client = new lib.CallClient();
    const agent = await client.createCallAgent({ user: 'anna' });
    const call = agent.join({ groupId: 'tea' }, { audioOptions: { muted: true } });
    await client.dispose();
    const refused = await client.createCallAgent({ user: 'anna' }).catch(({ code }) => code);
    return [call.state, agent.connectionState, refused];
  });
  assert.deepEqual(found, ['Disconnected', 'Disconnected', 400]);
});

const SECRET = 'a secret for tests, of 32 bytes!';

inLab("a credential of ACS names the user by its token", { secret: SECRET }, async (lab) => {
  const page = await lab.page();
  const found = await page.evaluate(
    async (tokens) => {
      const agents = tokens.map((token) => {
        const getToken = async () => {
          if (!token) throw new Error('expired');
          return { token, expiresOnTimestamp: 0 };
        };
        return new lib.CallClient().createCallAgent({ getToken }, { displayName: 'Zoë' });
      });
      const settled = await Promise.allSettled(agents);
      return settled.map(({ value, reason }) => value?.user.communicationUserId ?? reason.code);
    },
    [makeToken(SECRET, 'zoë'), makeToken('another secret, also of 32 bytes', 'zoë'), 'none', ''],
  );
  assert.deepEqual(found, ['zoë', 401, 400, 401]);
});
