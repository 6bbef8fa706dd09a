// The Agora bridge, with the package's own tracks and stand-ins for its clients.

import assert from 'node:assert/strict';
import { css, makeLabs, padOf } from './bridge/lab.mjs';

const inLab = makeLabs('agora');
const [ANNA, BEN] = ['agora-101', 'agora-102'];

inLab('an Agora channel and one of our calls see and hear each other', async (lab) => {
  const page = await lab.open();
  const watcher = lab.watch([ANNA, BEN], { screens: [BEN] });
  lab.send({ colour: 'yellow', tone: 650, screen: 'cyan' });
  await lab.bridgeAgora({ hasScreen: true });
  await page.evaluate(
    ([red, blue, green]) => {
      const { RemoteMedia } = agora;
      const anna = client.enter(101);
      client.publishes(anna, 'video', () => RemoteMedia.picture(red));
      client.publishes(anna, 'audio', () => RemoteMedia.tones([970]));
      const ben = client.enter(102);
      client.publishes(ben, 'audio', () => RemoteMedia.tones([1370]));
      client.publishes(ben, 'video', () => RemoteMedia.picture(blue));
      // Ben's screen is a separate user.
      const screen = client.enter(1102);
      client.publishes(screen, 'video', () => RemoteMedia.picture(green, [640, 360]));
    },
    [css('red'), css('blue'), css('green')],
  );
  await watcher.sees(padOf(ANNA), 'red');
  await watcher.sees(padOf(BEN), 'blue');
  await watcher.sees(padOf(BEN), 'green', { kind: 'screen' });
  await watcher.hears([970], { user: padOf(ANNA) });
  await watcher.hears([1370], { user: padOf(BEN) });
  await lab.showsThere('video', 'yellow');
  await lab.showsThere('screen', 'cyan');
  await lab.soundsThere(650);
  await lab.hasOthers('assistant', 'watcher', ANNA, BEN);
  await lab.hasOnlyGiven({ video: ['yellow'], screen: ['cyan'], audio: [650] });
  assert.deepEqual(await page.evaluate(() => opened), []);
  assert.deepEqual(await lab.troubles(), []);
});

inLab('users, their tracks and ours are followed as they come, go and change', async (lab) => {
  const page = await lab.open();
  const watcher = lab.watch([ANNA]);
  const voice = lab.send({ tone: 650 });
  const first = lab.send({ colour: 'yellow', screen: 'cyan' });
  await lab.bridgeAgora();
  await page.evaluate((red) => {
    for (const uid of [1, 2, 3]) client.leaves(client.enter(uid));
    window.anna = client.enter(101);
    window.publishes = (colour) =>
      client.publishes(anna, 'video', () => agora.RemoteMedia.picture(colour));
    publishes(red);
  }, css('red'));
  await watcher.sees(ANNA, 'red');
  await page.evaluate(
    (blue) => anna.reconnect('video', () => agora.RemoteMedia.picture(blue)),
    css('blue'),
  );
  await watcher.sees(ANNA, 'blue');
  await page.evaluate(() => client.unpublishes(anna, 'video'));
  await lab.until(() => {
    const guest = ourCall.remoteParticipants.find(({ displayName }) => displayName === '101');
    return !guest.videoStreams[0].isAvailable;
  });
  await page.evaluate((yellow) => publishes(yellow), css('yellow'));
  await watcher.sees(ANNA, 'yellow');

  await lab.showsThere('video', 'yellow');
  await lab.soundsThere(650);
  assert.match((await page.evaluate(() => troubles)).join(), /screenClient/);
  await first.stop();
  await lab.until(() => client.localTracks.length === 1);
  await page.evaluate(() => {
    client.failing = 1;
  });
  const second = lab.send({ colour: 'blue' });
  await lab.showsThere('video', 'blue');
  await second.stop('SIGKILL');
  await voice.stop('SIGKILL');
  lab.send({ colour: 'cyan', tone: 970 });
  await lab.showsThere('video', 'cyan');
  await lab.soundsThere(970);
  await lab.hasOnlyGiven({ video: ['yellow', 'blue', 'cyan'], audio: [650, 970] });

  await page.evaluate(() => client.leaves(anna));
  await lab.hasOthers('assistant', 'watcher');
  assert.deepEqual(await page.evaluate(() => opened), []);
});

inLab('a bridge that is stopped or whose client leaves the channel leaves nothing behind', async (lab) => {
  const page = await lab.open();
  lab.send({ colour: 'yellow', tone: 650, screen: 'cyan' });
  await lab.bridgeAgora({ hasScreen: true });
  await page.evaluate((red) => {
    client.publishes(client.enter(101), 'video', () => agora.RemoteMedia.picture(red));
  }, css('red'));
  await lab.showsThere('video', 'yellow');
  await lab.showsThere('screen', 'cyan');
  await lab.soundsThere(650);
  await page.evaluate(() => bridge.stop());
  await lab.hasOthers('assistant');
  assert.deepEqual(
    await page.evaluate(() => ({
      states: [bridge.state, client.connectionState, ourCall.state],
      published: [client.localTracks.length, screenClient.localTracks.length],
      listeners: [client.listeners, screenClient.listeners],
    })),
    {
      states: ['Stopped', 'CONNECTED', 'Connected'],
      published: [0, 0],
      listeners: [0, 0],
    },
  );

  // Again, ended by the service.
  await lab.bridgeAgora();
  await page.evaluate((red) => {
    client.publishes(client.enter(101), 'video', () => agora.RemoteMedia.picture(red));
  }, css('red'));
  await lab.hasOthers('assistant', ANNA);
  await page.evaluate(() => client.end('UID_BANNED'));
  await lab.hasOthers('assistant');
  assert.match(await page.evaluate(() => bridge.stopReason), /Agora.*UID_BANNED/);
});
