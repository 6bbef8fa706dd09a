// Runs gst-launch-1.0 with the plugin from ACSCALL_GST_PLUGIN_PATH.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { keep, waitFor } from './harness.mjs';

/** A running pipeline, with the output of `gst-launch-1.0 -v`. */
export class Pipeline {
  /**
   * Starts `description`, a string in the launch syntax, split at spaces. With `end`, an interrupt
   * ends it with EOS. Without `verbose`, its sinks report nothing. `pipes` is the number of pipes
   * from file descriptor 3 on, which are `process.stdio[3]` and so on here.
   */
  constructor(description, { end = false, verbose = true, pipes = 0 } = {}) {
    const plugins = process.env.ACSCALL_GST_PLUGIN_PATH;
    if (!plugins) throw new Error('ACSCALL_GST_PLUGIN_PATH must name the directory of the plugin');
    const options = [...(verbose ? ['-v'] : []), ...(end ? ['-e'] : [])];
    const command = [...options, ...description.split(/\s+/)];
    this.process = keep(
      spawn('gst-launch-1.0', command, {
        stdio: ['ignore', 'pipe', 'pipe', ...Array(pipes).fill('pipe')],
        env: { ...process.env, GST_PLUGIN_PATH: plugins, LC_ALL: 'C' },
      }),
    );
    this.description = description;
    this.errors = [];
    /** The number of buffers and the newest caps, by sink. */
    this.sinks = new Map();
    createInterface({ input: this.process.stdout }).on('line', (line) => this.#read(line));
    createInterface({ input: this.process.stderr }).on('line', (line) => this.errors.push(line));
  }

  /** Returns what the `fakesink silent=false` has received: `{buffers, width, height, rate}`. */
  sink(name) {
    return this.sinks.get(name) ?? { buffers: 0 };
  }

  /** Waits until `accept` is true for that sink. */
  waitForSink(name, accept, within) {
    return waitFor(
      `${name} that is accepted by ${accept}, of: ${this.description}`,
      () => ({ ...this.sink(name), ...(this.ended && { ended: this.errors.slice(-5) }) }),
      accept,
      within,
    );
  }

  get ended() {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Ends the pipeline with `signal` and returns its exit code. */
  async stop(signal = 'SIGINT') {
    if (this.ended) return this.process.exitCode;
    this.process.kill(signal);
    const [code] = await once(this.process, 'exit');
    return code;
  }

  #read(line) {
    if (line.startsWith('ERROR')) this.errors.push(line);
    const message = /GstFakeSink:(\w+): last-message = chain/.exec(line);
    const caps = /GstFakeSink:(\w+)\.GstPad:sink: caps = (.*)$/.exec(line);
    if (message) this.#update(message[1], { buffers: this.sink(message[1]).buffers + 1 });
    else if (caps) {
      const field = (name) => {
        const value = new RegExp(`${name}=\\(int\\)(\\d+)`).exec(caps[2])?.[1];
        return value === undefined ? undefined : Number(value);
      };
      this.#update(caps[1], {
        width: field('width'),
        height: field('height'),
        rate: field('rate'),
        channels: field('channels'),
      });
    }
  }

  #update(name, values) {
    this.sinks.set(name, { ...this.sink(name), ...values });
  }
}

/** Returns a sink for `Pipeline.sink(name)`. */
export function countingSink(name) {
  return `fakesink name=${name} silent=false sync=false async=false`;
}

/** Runs `description` to its end; fails with the message of gst-launch-1.0. */
export async function runToEnd(description) {
  const pipeline = new Pipeline(description, { verbose: false });
  const [code] = await once(pipeline.process, 'close');
  if (code !== 0) throw new Error(`${description}\n${pipeline.errors.join('\n')}`);
}
