// The sound of ringing, of a call that comes in and of one that goes out.

/** Whatever rings is over before that, in seconds. */
const LONGEST = 120;

/** In Hz and seconds: tones, loudness of 1, and when each sounds within a period. */
const SOUNDS = {
  incoming: { tones: [660, 880], loudness: 0.12, period: 3, bursts: [[0, 0.4], [0.6, 1]] },
  outgoing: { tones: [425], loudness: 0.04, period: 4, bursts: [[0, 1]] },
};

/** How fast a tone comes and goes, in seconds: without that it clicks. */
const EDGE = 0.015;

/** @type {AudioContext | null} */
let context = null;
let sounding = null;

/** Makes this sound from now on: `incoming`, `outgoing` or null. */
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
  // All of it now: a page in the background has slow timers.
  for (let at = context.currentTime; at < LONGEST; at += period) {
    for (const [from, to] of bursts) {
      volume.gain.setTargetAtTime(loudness, at + from, EDGE);
      volume.gain.setTargetAtTime(0, at + to, EDGE);
    }
  }
}
