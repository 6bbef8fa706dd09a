// The level of a stream, for a meter.

/** The levels at the ends of the meter, in decibels (RMS): a whisper, and close speech. */
const QUIET = -60;
const LOUD = -12;

export class Level {
  #context = new AudioContext();
  #frame = 0;

  /**
   * @param {MediaStream} stream
   * @param {(level: number) => void} show Called with 0 to 1 before each repaint.
   */
  constructor(stream, show) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const look = () => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
      const loudness = 10 * Math.log10(power + 1e-9);
      show(Math.min(1, Math.max(0, (loudness - QUIET) / (LOUD - QUIET))));
      this.#frame = requestAnimationFrame(look);
    };
    look();
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.#context.close();
  }
}
