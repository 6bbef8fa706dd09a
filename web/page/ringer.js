// The ringing tones of incoming and outgoing calls.

/** The longest ringing, in seconds. */
const LONGEST = 120;

/** The tones in Hz, their gain, the period and the bursts within it in seconds. */
const SOUNDS = {
  incoming: { tones: [660, 880], loudness: 0.12, period: 3, bursts: [[0, 0.4], [0.6, 1]] },
  outgoing: { tones: [425], loudness: 0.04, period: 4, bursts: [[0, 1]] },
};

/** The time constant of the envelope, in seconds, which prevents clicks. */
const EDGE = 0.015;

/** @type {AudioContext | null} */
let context = null;
let sounding = null;

/** Plays this sound from now on: `incoming`, `outgoing` or null. */
export function ring(which) {
  if (which === sounding) return;
  sounding = which;
  context?.close();
  context = null;
  if (!which) return;
  const { tones, loudness, period, bursts } = SOUNDS[which];
  context = new AudioContext();
  const volume = context.createGain();
  volume.gain.value = 0;
  volume.connect(context.destination);
  for (const frequency of tones) {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(volume);
    tone.start();
  }
  // Schedules everything now, since a page in the background has slow timers.
  for (let at = context.currentTime; at < LONGEST; at += period) {
    for (const [from, to] of bursts) {
      volume.gain.setTargetAtTime(loudness, at + from, EDGE);
      volume.gain.setTargetAtTime(0, at + to, EDGE);
    }
  }
}
