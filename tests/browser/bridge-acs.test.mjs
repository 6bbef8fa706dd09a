// The ACS bridge, with the SDK's own local streams and a stand-in for its call.

import assert from 'node:assert/strict';
import { css, makeLabs, padOf } from './bridge/lab.mjs';

const inLab = makeLabs('acs');
const [ANNA, BEN] = ['8:acs:anna', '8:acs:ben'];

inLab('an ACS call and one of ours see and hear each other, with names', async (lab) => {
  const page = await lab.open();
  const screens = [BEN];
  const watcher = lab.watch([ANNA, BEN], { screens, sounds: ['acs-audio'] });
  lab.send({ colour: 'yellow', tone: 650, screen: 'cyan' });
  await lab.bridgeAcs();
  await page.evaluate(
    ([red, blue, green]) => {
      service.sound(970);
      service.enter('8:acs:anna', 'Anna').camera.turnOn(red);
      const ben = service.enter('8:acs:ben', 'Ben');
      ben.camera.turnOn(blue);
      ben.screen.turnOn(green, { size: [640, 360] });
    },
    [css('red'), css('blue'), css('green')],
  );
  await watcher.sees(padOf(ANNA), 'red');
  await watcher.sees(padOf(BEN), 'blue');
  await watcher.sees(padOf(BEN), 'green', { kind: 'screen' });
  await watcher.hears([970], { user: 'acs-audio' });
  await lab.showsThere('video', 'yellow');
  await lab.showsThere('screen', 'cyan');
  await lab.soundsThere(650);

  const names = await page.evaluate(() =>
    bridge.guests.map(({ user, displayName }) => `${user} ${displayName}`).sort(),
  );
  assert.deepEqual(names, [`${ANNA} Anna`, `${BEN} Ben`, 'acs-audio acs-audio']);
  const stats = await page.evaluate(() => bridge.getStats());
  assert.deepEqual(
    stats.map(({ direction, user, kind }) => `${direction} ${user} ${kind}`).sort(),
    [
      `in ${ANNA} video`,
      `in ${BEN} screen`,
      `in ${BEN} video`,
      'in acs-audio audio',
      'out assistant audio',
      'out assistant screen',
      'out assistant video',
    ],
  );
  const size = ({ frameWidth, frameHeight }) => `${frameWidth}x${frameHeight}`;
  const sent = stats.find(({ direction, kind }) => direction === 'out' && kind === 'screen');
  assert.equal(size(sent), '640x360');
  await lab.hasOnlyGiven({ video: ['yellow'], screen: ['cyan'], audio: [650] });
  await lab.isClean();
  assert.deepEqual(await lab.troubles(), []);
});

inLab('outgoing media stops, starts and changes with its sender, even if that is killed', async (lab) => {
  const page = await lab.open();
  await lab.bridgeAcs();
  const isMuted = (is) => lab.until((is) => service.call.isMuted === is, is);
  const isVideoOn = (is) => lab.until((is) => service.call.isLocalVideoStarted === is, is);

  const voice = lab.send({ tone: 650 });
  await lab.soundsThere(650);
  // Another session of the same user has the camera.
  const first = lab.send({ colour: 'yellow' });
  await lab.showsThere('video', 'yellow');
  await first.stop();
  await isVideoOn(false);
  const second = lab.send({ colour: 'blue', screen: 'red' });
  await lab.showsThere('video', 'blue');
  await lab.showsThere('screen', 'red');
  await second.stop('SIGKILL');
  lab.send({ colour: 'cyan', tone: 970 });
  await lab.showsThere('video', 'cyan');
  await lab.until(() => !service.call.isScreenSharingOn);
  await voice.stop('SIGKILL');
  await lab.soundsThere(970);
  assert.equal(await page.evaluate(() => service.call.localAudioStreams.length), 1);
  await lab.hasOnlyGiven({
    video: ['yellow', 'blue', 'cyan'],
    screen: ['red'],
    audio: [650, 970],
  });
  await isMuted(false);
  await lab.isClean();
});

inLab('outgoing media recovers from holds and from rejections by the SDK', async (lab) => {
  const page = await lab.open();
  lab.send({ tone: 650 });
  const camera = lab.send({ colour: 'yellow', screen: 'blue' });
  await page.evaluate(() => {
    window.fails = (operation, times) => service.call.operations.failing.set(operation, times);
  });
  await lab.bridgeAcs({ connects: 'never' });
  await page.evaluate(() => {
    for (const one of ['startVideo', 'startAudio', 'startScreenSharing', 'unmute']) fails(one, 1);
    return service.connect();
  });
  await lab.showsThere('video', 'yellow');
  await lab.showsThere('screen', 'blue');
  await lab.soundsThere(650);
  assert.ok((await page.evaluate(() => troubles)).length >= 4);

  await page.evaluate(() => service.call.hold());
  // The hold has ended the streams, so they have to be replaced before media can continue.
  await lab.until(() =>
    ['audio', 'video', 'screen'].every((kind) => service.call.sending.uplink.hasCustom(kind)),
  );
  await page.evaluate(() => service.call.resume());
  await page.evaluate(() => forgetThere());
  await lab.showsThere('video', 'yellow');
  await lab.soundsThere(650);
  await lab.isClean();

  // Now the SDK would send the camera, because it has released our stream; the bridge has not.
  await page.evaluate(() => fails('stopVideo', 1));
  await camera.stop();
  await lab.until(() => !service.call.isLocalVideoStarted && !service.call.isScreenSharingOn);
  const { violations, misuses } = await page.evaluate(() => acs.wrongs(service));
  assert.deepEqual(misuses, []);
  assert.deepEqual(violations.filter(({ isSent }) => isSent), [
    { kind: 'video', isSent: true, why: 'the custom stream is given up' },
  ]);
  await lab.hasOnlyGiven({ video: ['yellow'], screen: ['blue'], audio: [650] });
});

