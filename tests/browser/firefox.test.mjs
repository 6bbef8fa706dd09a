// Firefox in calls with GStreamer pipelines and with Chromium.

import { after, before, test } from 'node:test';
import { Actor, COLOURS, MISTAKEN_BOUND, TONES, allMeet } from './actor.mjs';
import { newFirefoxPage, startFirefox } from './firefox.mjs';
import { Server, TEST, startBrowser } from './harness.mjs';
import { Witness } from './witness.mjs';

/** The frequency of Firefox's fake microphone. */
const [DEVICE_TONE] = TONES;

let server;
let firefox;
let chromium;

before(async () => {
  [server, firefox, chromium] = await Promise.all([
    Server.start(),
    startFirefox({ 'media.navigator.audio.fake_frequency': DEVICE_TONE }),
    startBrowser(),
  ]);
});

after(async () => {
  await Promise.all([firefox?.close(), chromium?.close()]);
  await server?.kill();
});

/** Runs `body` with parts for a pipeline, Firefox and Chromium, and functions to start them. */
function withFirefox(name, body) {
  test(name, TEST, async (t) => {
    const call = `firefox-${name.replace(/\W+/g, '-').slice(0, 60)}`;
    const [gst, fox, alice] = ['gst', 'fox', 'alice'].map((user, at) => ({
      user,
      call,
      colour: Object.keys(COLOURS)[at],
      tone: TONES[at],
    }));
    const ends = [];
    t.after(() => Promise.all(ends.map((end) => end())));
    const launch = (part, ...reads) => {
      const witness = new Witness(server, part, ...reads);
      ends.push(() => witness.stop());
      return witness;
    };
    const inFirefox = async () => {
      const page = await newFirefoxPage(firefox);
      ends.push(() => page.browserContext().close());
      return Actor.open(page, server, { [alice.user]: MISTAKEN_BOUND });
    };
    const inChromium = async () => {
      const page = await (await chromium.newContext()).newPage();
      ends.push(() => page.context().close());
      return Actor.open(page, server);
    };
    await body({ gst, fox, alice, launch, inFirefox, inChromium });
  });
}

withFirefox('Firefox, Chromium and a pipeline see and hear each other', async (it) => {
  const { gst, fox, alice } = it;
  const witness = it.launch(gst, ['fox', 'alice']);
  const actors = await Promise.all([it.inFirefox(), it.inChromium()]);
  await Promise.all([actors[0].enter(fox), actors[1].enter(alice)]);
  await allMeet(actors, [gst, fox, alice]);
  await witness.meets([fox, alice]);
});

withFirefox('colours are right at 1280×720, too', async (it) => {
  const size = [1280, 720];
  const { gst, fox, alice } = it;
  const witness = it.launch({ ...gst, size }, ['fox', 'alice']);
  const [his, hers] = await Promise.all([it.inFirefox(), it.inChromium()]);
  await Promise.all([his.enter({ ...fox, size }), hers.enter({ ...alice, size })]);
  for (const actor of [his, hers]) await actor.sees('gst', gst.colour, { size });
  await hers.sees('fox', fox.colour, { size });
  await witness.sees('fox', fox.colour);
  await witness.sees('alice', alice.colour);
});

withFirefox("Firefox's camera and microphone reach pads and Chromium", async (it) => {
  const { gst, fox, alice } = it;
  const witness = it.launch(gst, ['fox']);
  const [his, hers] = await Promise.all([it.inFirefox(), it.inChromium()]);
  await Promise.all([his.enter({ ...fox, tone: 'device', colour: 'device' }), hers.enter(alice)]);
  await witness.gets('fox');
  await witness.hears([DEVICE_TONE], { user: 'fox' });
  await hers.gets('fox');
  await hers.hears([DEVICE_TONE], { user: 'fox' });
});

withFirefox('Firefox shares a canvas as screen at full size', async (it) => {
  const { gst, fox, alice } = it;
  const witness = it.launch(gst, ['fox'], ['fox']);
  const [his, hers] = await Promise.all([it.inFirefox(), it.inChromium()]);
  await hers.enter(alice);
  await his.enter({ ...fox, colour: undefined, screen: 'cyan', size: [1500, 845] });
  const kind = 'ScreenSharing';
  await hers.sees('fox', 'cyan', { kind, size: [1500, 845] });
  await witness.sees('fox', 'cyan', { kind: 'screen' });
  await his.stopScreenSharing();
  await hers.seesNothingOf('fox', { kind });
});

withFirefox('stopping and replacing a stream needs no new leg', async (it) => {
  const { fox, alice } = it;
  const [his, hers] = await Promise.all([it.inFirefox(), it.inChromium()]);
  await Promise.all([his.enter(fox), hers.enter(alice)]);
  await hers.sees('fox', fox.colour);
  await his.send({ colour: 'magenta' });
  await hers.sees('fox', 'magenta');
  await his.send({ colour: null });
  await hers.seesNothingOf('fox');
  await his.send({ colour: 'cyan', size: [320, 240] });
  await hers.sees('fox', 'cyan', { size: [320, 240] });
  // In the other direction as well.
  await his.sees('alice', alice.colour);
  await hers.send({ colour: 'magenta', size: [320, 240] });
  await his.sees('alice', 'magenta', { size: [320, 240] });
});

withFirefox('Firefox calls Chromium, which hangs up', async (it) => {
  const { fox, alice } = it;
  const [his, hers] = await Promise.all([it.inFirefox(), it.inChromium()]);
  await hers.wait(alice);
  await his.enter({ ...fox, callees: ['alice'] });
  await allMeet([his, hers], [fox, alice]);
  await hers.hangUp();
  await his.reaches('Disconnected');
});

withFirefox('a pipeline calls Firefox, which hangs up', async (it) => {
  const { gst, fox } = it;
  const his = await it.inFirefox();
  await his.wait(fox);
  const witness = it.launch({ ...gst, call: null, callees: ['fox'] }, ['fox']);
  await his.reaches('Connected');
  await allMeet([his], [gst, fox]);
  await witness.meets([fox]);
  await his.hangUp();
  await witness.ends();
});
