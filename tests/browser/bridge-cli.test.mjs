// `acscall bridge` as users run it, with stand-ins for the SDKs' packages.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BridgeCommand } from './bridge/command.mjs';
import { makeSdk } from './bridge/make-sdk.mjs';
import { Pipeline, countingSink } from './gst.mjs';
import { Server, TEST, makeToken } from './harness.mjs';

const run = promisify(execFile);

const SECRET = 'a secret for tests, of 32 bytes!';
/** As long as real credentials, and unique in all output. */
const TOKEN = makeToken('another secret', 'acs', { skypeid: 'x'.repeat(800) });

let server;
let sdk;

before(async () => {
  sdk = await mkdtemp(join(tmpdir(), 'bridge-sdk-'));
  [server] = await Promise.all([Server.start(), makeSdk(sdk)]);
});

after(async () => {
  await server?.kill();
  await rm(sdk, { recursive: true, force: true });
});

/** Runs `body` with a `start(service, args, options)`, and ends what it starts. */
function bridgeTest(name, body) {
  test(name, TEST, async (t) => {
    const start = async (service, args, options = {}) => {
      const at = { '--into': 'tea', '--server': server.signalling, '--sdk': sdk };
      const missing = Object.entries(at).filter(([name]) => !args.includes(name));
      const env = { ACS_TOKEN: TOKEN, AGORA_TOKEN: TOKEN, ...options.env };
      const all = [service, ...args, ...missing.flat()];
      const command = await BridgeCommand.start(all, { ...options, env });
      t.after(() => command.clear());
      return command;
    };
    await body(start, t);
  });
}

bridgeTest('an ACS call joins ours, and Ctrl-C leaves nothing behind', async (start, t) => {
  const from = 'assistant';
  const command = await start('acs', ['--group', 'demo', '--from', from]);
  await command.says(/^Connected$/);
  await command.says(/^Anna \(8:acs:anna\) joined; in pad names: 8%3Aacs%3Aanna$/);
  await command.says(/^acs-audio joined$/);
  const at = `user=${from} call=tea server=${server.signalling} embedded-server=false`;
  const pipeline = new Pipeline(
    `videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=10/1 ! s.video
       audiotestsrc is-live=true ! s.audio acscallsink name=s ${at}
       acscallsrc name=c ${at} c.audio ! ${countingSink('mix')}`,
  );
  t.after(() => pipeline.stop('SIGKILL'));
  await pipeline.waitForSink('mix', ({ buffers }) => buffers > 10);
  await command.says(/^Connected .*; in: .*audio, \d+ kbit.s; out: camera 320×240 \d+ fps, audio/);
  command.signal('SIGINT');
  assert.deepEqual(await command.ends(), { code: 0, signal: null, last: 'stopped by SIGINT' });
  await command.leavesNothing();
});

bridgeTest('an Agora channel joins ours, and SIGTERM ends the bridge', async (start) => {
  const channel = ['--app-id', 'a', '--channel', 'demo'];
  const command = await start('agora', [...channel, '--from', 'assistant']);
  await command.says(/^Connected$/);
  await command.says(/^\S+ \(agora-\d+\) joined$/);
  command.signal('SIGTERM');
  assert.deepEqual(await command.ends(), { code: 0, signal: null, last: 'stopped by SIGTERM' });
  await command.leavesNothing();
});

bridgeTest('the progress of a call is printed, and its end ends the command', async (start) => {
  const command = await start('acs', ['--call', '8:acs:carl']);
  for (const line of [/^Connecting$/, /^Ringing$/, /^Connected$/, /8:acs:carl/]) {
    await command.says(line);
  }
  const over = await start('acs', ['--group', 'over']);
  const { code, last } = await over.ends();
  assert.equal(code, 0, last);
  assert.match(last, /^The ACS call has ended \(0\/\d+\)/);
  await over.leavesNothing();
});

bridgeTest('a rejection prints its code, and the command exits with 3', async (start) => {
  const refused = await start('acs', ['--group', 'refused']);
  const { code, last } = await refused.ends();
  assert.equal(code, 3, last);
  assert.match(last, /^acscall: .*\(403\/5854\)/);
  const agora = await start('agora', ['--app-id', 'a', '--channel', 'refused']);
  const ended = await agora.ends();
  assert.equal(ended.code, 3, ended.last);
  assert.match(ended.last, /^acscall: Agora rejected the client: /);
  await agora.leavesNothing();
});