inLab('a microphone or camera that the SDK takes is muted or stopped at once', async (lab) => {
  const page = await lab.open();
  lab.send({ tone: 650 });
  const camera = lab.send({ colour: 'yellow' });
  // The worst start: with the microphone, unmuted, long before the bridge.
  await lab.bridgeAcs({ audioOptions: {}, connects: 'before' });
  await lab.showsThere('video', 'yellow');
  await lab.soundsThere(650);
  const order = await page.evaluate(() => service.call.operations.done);
  const at = (operation) => order.indexOf(operation);
  assert.ok(at('mute') >= 0 && at('mute') < at('startAudio'), String(order));
  assert.ok(at('startAudio') < at('unmute'), String(order));

  await page.evaluate(() => {
    window.isOurs = () => {
      const { localAudioStreams, isMuted } = service.call;
      return localAudioStreams.every(({ mediaStreamType }) => mediaStreamType === 'RawMedia')
        ? `ours ${localAudioStreams.length} ${isMuted}`
        : `device ${isMuted}`;
    };
    service.call.stopAudio();
  });
  await lab.until(() => isOurs() === 'ours 1 false');
  await page.evaluate(() => forgetThere());
  await lab.soundsThere(650);

  await camera.stop();
  await lab.until(() => service.call.localVideoStreams.length === 0);
  await page.evaluate(async () => {
    const devices = await new acs.CallClient().getDeviceManager();
    const [camera] = await devices.getCameras();
    await service.call.startVideo(new acs.sdk.LocalVideoStream(camera));
  });
  await lab.until(() => service.call.localVideoStreams.length === 0);
  assert.match((await page.evaluate(() => troubles)).join(), /camera/i);
  await page.evaluate(() => forgetThere());
  lab.send({ colour: 'blue' });
  await lab.showsThere('video', 'blue');
  await lab.hasOnlyGiven({ video: ['blue'], audio: [650] });
});

inLab('participants and their streams are followed as they come, go and change', async (lab) => {
  const page = await lab.open();
  const watcher = lab.watch([ANNA], { screens: [ANNA], sounds: ['acs-audio'] });
  await lab.bridgeAcs();
  await lab.hasOthers('watcher');
  // These leave before their guests could join, without a trace.
  await page.evaluate(() => {
    for (const user of ['8:acs:one', '8:acs:two', '8:acs:three']) {
      service.leave(service.enter(user, 'hasty'));
    }
    window.anna = service.enter('8:acs:anna', 'Anna', 'InLobby');
    window.ben = service.enter('8:acs:ben', 'Ben');
  });
  await lab.hasOthers('watcher', BEN);
  await page.evaluate(() => anna.setState('Connected'));
  await lab.hasOthers('watcher', ANNA, BEN);

  // Available before there is a stream, and rejected at first.
  await page.evaluate(() => {
    anna.camera.failing = 1;
    anna.camera.announce();
  });
  await page.evaluate((red) => anna.camera.turnOn(red), css('red'));
  await watcher.sees(padOf(ANNA), 'red');
  await page.evaluate((blue) => anna.camera.renew(blue), css('blue'));
  await watcher.sees(padOf(ANNA), 'blue');
  await page.evaluate((yellow) => {
    anna.camera.turnOff();
    anna.screen.turnOn(yellow, { size: [640, 360] });
  }, css('yellow'));
  await watcher.sees(padOf(ANNA), 'yellow', { kind: 'screen' });
  await lab.until(() => {
    const guest = ourCall.remoteParticipants.find(({ displayName }) => displayName === 'Anna');
    const [camera, screen] = guest.videoStreams;
    return !camera.isAvailable && screen.isAvailable;
  });
  await page.evaluate((red) => {
    anna.drop('ScreenSharing');
    anna.camera.turnOn(red);
  }, css('red'));
  await watcher.sees(padOf(ANNA), 'red');

  await page.evaluate(() => service.sound(970));
  await watcher.hears([970], { user: 'acs-audio' });
  await page.evaluate(() => service.sound(1370, 650));
  await watcher.hears([650, 1370], { user: 'acs-audio' });
  await page.evaluate(() => service.silence());
  await lab.until(() => {
    const isMix = ({ displayName }) => displayName === 'acs-audio';
    return ourCall.remoteParticipants.find(isMix).isMuted;
  });
  await page.evaluate(() => service.sound(410));
  await watcher.hears([410], { user: 'acs-audio' });

  // A guest whose call ends by itself comes back; a guest whose participant leaves does not.
  await page.evaluate(() => bridge.guests.find(({ user }) => user === '8:acs:anna').call.hangUp());
  await watcher.sees(padOf(ANNA), 'red');
  await page.evaluate(() => service.leave(ben));
  await lab.hasOthers('watcher', ANNA, 'acs-audio');
  await lab.isClean();
});

