// Runs the test files of a suite in one shared Chromium:
//
//   node run.mjs calls    proves that calls with Chromium work; needs only playwright-core
//   node run.mjs rest     everything else
//
// A file by itself starts its own Chromium: node --test page.test.mjs

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { shareBrowser } from './harness.mjs';

/**
 * The files of each suite: some run one after the other, others side by side, since they mostly
 * wait.
 */
const SUITES = {
  calls: {
    alone: ['many'],
    together: ['seeds', 'seeds/measuring', 'with-gstreamer'],
  },
  rest: {
    // These check media, and on a machine without spare time sound is stretched.
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
      'stereo',
    ],
    together: [
      'accessible',
      'acs-app',
      'agora',
      'bridge-offline',
      'bridge-reconciler',
      'devices',
      'grayscale',
      'layout',
      'library',
      'library-acs',
      'library-arguments',
      'library-connections',
      'library-incoming',
      'library-leaving',
      'library-proxies',
      'library-remote-video',
      'library-roles',
      'library-still',
      'luma',
      'own-picture',
      'streams',
      'tokens',
    ],
  },
};

/** The number of files that run side by side. */
const CONCURRENCY = 3;

/** How long the files may take to end after a signal before they are killed, in milliseconds. */
const GRACE = 5_000;
/** The polling interval for that. */
const LOOK = 50;

const suite = SUITES[process.argv[2]];
if (!suite) {
  console.error(`usage: node run.mjs ${Object.keys(SUITES).join('|')}`);
  process.exit(2);
}

const browser = await shareBrowser();

/** The running files, and the promise of their end after a signal. */
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

/** Runs these files; returns whether all tests passed. */
async function run(names, concurrency) {
  if (ending) return false;
  const files = names.map((name) => `${name}.test.mjs`);
  const how = ['--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`];
  running = spawn(process.execPath, [...how, ...files], {
    cwd: new URL('.', import.meta.url),
    // A process group of its own, so that a signal reaches all children.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...browser.env },
  });
  const [code] = await once(running, 'exit');
  return code === 0 && !ending;
}

/** Ends the running files with their servers and pipelines. */
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
    // The group has ended.
  }
}
