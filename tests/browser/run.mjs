// Runs the test files of a suite, in one Chromium that all of them share:
//
//   node run.mjs calls    what shows that calls with Chromium work; needs playwright-core alone
//   node run.mjs rest     everything else
//
// A file by itself starts its own Chromium: node --test page.test.mjs

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { shareBrowser } from './harness.mjs';

/**
 * By suite: files that run one after the other, and then those of which several run at a time,
 * since they mostly wait.
 */
const SUITES = {
  calls: {
    alone: ['many'],
    together: ['seeds', 'seeds/measuring', 'with-gstreamer'],
  },
  rest: {
    // What these hear and see is judged by what it is: where a machine has no time left, sound is
    // stretched.
    alone: [
      'bridge-acs',
      'bridge-agora',
      'bridge-cli',
      'bridge-feeds',
      'bridge-sdk',
      'firefox',
      'library-calls',
      'page',
      'placing',
    ],
    together: [
      'accessible',
      'agora',
      'bridge-offline',
      'bridge-reconciler',
      'devices',
      'grayscale',
      'layout',
      'library',
      'library-connections',
      'library-roles',
      'luma',
      'own-picture',
      'streams',
      'tokens',
    ],
  },
};

/** How many files run together. */
const CONCURRENCY = 3;

/** How long what runs has to end after a signal, before it is killed, in milliseconds. */
const GRACE = 5_000;
/** How often that is looked at. */
const LOOK = 50;

const suite = SUITES[process.argv[2]];
if (!suite) {
  console.error(`usage: node run.mjs ${Object.keys(SUITES).join('|')}`);
  process.exit(2);
}

const browser = await shareBrowser();

/** The files that run now, and what ends them after a signal. */
let running = null;
let ending = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    ending ??= endRunning(signal);
  });
}

const alone = await run(suite.alone, 1);
const together = await run(suite.together, CONCURRENCY);
await ending;
await browser.close();
process.exitCode = alone && together ? 0 : 1;

/** Whether all tests of these files passed. */
async function run(names, concurrency) {
  if (ending) return false;
  const files = names.map((name) => `${name}.test.mjs`);
  const how = ['--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`];
  running = spawn(process.execPath, [...how, ...files], {
    cwd: new URL('.', import.meta.url),
    // A group of its own, so that a signal reaches all that the files have started.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...browser.env },
  });
  const [code] = await once(running, 'exit');
  return code === 0 && !ending;
}

/** Ends the files that run, and their servers and pipelines. */
async function endRunning(signal) {
  if (!running) return;
  const group = -running.pid;
  try {
    process.kill(group, signal);
    for (let waited = 0; waited < GRACE; waited += LOOK) {
      await delay(LOOK);
      process.kill(group, 0);
    }
    process.kill(group, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}
