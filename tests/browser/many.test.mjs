// Several browsers and a GStreamer pipeline in one call, under various faults.
//
// Each participant sends a colour and a tone of its own, which identify it at the receivers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Actor, COLOURS, TONES, allMeet } from './actor.mjs';
import { Server, TEST, startBrowser, startMortalBrowser } from './harness.mjs';
import { Witness } from './witness.mjs';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.kill();
});

/**
 * Runs `body` in a call of its own. It gets the `parts` of `users`, the first of which is the
 * pipeline's, and functions to start them.
 */
function inCall(name, users, body) {
  test(name, TEST, async (t) => {
    const call = `many-${name.replace(/\W+/g, '-').slice(0, 60)}`;
    const parts = users.map((user, at) => ({
      user,
      call,
      colour: Object.keys(COLOURS)[at],
      tone: TONES[at],
    }));
    const ends = [];
    t.after(() => Promise.all(ends.map((end) => end())));

    /** Starts the pipeline, which receives all others. */
    const launch = () => {
      const others = users.slice(1);
      const witness = new Witness(server, parts[0], others);
      ends.push(() => witness.stop());
      return witness;
    };
    /** Opens a page in a context of its own. */
    const open = async (where = browser) => {
      const page = await (await where.newContext()).newPage();
      ends.push(() =>
        page
          .context()
          .close()
          .catch(() => {}),
      );
      page.on('pageerror', (error) => {
        throw error;
      });
      page.on('console', (message) => {
        if (process.env.ACSCALL_TEST_LOG) console.error(message.text());
      });
      return Actor.open(page, server);
    };
    const enter = async (part, where) => {
      const actor = await open(where);
      await actor.enter(part);
      return actor;
    };
    /** Starts a browser that `body` may kill. */
    const mortal = async () => {
      const started = await startMortalBrowser();
      ends.push(() => started.kill());
      return started;
    };
    await body({ parts, launch, open, enter, mortal, ends });
  });
}

/** Starts a browser for this test only. */
async function own(ends, options) {
  const started = await startBrowser(options);
  ends.push(() => started.close());
  return started;
}

inCall(
  'two browsers and a pipeline see and hear each other',
  ['gst', 'alice', 'bob'],
  async (it) => {
    const witness = it.launch();
    const actors = await Promise.all(it.parts.slice(1).map((part) => it.enter(part)));
    await allMeet(actors, it.parts);
    await witness.meets(it.parts.slice(1));
  },
);

// Two participants speak: the pipeline and the last browser. Each speaker's sound is fifty packets
// per second on each leg. Sound from all five would need about twice the time of two cores, and
// media and signalling would fall behind without bound.
inCall(
  'four browsers and a pipeline see each other, and hear those who speak',
  ['gst', 'alice', 'bob', 'carol', 'dave'],
  async (it) => {
    const speakers = ['gst', 'dave'];
    const parts = it.parts.map((part) => ({
      ...part,
      tone: speakers.includes(part.user) ? part.tone : null,
    }));
    const witness = it.launch();
    const actors = [];
    // One by one: all legs at once would be twenty simultaneous handshakes.
    for (const part of parts.slice(1)) actors.push(await it.enter(part));
    await Promise.all([allMeet(actors, parts), witness.meets(parts.slice(1))]);
  },
);

// ---- Leaving and coming back

/**
 * Bob leaves by `go`, which returns how the others see it: he is `gone`, or `missed` if no process
 * was left to say so and he may still come back.
 */
function goesAndComesBack(name, go) {
  inCall(name, ['gst', 'alice', 'bob'], async (it) => {
    const [gst, alice, bob] = it.parts;
    const witness = it.launch();
    const hers = await it.enter(alice);
    const bobGoes = await go(it, bob);
    await Promise.all([allMeet([hers], it.parts), witness.meets([alice, bob])]);

    if ((await bobGoes()) === 'gone') await hers.isWith([gst.user]);
    else await hers.misses(bob.user);

    const back = await it.enter(bob);
    await Promise.all([allMeet([hers, back], it.parts), witness.meets([alice, bob])]);
  });
}

goesAndComesBack('a page that is reloaded comes back with its media', async (it, bob) => {
  const { page } = await it.enter(bob);
  return async () => {
    await page.reload();
    return 'gone';
  };
});

goesAndComesBack('a page that is closed leaves at once, and can come back', async (it, bob) => {
  const { page } = await it.enter(bob);
  return async () => {
    await page.close();
    return 'gone';
  };
});

goesAndComesBack('a tab that crashes is missed, and its user comes back', async (it, bob) => {
  const { page } = await it.enter(bob);
  return async () => {
    const crashed = once(page, 'crash');
    // It never settles: the tab has crashed.
    page.goto('chrome://crash').catch(() => {});
    await crashed;
    return 'missed';
  };
});

goesAndComesBack('a browser that is killed is missed, and its user comes back', async (it, bob) => {
  const { browser: his, kill } = await it.mortal();
  await it.enter(bob, his);
  return async () => {
    await kill();
    return 'missed';
  };
});

// ---- Without devices

inCall('a participant without permission for devices can still join', ['gst', 'alice'], async (it) => {
  const [gst, alice] = it.parts;
  const witness = it.launch();
  const where = await own(it.ends, { grant: false });
  const hers = await it.enter({ ...alice, tone: 'device', colour: 'device' }, where);
  await hers.lacks('Audio', 403);
  await hers.lacks('Video', 403);
  await receivesAndSends(hers, witness, { gst, alice });
});

inCall('a participant without devices can still join', ['gst', 'alice'], async (it) => {
  const [gst, alice] = it.parts;
  const witness = it.launch();
  const where = await own(it.ends, { devices: false });
  const hers = await it.enter({ ...alice, tone: 'device', colour: undefined }, where);
  await hers.lacks('Audio', 404);
  assert.deepEqual(await hers.devices(), []);
  await receivesAndSends(hers, witness, { gst, alice });
});

/** She receives everything, and sends a colour and a tone of her own. */
async function receivesAndSends(actor, witness, { gst, alice }) {
  assert.equal((await actor.state()).state, 'Connected');
  await actor.sees(gst.user, gst.colour);
  await actor.hears([gst.tone]);
  await actor.send(alice);
  await witness.sees(alice.user, alice.colour);
  await witness.hears([alice.tone], { user: alice.user });
}

// ---- The server

inCall(
  'media goes on without the server, and the roster is right after',
  ['gst', 'alice', 'bob', 'carol'],
  async (it) => {
    const [gst, alice, bob, carol] = it.parts;
    const here = [gst, alice, bob];
    const witness = it.launch();
    const actors = await Promise.all([alice, bob].map((part) => it.enter(part)));
    await allMeet(actors, here);

    await server.kill();
    for (const actor of actors) await actor.isReconnecting(true);
    await Promise.all(
      actors.map(async (actor) => {
        for (const { user, colour, tone } of here) {
          if (user === actor.part.user) continue;
          await actor.sees(user, colour);
          await actor.hears([tone], { user });
        }
      }),
    );
    await witness.meets([alice, bob]);
    // Changes without a server arrive afterwards.
    await actors[0].send({ colour: carol.colour });
    await actors[1].sees(alice.user, carol.colour);

    await server.start();
    for (const actor of actors) await actor.isReconnecting(false);
    await actors[0].send({ colour: alice.colour });
    await allMeet(actors, here);
    const late = await it.enter(carol);
    await allMeet([...actors, late], it.parts);
    await witness.meets([alice, bob, carol]);
  },
);