bridgeTest('no credential is visible', async (start) => {
  const file = join(sdk, 'token');
  await writeFile(file, `${TOKEN}\n`);
  const command = await start('acs', ['--group', 'demo', '--token-file', '-', '--verbose'], {
    env: { ACS_TOKEN: 'of no use' },
    input: `${TOKEN}\n`,
  });
  await command.says(/^Connected$/);
  await command.says(/\[credential\]/);
  const processes = await command.processes();
  assert.ok(processes.length > 3, 'Chromium has several processes');
  const part = TOKEN.slice(200, 230);
  for (const { name, cmdline, environ } of processes) {
    for (const seen of [cmdline, environ]) assert.ok(!seen.includes(part), name);
    assert.doesNotMatch(environ, /ACS_TOKEN|AGORA_TOKEN|ACSCALL_SECRET/, name);
  }
  // It fails if it finds nothing, or if Chromium removes a file meanwhile.
  const found = await run('grep', ['-rlaF', part, command.temporary]).catch((error) => error);
  assert.equal(found.stdout, '');
  command.signal('SIGINT');
  await command.ends();
  for (const line of command.lines) assert.ok(!line.includes(part), line);
  // The other ways to pass it.
  for (const [args, env] of [[['--token-file', file], { ACS_TOKEN: '' }], [[], {}]]) {
    const other = await start('acs', ['--group', 'demo', ...args], { env });
    await other.says(/^Connected$/);
    await other.clear();
  }
});

bridgeTest('when Chromium or its page crashes, the command says so and leaves nothing behind', async (start) => {
  const victims = {
    'its pipe is closed': async (command) => [await command.chromium()],
    'its page crashed': (command) => command.renderers(),
  };
  for (const [expected, find] of Object.entries(victims)) {
    const command = await start('acs', ['--group', 'demo']);
    await command.says(/^Connected$/);
    for (const id of await find(command)) process.kill(id, 'SIGKILL');
    const { code, last } = await command.ends();
    assert.equal(code, 4, last);
    assert.equal(last, `acscall: Chromium ended: ${expected}`);
    await command.leavesNothing();
  }
});

bridgeTest('when the command is killed, Chromium and its profile are removed, too', async (start) => {
  const command = await start('acs', ['--group', 'demo']);
  await command.says(/^Connected$/);
  command.signal('SIGKILL');
  await command.ends();
  await command.leavesNothing();
});

bridgeTest('a server that requires tokens gets them for all guests', async (start, t) => {
  const guarded = await Server.start({ secret: SECRET });
  t.after(() => guarded.kill());
  const at = ['--server', guarded.signalling];
  const file = join(sdk, 'secret');
  await writeFile(file, SECRET);
  const command = await start('acs', ['--group', 'demo', ...at, '--secret-file', file]);
  await command.says(/^Ben .* joined/);
  // A rejected guest would be reported as a warning before.
  await command.says(/^Connected .*3 guests|^Connected .*4 guests/);
  assert.deepEqual(command.lines.filter((line) => line.startsWith('warning')), []);
  for (const [args, expected] of [
    [[], /requires tokens: give its secret with --secret-file/],
    [['--secret-file', file], /the secret is not that of the server/],
  ]) {
    await writeFile(file, 'another secret, of 32 bytes, too');
    const refused = await start('acs', ['--group', 'demo', ...at, ...args]);
    const { code, last } = await refused.ends();
    assert.equal(code, 3, last);
    assert.match(last, expected);
  }
});

bridgeTest('without a server the command starts one', async (start) => {
  const gone = await Server.start();
  // The connection keeps the port reserved.
  await fetch(gone.url);
  await gone.kill();
  const command = await start('acs', ['--group', 'demo', '--server', gone.signalling]);
  await command.says(/^Connected$/);
  const answer = await fetch(`${gone.url}healthz`);
  assert.equal(await answer.text(), 'ok');
});

bridgeTest('a missing requirement is named, with the remedy', async (start) => {
  for (const [args, code, expected] of [
    [['--sdk', '/nowhere'], 1, /npm install --prefix \/nowhere @azure\/communication-calling/],
    [['--chromium', '/nowhere/chromium'], 1, /\/nowhere\/chromium, which --chromium names/],
    [['--server', 'wss://127.0.0.1:9'], 1, /nobody listens on 127.0.0.1:9/],
    [['--chromium', '/bin/false'], 1, /cannot use Chromium/],
    [['--token-file', '/nowhere/token'], 2, /\/nowhere\/token/],
    [['--secret-file', '/nowhere/secret'], 2, /\/nowhere\/secret/],
    [['--call', '8:acs:carl'], 2, /--group/],
  ]) {
    const command = await start('acs', ['--group', 'demo', ...args]);
    const ended = await command.ends();
    assert.equal(ended.code, code, command.lines.join('\n'));
    assert.match(command.lines.join('\n'), expected);
    await command.leavesNothing();
  }
  const silent = await start('acs', ['--group', 'demo'], { env: { ACS_TOKEN: '' } });
  assert.equal((await silent.ends()).code, 2);
});

bridgeTest('with --quiet only errors are printed', async (start) => {
  const command = await start('acs', ['--group', 'over', '--quiet']);
  const { code } = await command.ends();
  assert.equal(code, 0);
  const isKnown = (line) => /sandbox/.test(line);
  assert.deepEqual(command.lines.filter((line) => !isKnown(line)), []);
});