inLab('a stopped bridge keeps both calls and leaves nothing behind', async (lab) => {
  const page = await lab.open();
  lab.send({ colour: 'yellow', tone: 650, screen: 'cyan' });
  await lab.bridgeAcs();
  await page.evaluate((red) => {
    service.sound(970);
    service.enter('8:acs:anna', 'Anna').camera.turnOn(red);
  }, css('red'));
  await lab.showsThere('video', 'yellow');
  await lab.showsThere('screen', 'cyan');
  await lab.soundsThere(650);
  await lab.hasOthers('assistant', ANNA, 'acs-audio');
  await page.evaluate(() => bridge.stop());
  await lab.hasOthers('assistant');
  const after = await page.evaluate(() => ({
    states: [bridge.state, service.call.state, ourCall.state],
    guests: bridge.guests.length,
    isMuted: service.call.isMuted,
    videos: service.call.localVideoStreams.length,
    types: service.call.localAudioStreams.map(({ mediaStreamType }) => mediaStreamType),
  }));
  assert.deepEqual(after, {
    states: ['Stopped', 'Connected', 'Connected'],
    guests: 0,
    isMuted: true,
    videos: 0,
    // Without it the SDK would open the microphone.
    types: ['RawMedia'],
  });
  await lab.isClean();
  const [participant] = await page.evaluate(() =>
    service.call.remoteParticipants.map(({ listeners }) => listeners),
  );
  assert.equal(participant, 0);

  await page.evaluate(async () => {
    service.end({ code: 0, subCode: 0 });
    await ourCall.hangUp();
    await ourAgent.dispose();
  });
  await lab.until(() => service.call.listeners === 0);
  await lab.until(() => connections.size === 0);
});

for (const [name, end, reason] of [
  ['ACS', () => service.end({ code: 403, subCode: 5854 }), /ACS.*403\/5854/],
  ['our', () => ourCall.hangUp(), /our|ours/i],
]) {
  inLab(`the end of ${name} call stops the bridge, with the reason`, async (lab) => {
    const page = await lab.open();
    await lab.bridgeAcs();
    await page.evaluate(() => void service.enter('8:acs:anna', 'Anna'));
    await lab.hasOthers(ANNA);
    await page.evaluate(() => {
      window.states = [];
      bridge.on('stateChanged', () => states.push(bridge.state));
    });
    await page.evaluate(end);
    await lab.until(() => bridge.state === 'Stopped' && bridge.guests.length === 0);
    const said = await page.evaluate(() => [bridge.stopReason, ...states]);
    assert.match(said[0], reason);
    assert.deepEqual(said.slice(1), ['Stopped']);
    await lab.isClean();
  });
}

inLab('wrong arguments are rejected with cause and remedy', async (lab) => {
  const page = await lab.open();
  await lab.bridgeAcs();
  const refusals = await page.evaluate(async () => {
    const { bridgeAcs } = await import('/bridge/acs.js');
    const { sdk } = acs;
    const over = await acs.begin();
    over.end({ code: 0, subCode: 0 });
    const attempts = {
      'no sdk': () => bridgeAcs(service.call, ourCall, {}),
      'half an sdk': () => bridgeAcs(service.call, ourCall, { sdk: { LocalAudioStream: Object } }),
      'a call that is over': () => bridgeAcs(over.call, ourCall, { sdk }),
      'no call of ours': () => bridgeAcs(service.call, undefined, { sdk }),
      'a placed call': () =>
        bridgeAcs(service.call, ourAgent.startCall('bob', { sends: false }), { sdk }),
      'no Chromium': () => {
        const { MediaStreamTrackGenerator } = window;
        delete window.MediaStreamTrackGenerator;
        try {
          bridgeAcs(service.call, ourCall, { sdk });
        } finally {
          window.MediaStreamTrackGenerator = MediaStreamTrackGenerator;
        }
      },
    };
    return Object.entries(attempts).map(([name, attempt]) => {
      try {
        attempt();
        return `${name}: accepted`;
      } catch (error) {
        return error instanceof TypeError ? `${name}: ${error}` : error.message;
      }
    });
  });
  for (const said of refusals) assert.match(said, /^(?!.*(accepted|TypeError)).{20,}$/, said);
});
