// A running `acscall bridge`, and its traces in the system.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { keep, waitFor } from '../harness.mjs';

export class BridgeCommand {
  #exit;

  /** Runs `acscall bridge` with these arguments; ACSCALL_BIN names the binary. */
  static async start(args, { env = {}, input = '' } = {}) {
    const binary = process.env.ACSCALL_BIN;
    if (!binary) throw new Error('ACSCALL_BIN must name the acscall binary');
    const temporary = await mkdtemp(join(tmpdir(), 'bridge-test-'));
    return new BridgeCommand(binary, args, temporary, env, input);
  }

  constructor(binary, args, temporary, env, input) {
    this.temporary = temporary;
    /** All printed lines. */
    this.lines = [];
    const options = { env: { ...process.env, TMPDIR: temporary, ...env } };
    this.process = keep(spawn(binary, ['bridge', ...args], options));
    this.process.stdin.on('error', () => {}).end(input);
    for (const input of [this.process.stdout, this.process.stderr]) {
      createInterface({ input }).on('line', (line) => this.lines.push(line));
    }
    this.#exit = once(this.process, 'close');
  }

  /** Waits for a printed line that matches. */
  says(pattern) {
    const find = () => this.lines.find((line) => pattern.test(line));
    return waitFor(
      `a line that matches ${pattern}`,
      () => find() ?? { lines: this.lines.slice(-8), ended: this.process.exitCode },
      (line) => typeof line === 'string',
    );
  }

  signal(name) {
    this.process.kill(name);
  }

  /** Waits for the end; returns the exit code and the last line. */
  async ends() {
    const [code, signal] = await this.#exit;
    return { code, signal, last: this.lines.at(-1) };
  }

  /** Returns Chromium's processes and their shell: `{id, name, cmdline, environ}`. */
  async processes() {
    const all = await Promise.all((await readdir('/proc')).filter(Number).map(describe));
    // Some have left the group, and some have overwritten their environment; the profile appears in
    // one of the two.
    const isOurs = (one) => one && `${one.cmdline}${one.environ}`.includes(this.temporary);
    return all.filter((one) => isOurs(one) && one.id !== this.process.pid);
  }

  /** Returns Chromium's main process. */
  async chromium() {
    const all = await this.processes();
    const isFirst = ({ exe, cmdline }) => /chrom/.test(exe) && !cmdline.includes('--type=');
    const browser = all.find(isFirst);
    if (!browser) throw new Error(`no Chromium among ${all.map(({ name }) => name)}`);
    return browser.id;
  }

  /** Returns the renderer processes. */
  async renderers() {
    const all = await this.processes();
    return all.filter(({ cmdline }) => cmdline.includes('--type=renderer')).map(({ id }) => id);
  }

  /** Waits until no process and no file of it is left. */
  async leavesNothing() {
    await waitFor(
      'nothing is left of the bridge',
      async () => ({
        processes: (await this.processes()).map(({ id, name }) => `${id} ${name}`),
        files: await readdir(this.temporary),
      }),
      ({ processes, files }) => !processes.length && !files.length,
    );
  }

  /** Kills it if it still runs. */
  async clear() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL');
      await this.#exit;
      await this.leavesNothing();
    }
    await rm(this.temporary, { recursive: true, force: true });
  }
}

/** Reads the public and the private data of a process; null if it has ended. */
async function describe(id) {
  try {
    const read = (file) => readFile(`/proc/${id}/${file}`, 'utf8');
    const files = ['status', 'cmdline', 'environ'];
    const [status, cmdline, environ] = await Promise.all(files.map(read));
    // A zombie has no arguments.
    if (!cmdline) return null;
    const exe = await readlink(`/proc/${id}/exe`);
    return { id: Number(id), name: /Name:\s*(.*)/.exec(status)[1], cmdline, environ, exe };
  } catch {
    return null;
  }
}
