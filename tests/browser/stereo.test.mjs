// The two channels of a sound, each with a tone of its own, between browsers and pipelines.

import { waitFor } from './harness.mjs';
import { isIn, joinQuietly, makeLabs } from './library/lab.mjs';
import { Pipeline } from './gst.mjs';
import { Ear } from './witness.mjs';

/** The tones of the left and the right channel, in Hz. */
const ALICE = [410, 970];
const PIPELINE = [1370, 2310];

const inLab = makeLabs();

inLab('browsers and pipelines receive the left and the right channel of each other', {}, async (lab, t) => {
  const at = `server=${lab.server.signalling} call=tea embedded-server=false`;
  const source = (number) =>
    `audiotestsrc is-live=true freq=${PIPELINE[number]} volume=0.2
     ! audio/x-raw,format=S16LE,rate=48000,channels=1,channel-mask=(bitmask)0x${1 + number}
     ! mix.sink_${number}`;
  const channel = (number) =>
    `channels.src_${number} ! queue ! audioconvert ! audio/x-raw,format=S16LE,channels=1
     ! fdsink fd=${3 + number} sync=false async=false`;
  const pipeline = new Pipeline(
    `interleave name=mix channel-positions-from-input=true ! acscallsink ${at} user=pipeline
     ${source(0)} ${source(1)}
     acscallsrc name=c ${at} user=pipeline
       c.audio_alice ! audioconvert ! audio/x-raw,channels=2 ! deinterleave name=channels
     ${channel(0)} ${channel(1)}`,
    { verbose: false, pipes: 2 },
  );
  t.after(() => pipeline.stop('SIGKILL'));
  const [alice, bob] = await Promise.all([lab.page('alice'), lab.page('bob')]);
  await alice.evaluate((tones) => {
    const context = new AudioContext({ sampleRate: 48_000 });
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    tones.forEach((frequency, channel) => {
      const oscillator = new OscillatorNode(context, { frequency });
      oscillator.connect(new GainNode(context, { gain: 0.3 })).connect(merger, 0, channel);
      oscillator.start();
    });
    const { stream } = merger.connect(context.createMediaStreamDestination());
    const voice = new lib.LocalAudioStream(stream);
    watch(agent.join({ groupId: 'tea' }, { audioOptions: { localAudioStreams: [voice] } }));
  }, ALICE);
  await joinQuietly(bob, 'tea');
  await isIn(bob, 'Connected');

  const ears = [3, 4].map((descriptor) => new Ear(pipeline.process.stdio[descriptor]));
  await waitFor(
    'a tone per channel at the pipeline',
    () => ({ heard: ears.map((ear) => ear.tones()), errors: pipeline.errors.slice(-5) }),
    ({ heard }) => `${heard}` === `${ALICE}`,
  );
  await bob.evaluate(async () => {
    window.context ??= new AudioContext({ sampleRate: 48_000 });
    const mix = await call.remoteAudioStreams[0].getMediaStream();
    const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    context.createMediaStreamSource(mix).connect(splitter);
    window.channels = [0, 1].map((channel) => {
      const { stream } = splitter.connect(context.createMediaStreamDestination(), channel);
      return ear(stream);
    });
  });
  const expected = [0, 1].map((channel) => [ALICE[channel], PIPELINE[channel]]);
  await bob.waitForFunction(
    (expected) =>
      expected.every((tones, channel) => {
        const heard = channels[channel]();
        const isNear = (one, bound) => (other) => Math.abs(one - other) < bound;
        return (
          tones.every((tone) => heard.some(isNear(tone, 20))) &&
          heard.every((hertz) => tones.some(isNear(hertz, 60)))
        );
      }),
    expected,
  );
});

