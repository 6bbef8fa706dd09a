// The self view of the page: the choice of camera and microphone, and black and white.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  Server,
  TEST,
  join,
  openPage,
  startBrowser,
  tile,
  waitFor,
  waitForStream,
} from './harness.mjs';

/** The second of Chromium's fake cameras gives pictures that cannot be encoded. */
const DEVICES = ['--use-fake-device-for-media-stream=device-count=3'];

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser({ args: DEVICES })]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

/** Runs `body` in a call of its own and closes its pages. */
function inCall(name, body) {
  test(name, TEST, async (t) => {
    const call = `own ${name}`.slice(0, 100);
    const pages = [];
    t.after(() => Promise.all(pages.map((page) => page.context().close())));
    const keep = async (opening) => {
      pages.push(await opening);
      return pages.at(-1);
    };
    await body({
      enter: (user, options) => keep(join(browser, server, call, user, options)),
      open: (user) => keep(openPage(browser, server, call, user)),
    });
  });
}

const NOTHING = { camera: false, microphone: false };

/** Returns the colour at the middle of the lower edge of `user` on `page`. */
function colour(page, user) {
  return tile(page, user)
    .locator('video')
    .evaluate((video) => {
      const paint = new OffscreenCanvas(1, 1).getContext('2d');
      const { videoWidth: width, videoHeight: height } = video;
      paint.drawImage(video, width / 2 - 8, height - 40, 16, 16, 0, 0, 1, 1);
      return [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    });
}

const isGray = (rgb) => Math.max(...rgb) - Math.min(...rgb) < 8;
const luma = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** Returns the names of the tracks that `page` sends. */
function sources(page) {
  return page.evaluate(() => {
    const { localVideoStreams, localAudioStreams } = window.acscall;
    return [localVideoStreams[0], localAudioStreams[0]].map((stream) => stream?.source.name);
  });
}

inCall(
  'a black-and-white camera arrives as such at the same size, and in colour again',
  async ({ enter }) => {
    const [alice, bob] = await Promise.all([
      enter('alice', { microphone: false, hd: true }),
      enter('bob', NOTHING),
    ]);
    const { frameWidth } = await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 10);
    await tile(bob, 'alice').locator('video').waitFor({ state: 'visible' });
    const before = await waitFor(
      'a colour',
      () => colour(bob, 'alice'),
      (rgb) => !isGray(rgb),
    );

    await alice.keyboard.press('b');
    const now = await waitFor('no colour', () => colour(bob, 'alice'), isGray);
    assert.ok(Math.abs(luma(now) - luma(before)) < 6, `${before} became ${now}`);
    await waitFor('no colour at home', () => colour(alice, 'alice'), isGray);
    const still = await waitForStream(bob, 'alice', 'video', () => true);
    assert.equal(still.frameWidth, frameWidth);
    await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > still.framesDecoded + 20);

    await alice.getByRole('button', { name: 'More' }).click();
    await alice.getByRole('button', { name: 'Black and white', pressed: true }).click();
    await waitFor(
      'a colour again',
      () => colour(bob, 'alice'),
      (rgb) => !isGray(rgb),
    );
  },
);

