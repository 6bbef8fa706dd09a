// Measures what the other users of the foreign call receive from the bridge: every picture's
// colour, and all tones.

/** The point where a picture's colour is read, as parts of its width and height. */
const PLACE = 0.25;
/** The threshold of a tone, in dB: below one of amplitude 0.1, and far above codec noise. */
const AUDIBLE = -45;
/** The polling period in milliseconds: shorter than the analyser's window, to miss nothing. */
const INTERVAL = 100;

export type Rgb = [red: number, green: number, blue: number];

/** What was received of one kind. */
export interface Got {
  /** The number of pictures of each colour, by `red,green,blue` in steps of 16. */
  colours: Record<string, number>;
  /** The newest colour. */
  colour: Rgb | null;
  size: [number, number];
  frames: number;
  /** All frequencies that were ever loud, in Hz, rounded to a tone's width. */
  heard: number[];
  /** The frequencies that are loud now. */
  tones: number[];
  /** The amount of analysed sound, silence included. */
  seconds: number;
}

/** Reads a track until it ends. */
export class FarEnd {
  readonly got: Got = {
    colours: {},
    colour: null,
    size: [0, 0],
    frames: 0,
    heard: [],
    tones: [],
    seconds: 0,
  };
  #stop = () => {};

  constructor(track: MediaStreamTrack) {
    if (track.kind === 'video') this.#look(track);
    else this.#listen(track);
  }

  close(): void {
    this.#stop();
  }

  /** Resets the results. */
  forget(): void {
    Object.assign(this.got, { colours: {}, heard: [], frames: 0, colour: null });
  }

  async #look(track: MediaStreamTrack): Promise<void> {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    this.#stop = () => void reader.cancel();
    for (;;) {
      const { done, value: frame } = await reader.read();
      if (done) return;
      const colour = await colourOf(frame);
      this.got.size = [frame.displayWidth, frame.displayHeight];
      frame.close();
      this.got.frames += 1;
      this.got.colour = colour;
      const name = colour.map((value) => (value & ~15) + 8).join();
      this.got.colours[name] = (this.got.colours[name] ?? 0) + 1;
    }
  }

  #listen(track: MediaStreamTrack): void {
    const stream = new MediaStream([track]);
    // Chromium decodes the sound of a connection only while an element plays it.
    const player = document.createElement('video');
    player.muted = true;
    player.srcObject = stream;
    player.play().catch(() => {});
    const context = new AudioContext({ sampleRate: 48_000 });
    const ear = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(ear);
    const spectrum = new Float32Array(ear.frequencyBinCount);
    const timer = setInterval(() => {
      ear.getFloatFrequencyData(spectrum);
      this.got.seconds = context.currentTime;
      this.got.tones = peaks(spectrum).map((bin) => Math.round((bin * 48_000) / ear.fftSize));
      for (const tone of this.got.tones) {
        if (!this.got.heard.some((known) => Math.abs(known - tone) < 30)) this.got.heard.push(tone);
      }
    }, INTERVAL);
    this.#stop = () => {
      clearInterval(timer);
      player.srcObject = null;
      void context.close();
    };
  }
}

/** Returns the audible bins that are louder than their neighbours. */
function peaks(spectrum: Float32Array): number[] {
  const at = (bin: number) => spectrum[bin] ?? -Infinity;
  const most = Math.max(...spectrum);
  return [...spectrum.keys()].filter(
    (bin) =>
      bin > 1 &&
      at(bin) > Math.max(AUDIBLE, most - 25) &&
      at(bin) >= at(bin - 1) &&
      at(bin) > at(bin + 1),
  );
}

/** Reads a few pixels, without converting the whole frame. */
async function colourOf(frame: VideoFrame): Promise<Rgb> {
  const even = (value: number) => 2 * Math.floor(value / 2);
  const { x: left, y: top, width, height } = frame.visibleRect!;
  const rect = {
    x: left + even(PLACE * width),
    y: top + even(PLACE * height),
    width: 2,
    height: 2,
  };
  const data = new Uint8Array(frame.allocationSize({ rect }));
  const layout = await frame.copyTo(data, { rect });
  const first = (plane: number) => data[layout[plane]!.offset]!;
  if (frame.format === 'I420') return rgb(first(0), first(1), first(2), frame.colorSpace);
  if (frame.format === 'NV12') {
    return rgb(first(0), first(1), data[layout[1]!.offset + 1]!, frame.colorSpace);
  }
  const [one, green, three] = data as unknown as Rgb;
  return frame.format?.startsWith('BGR') ? [three, green, one] : [one, green, three];
}

function rgb(y: number, u: number, v: number, { matrix, fullRange }: VideoColorSpace): Rgb {
  const [red, blue] = matrix === 'bt709' ? [0.2126, 0.0722] : [0.299, 0.114];
  const luma = fullRange ? y : ((y - 16) * 255) / 219;
  const scale = fullRange ? 1 : 255 / 224;
  const [fromBlue, fromRed] = [(u - 128) * scale, (v - 128) * scale];
  const r = luma + 2 * (1 - red) * fromRed;
  const b = luma + 2 * (1 - blue) * fromBlue;
  const g = (luma - red * r - blue * b) / (1 - red - blue);
  return [r, g, b].map((value) => Math.round(Math.max(0, Math.min(255, value)))) as Rgb;
}
