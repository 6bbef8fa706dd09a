// A GStreamer participant that sends a colour and a tone, and says which ones it gets.

import { waitFor } from './harness.mjs';
import { COLOURS, TONES, colourName } from './actor.mjs';
import { Pipeline } from './gst.mjs';

const RATE = 48_000;
/** Samples in which tones are looked for: a sixth of a second. */
const WINDOW = 8_000;
/** What is left of a tone's amplitude of 0.15 or more; what a codec adds is below a tenth of it. */
const AUDIBLE = 0.04;
const FRAMES = 5;

/** Sends its part, and reads the pads of the others. */
export class Witness {
  /**
   * @param {object} server
   * @param {import('./actor.mjs').Part} part
   * @param {string[]} others Whose audio and camera it reads, besides the mix.
   * @param {string[]} [screens] Whose screen it reads.
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

  /** Waits until `user` sends this colour as `kind`, and frames flow. */
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

  /** Waits until frames of `user` flow, whatever is in them. */
  async gets(user, { kind = 'video', within } = {}) {
    const view = this.views.get(`${kind}_${user}`);
    await waitFor(
      `the pipeline gets frames of ${user}`,
      () => ({ ...view, ...this.#trouble() }),
      ({ frames }) => frames >= FRAMES,
      within,
    );
  }

  /** Waits until exactly these of the TONES are heard: of `user`, or in the mix of all. */
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

  /** It sees everybody of `parts` but itself, and hears those who have a tone, and nobody else. */
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

  /** Waits until it ends by itself. */
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

/** What comes as the pixel a quarter from the left and the top, in the bytes of RGBx. */
class View {
  frames = 0;
  pixel = null;

  constructor(pipe) {
    pipe.on('data', (data) => {
      this.frames += Math.floor(data.length / 4);
      // Frames are written whole.
      this.pixel = [...data.subarray(data.length - 4, data.length - 1)];
    });
  }
}

/** The newest samples. */
class Ear {
  #samples = Buffer.alloc(0);

  constructor(pipe) {
    pipe.on('data', (data) => {
      this.#samples = Buffer.concat([this.#samples, data]).subarray(-2 * WINDOW);
    });
  }

  forget() {
    this.#samples = Buffer.alloc(0);
  }

  /** Those of TONES that are in it; null before there is enough to say. */
  tones() {
    if (this.#samples.length < 2 * WINDOW) return null;
    return TONES.filter((frequency) => this.#amplitude(frequency) > AUDIBLE);
  }

  /** Of this frequency, 1 being full scale. */
  #amplitude(frequency) {
    let [cosine, sine] = [0, 0];
    for (let at = 0; at < WINDOW; at += 1) {
      // A Hann window: what begins and ends within it sounds like every tone otherwise.
      const weight = 1 - Math.cos((2 * Math.PI * at) / WINDOW);
      const sample = (weight * this.#samples.readInt16LE(2 * at)) / 32_768;
      cosine += sample * Math.cos((2 * Math.PI * frequency * at) / RATE);
      sine += sample * Math.sin((2 * Math.PI * frequency * at) / RATE);
    }
    return (2 * Math.hypot(cosine, sine)) / WINDOW;
  }
}

/** Takes the same pixel out of every picture, whatever its size. */
function pixel() {
  return `videoconvert ! videoscale method=nearest-neighbour ! video/x-raw,format=RGBx,width=2,height=2
    ! videocrop right=1 bottom=1 ! video/x-raw,format=RGBx,width=1,height=1`;
}

function argb(colour) {
  const [red, green, blue] = COLOURS[colour];
  return 0xff000000 + red * 0x10000 + green * 0x100 + blue;
}