inCall(
  'black and white is remembered, and no frame in colour goes out',
  async ({ open, enter }) => {
    const [bob, alice] = await Promise.all([enter('bob', NOTHING), open('alice')]);
    await alice.getByRole('checkbox', { name: 'Microphone' }).setChecked(false);
    await alice.getByRole('button', { name: 'Devices' }).click();
    await alice.getByRole('checkbox', { name: 'Black and white video' }).check();
    await alice.getByRole('button', { name: 'Done' }).click();
    await alice.reload();
    // Checks every received frame.
    await bob.evaluate(() => {
      window.colours = [];
      const paint = new OffscreenCanvas(1, 1).getContext('2d');
      setInterval(() => {
        const video = document.querySelector('.tile[data-user=alice] video');
        if (!video?.videoWidth) return;
        paint.drawImage(video, 0, 0, 1, 1);
        window.colours.push([...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
      }, 30);
    });
    await alice.getByRole('checkbox', { name: 'Microphone' }).setChecked(false);
    await alice.getByRole('button', { name: 'Join' }).click();
    await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > 20);
    const seen = await waitFor(
      'pictures',
      () => bob.evaluate(() => window.colours),
      (all) => all.length > 20,
    );
    // Black, before the first frame.
    assert.deepEqual(
      seen.filter((rgb) => !isGray(rgb)),
      [],
    );
    assert.ok(
      seen.some((rgb) => luma(rgb) > 40),
      `nothing was seen: ${seen.at(-1)}`,
    );
  },
);

inCall(
  'the chosen camera and microphone are sent, also in mid-call, and remembered',
  async ({ enter }) => {
    const [alice, bob] = await Promise.all([enter('alice'), enter('bob', NOTHING)]);
    const before = await sources(alice);
    const chooseLast = async (select) => {
      const name = (await select.locator('option').allTextContents()).at(-1);
      await select.selectOption(name);
      return name;
    };
    await alice.keyboard.press('d');
    await alice.locator('#camera-choice option').nth(1).waitFor({ state: 'attached' });
    const dialog = alice.getByRole('dialog', { name: 'Camera and microphone' });
    const wanted = [
      await chooseLast(dialog.getByRole('combobox', { name: 'Camera' })),
      await chooseLast(dialog.getByRole('combobox', { name: 'Microphone' })),
    ];
    assert.ok(wanted.every((name, at) => name !== before[at]));
    await waitFor(
      'the others',
      () => sources(alice),
      (now) => now.join() === wanted.join(),
    );
    await waitFor(
      'the level of the microphone',
      () => alice.locator('#level').evaluate((meter) => meter.value),
      (level) => level > 0,
    );
    await alice.keyboard.press('Escape');
    await alice.locator('#audio:focus').waitFor();
    const { framesDecoded } = await waitForStream(bob, 'alice', 'video', () => true);
    await waitForStream(bob, 'alice', 'video', (s) => s.framesDecoded > framesDecoded + 10);

    await alice.getByRole('button', { name: 'Leave' }).click();
    await alice.getByRole('button', { name: 'Join' }).click();
    await waitFor(
      'the same again',
      () => sources(alice),
      (now) => now.join() === wanted.join(),
    );
  },
);

inCall(
  'the preview shows the camera in the lobby, and the call takes it over',
  async ({ open }) => {
    const alice = await open('alice');
    await alice.getByRole('checkbox', { name: 'Camera' }).setChecked(false);
    await alice.locator('#mirror').waitFor({ state: 'hidden' });
    await alice.getByRole('button', { name: 'Preview my video' }).click();
    await alice.locator('#mirror').waitFor({ state: 'visible' });
    assert.ok(await alice.getByRole('checkbox', { name: 'Camera' }).isChecked());
    await alice.getByRole('button', { name: 'Join' }).click();
    await tile(alice, 'alice').locator('video').waitFor({ state: 'visible' });
    await alice.getByRole('button', { name: 'Leave' }).click();
    // The camera is off unless the user wants it.
    await alice.getByRole('button', { name: 'Preview my video' }).waitFor();
    await alice.locator('#mirror').waitFor({ state: 'hidden' });
  },
);

for (const [name, without] of [
  ['in a worker', []],
  [
    'on a canvas',
    ['MediaStreamTrackProcessor', 'MediaStreamTrackGenerator', 'VideoTrackGenerator'],
  ],
]) {
  inCall(
    `what is made black and white ${name} has the pixels of grayscale(1)`,
    async ({ open }) => {
      const page = await open('alice');
      const worst = await page.evaluate(async (without) => {
        for (const one of without) delete window[one];
        const [width, height] = [640, 360];
        const draw = (paint) => {
          for (let at = 0; at < 12; at += 1) {
            paint.fillStyle = `hsl(${30 * at} ${40 + 5 * at}% ${30 + 4 * at}%)`;
            paint.fillRect((at % 4) * 160, Math.floor(at / 4) * 120, 160, 120);
          }
        };
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        const source = canvas.getContext('2d');
        const timer = setInterval(() => draw(source), 50);
        const reference = new OffscreenCanvas(width, height).getContext('2d');
        draw(source);
        reference.filter = 'grayscale(1)';
        reference.drawImage(canvas, 0, 0);
        const { blackAndWhite } = await import('/page/grayscale.js');
        const [track] = canvas.captureStream(20).getVideoTracks();
        const gray = await blackAndWhite(track);
        const video = Object.assign(document.createElement('video'), { muted: true });
        video.srcObject = new MediaStream([gray.track]);
        await video.play();
        const seen = new OffscreenCanvas(width, height).getContext('2d');
        seen.drawImage(video, 0, 0, width, height);
        let worst = 0;
        for (let at = 0; at < 12; at += 1) {
          const place = [(at % 4) * 160 + 80, Math.floor(at / 4) * 120 + 60, 1, 1];
          const ours = seen.getImageData(...place).data;
          const theirs = reference.getImageData(...place).data;
          for (const part of [0, 1, 2])
            worst = Math.max(worst, Math.abs(ours[part] - theirs[part]));
        }
        clearInterval(timer);
        gray.stop();
        if (gray.track.readyState !== 'ended') throw new Error('it goes on');
        if (track.readyState !== 'live') throw new Error('the camera is off');
        return worst;
      }, without);
      assert.ok(worst <= 2, `${worst} levels off`);
    },
  );
}
