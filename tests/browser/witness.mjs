// A GStreamer participant that sends a colour and a tone, and reports those that it receives.

import { waitFor } from './harness.mjs';
import { COLOURS, TONES, colourName } from './actor.mjs';
import { Pipeline } from './gst.mjs';

const RATE = 48_000;
/** The samples per analysis: a sixth of a second. */
const WINDOW = 8_000;
/** The lowest amplitude of a received tone, sent at 0.15 or more; codec noise is a tenth of it. */
const AUDIBLE = 0.04;
const FRAMES = 5;

/** Sends its part, and receives the others. */
export class Witness {
  /**
   * @param {object} server
   * @param {import('./actor.mjs').Part} part
   * @param {string[]} others The users whose audio and camera it receives, besides the mix.
   * @param {string[]} [screens] The users whose screen it receives.
   */
  constructor(server, part, others, screens = []) {
    this.part = part;
    const { user, call, callees, colour, tone, size: [width, height] = [160, 120] } = part;
    const entry = call ? `call=${call}` : callees ? `callee=${callees}` : 'auto-accept=true';
    const at = `user=${user} ${entry} server=${server.signalling} embedded-server=false`;
    this.pads = [
      'audio',
      ...others.flatMap((other) => [`video_${other}`, `audio_${other}`]),
      ...screens.map((other) => `screen_${other}`),
    ];
    const branches = this.pads.map((pad, index) => {
      const sink = `fdsink fd=${index + 3} sync=false async=false`;
      return pad.startsWith('audio')
        ? `c.${pad} ! audioconvert ! audio/x-raw,format=S16LE,channels=1 ! ${sink}`
        : `c.${pad} ! ${pixel()} ! ${sink}`;
    });
    this.pipeline = new Pipeline(
      `videotestsrc is-live=true pattern=solid-color foreground-color=${argb(colour)}
         ! video/x-raw,width=${width},height=${height},framerate=10/1 ! s.video
       audiotestsrc is-live=true freq=${tone} volume=0.2 ! s.audio
       acscallsink name=s ${at}
       acscallsrc name=c ${at} ${branches.join(' ')}`,
      { verbose: false, pipes: this.pads.length },
    );
    this.views = new Map();
    this.ears = new Map();
    this.pads.forEach((pad, index) => {
      const pipe = this.pipeline.process.stdio[index + 3];
      if (pad.startsWith('audio')) this.ears.set(pad, new Ear(pipe));
      else this.views.set(pad, new View(pipe));
    });
  }

  /** Waits until frames of this colour arrive from `user` as `kind`. */
  async sees(user, colour, { kind = 'video', within } = {}) {
    const view = this.views.get(`${kind}_${user}`);
    const look = (accept) =>
      waitFor(
        `the pipeline sees ${user} ${colour}`,
        () => ({ ...view, ...this.#trouble() }),
        accept,
        within,
      );
    const isIt = ({ pixel }) => pixel && colourName(pixel) === colour;
    const { frames } = await look(isIt);
    await look((now) => isIt(now) && now.frames >= frames + FRAMES);
  }

  /** Waits until frames arrive from `user`, whatever their content. */
  async gets(user, { kind = 'video', within } = {}) {
    const view = this.views.get(`${kind}_${user}`);
    await waitFor(
      `the pipeline gets frames of ${user}`,
      () => ({ ...view, ...this.#trouble() }),
      ({ frames }) => frames >= FRAMES,
      within,
    );
  }

  /** Waits until exactly these TONES are heard, of `user` or in the mix. */
  async hears(tones, { user, within } = {}) {
    const ear = this.ears.get(user ? `audio_${user}` : 'audio');
    ear.forget();
    await waitFor(
      `the pipeline hears ${tones} of ${user ?? 'all'}`,
      () => ({ heard: ear.tones(), ...this.#trouble() }),
      ({ heard }) => heard?.join() === [...tones].sort((a, b) => a - b).join(),
      within,
    );
  }

  /** Waits until it sees all other `parts`, and hears exactly those that have a tone. */
  async meets(parts, within) {
    const others = parts.filter(({ user }) => user !== this.part.user);
    for (const { user, colour, tone } of others) {
      await this.sees(user, colour, { within });
      if (tone !== null) await this.hears([tone], { user, within });
    }
    await this.hears(
      others.map(({ tone }) => tone).filter((tone) => tone !== null),
      { within },
    );
  }

  /** Waits until the pipeline ends by itself. */
  async ends(within) {
    await waitFor('the pipeline has ended', () => this.pipeline.ended, Boolean, within);
  }

  stop() {
    return this.pipeline.stop('SIGKILL');
  }

  #trouble() {
    return this.pipeline.ended ? { ended: this.pipeline.errors.slice(-5) } : {};
  }
}

/** The pixel a quarter from the left and the top, as RGBx bytes. */
class View {
  frames = 0;
  pixel = null;

  constructor(pipe) {
    pipe.on('data', (data) => {
      this.frames += Math.floor(data.length / 4);
      // Each frame is written as a whole.
      this.pixel = [...data.subarray(data.length - 4, data.length - 1)];
    });
  }
}

/** The newest samples. */
export class Ear {
  #samples = Buffer.alloc(0);

  constructor(pipe) {
    pipe.on('data', (data) => {
      this.#samples = Buffer.concat([this.#samples, data]).subarray(-2 * WINDOW);
    });
  }

  forget() {
    this.#samples = Buffer.alloc(0);
  }

  /** Returns the TONES in it; null until there are enough samples. */
  tones() {
    if (this.#samples.length < 2 * WINDOW) return null;
    return TONES.filter((frequency) => this.#amplitude(frequency) > AUDIBLE);
  }

  /** Returns the amplitude at this frequency; 1 is full scale. */
  #amplitude(frequency) {
    let [cosine, sine] = [0, 0];
    for (let at = 0; at < WINDOW; at += 1) {
      // The Hann window keeps the edges of the block from sounding like every tone.
      const weight = 1 - Math.cos((2 * Math.PI * at) / WINDOW);
      const sample = (weight * this.#samples.readInt16LE(2 * at)) / 32_768;
      cosine += sample * Math.cos((2 * Math.PI * frequency * at) / RATE);
      sine += sample * Math.sin((2 * Math.PI * frequency * at) / RATE);
    }
    return (2 * Math.hypot(cosine, sine)) / WINDOW;
  }
}

/** Extracts the same pixel from every picture, whatever its size. */
function pixel() {
  return `videoconvert ! videoscale method=nearest-neighbour ! video/x-raw,format=RGBx,width=2,height=2
    ! videocrop right=1 bottom=1 ! video/x-raw,format=RGBx,width=1,height=1`;
}

function argb(colour) {
  const [red, green, blue] = COLOURS[colour];
  return 0xff000000 + red * 0x10000 + green * 0x100 + blue;
}
