// The GStreamer participant at the other end: it answers a call, sends, and passes on its media.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { keep } from '../harness.mjs';
import { GdpReader } from './gdp.mjs';
import { Changing, Pictures, Sound } from './streams.mjs';

/** Caps that do not depend on the browser's colorimetry. */
const PICTURES = 'videoconvert ! video/x-raw,format=I420,colorimetry=bt601';

/** The rest of the pipeline for each pad, in the launch syntax. */
const RECEIVING = {
  audio: { make: () => new Sound(), format: 'audio/x-raw,format=S16LE' },
  video: { make: () => new Pictures(), format: PICTURES },
  screen: { make: () => new Pictures(), format: PICTURES },
};

/** The number of file descriptors before those of the streams. */
const STANDARD = ['ignore', 'pipe', 'pipe'];

/** A pipeline that answers the first call to `user`. */
export class GStreamerEnd extends Changing {
  /** The received media, by kind. @type {{audio?: Sound, video?: Pictures, screen?: Pictures}} */
  got = {};
  /** The caller's available kinds. @type {Map<string, boolean>} */
  available = new Map();
  /** @type {string[]} */
  errors = [];
  ended = false;

  /**
   * @param {object} options
   * @param {string} options.server
   * @param {string} options.user
   * @param {string} options.caller The user whose streams it receives.
   * @param {('audio' | 'video' | 'screen')[]} [options.receive]
   * @param {string[]} [options.send] In the launch syntax, up to the pad of a sink called `s`.
   *   `feed` at the start stands for the I420 pictures passed to `feed()`.
   */
  constructor({ server, user, caller, receive = [], send = [] }) {
    super();
    const plugins = process.env.ACSCALL_GST_PLUGIN_PATH;
    if (!plugins) throw new Error('ACSCALL_GST_PLUGIN_PATH must name the directory of the plugin');
    const call = `auto-accept=true user=${user} server=${server}`;
    const feed = STANDARD.length + receive.length;
    const description = [
      `acscallsrc name=c ${call}`,
      ...receive.map((kind, at) => {
        const to = `gdppay ! fdsink fd=${STANDARD.length + at} sync=false async=false`;
        return `c.${kind}_${caller} ! ${RECEIVING[kind].format} ! ${to}`;
      }),
      ...send.map((one) => one.replace(/^feed/, `fdsrc fd=${feed} do-timestamp=true`)),
      ...(send.length > 0 ? [`acscallsink name=s ${call}`] : []),
    ].join(' ');
    this.process = keep(
      spawn('gst-launch-1.0', ['-m', ...description.split(/\s+/)], {
        stdio: [...STANDARD, ...receive.map(() => 'pipe'), 'pipe'],
        env: { ...process.env, GST_PLUGIN_PATH: plugins, LC_ALL: 'C' },
      }),
    );
    /** The pipe for `feed`. */
    this.feed = /** @type {import('node:stream').Writable} */ (this.process.stdio[feed]);
    // The pipeline may end before the last picture.
    this.feed.on('error', () => {});
    receive.forEach((kind, at) => {
      const stream = RECEIVING[kind].make();
      this.got[kind] = stream;
      const reader = new GdpReader({
        caps: (caps) => stream.caps(caps),
        buffer: (data, pts) => stream.buffer(data, pts),
      });
      this.process.stdio[STANDARD.length + at].on('data', (chunk) => reader.push(chunk));
    });
    createInterface({ input: this.process.stdout }).on('line', (line) => this.#read(line));
    createInterface({ input: this.process.stderr }).on('line', (line) => this.errors.push(line));
    this.process.on('exit', () => {
      this.ended = true;
      this.changed();
    });
  }

  /**
   * Feeds this picture repeatedly; the returned function stops that, and the stream with it.
   * @param {Buffer} picture
   */
  play(picture, rate = 10) {
    const timer = setInterval(() => this.feed.write(picture), 1000 / rate);
    this.process.on('exit', () => clearInterval(timer));
    return () => {
      clearInterval(timer);
      this.feed.end();
    };
  }

  /** Waits until the caller has announced that this kind is, or is not, available. */
  async isAvailable(kind, available = true) {
    const what = `${kind} that is ${available ? '' : 'not '}available`;
    await this.until(what, () => {
      if (this.ended) throw new Error(`the pipeline ended: ${this.errors.slice(-5).join('\n')}`);
      return (this.available.get(kind) ?? false) === available;
    });
  }

  /** Waits until the pipeline ends by itself, as at the end of the call. */
  over() {
    return this.until('the end of the pipeline', () => this.ended);
  }

  /** Kills the pipeline. */
  async kill() {
    if (this.ended) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }

  #read(line) {
    if (line.startsWith('ERROR')) this.errors.push(line);
    const stream =
      /from element "c" .*acscall-stream, .*kind=\(string\)(\w+), available=\(boolean\)(\w+)/;
    const [, kind, available] = stream.exec(line) ?? [];
    if (kind) this.available.set(kind, available === 'true');
    this.changed();
  }

  describe() {
    return JSON.stringify({
      ended: this.ended,
      available: Object.fromEntries(this.available),
      errors: this.errors.slice(-5),
    });
  }
}
