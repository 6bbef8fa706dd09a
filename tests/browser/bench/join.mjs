// Measures the time from `agent.join()` in a page to the first painted frame of a GStreamer
// pipeline in the call. Prints the median and the 95th percentile.
//
//   node bench/join.mjs [--joins 20] [--size 1280x720] [--steps]

import { parseArgs } from 'node:util';
import { Pipeline } from '../gst.mjs';
import { Server, startBrowser } from '../harness.mjs';

const { values } = parseArgs({
  options: {
    joins: { type: 'string', default: '20' },
    size: { type: 'string', default: '1280x720' },
    steps: { type: 'boolean', default: false },
  },
});
const [width, height] = values.size.split('x');

const server = await Server.start();
const browser = await startBrowser();
const pipeline = new Pipeline(
  `videotestsrc is-live=true ! video/x-raw,width=${width},height=${height},framerate=30/1
   ! acscallsink user=gst call=bench server=${server.signalling}`,
  { verbose: false },
);
try {
  // An uncounted round fills the caches of the server, the browser and the pipeline.
  await join();
  const all = [];
  for (let n = 0; n < Number(values.joins); n += 1) {
    const steps = await join();
    if (values.steps) console.log(JSON.stringify(steps));
    all.push(steps);
  }
  for (const step of Object.keys(all[0])) {
    const times = all.map((steps) => steps[step]).sort((a, b) => a - b);
    const at = (share) => Math.round(times[Math.ceil(share * times.length) - 1]);
    console.log(`${step}: median ${at(0.5)} ms, p95 ${at(0.95)} ms of ${times.length} joins`);
  }
} finally {
  await browser.close();
  await pipeline.stop('SIGKILL');
  await server.kill();
}

/** Joins from a new page and leaves; returns the milliseconds from the join to each step. */
async function join() {
  const context = await browser.newContext();
  const page = await context.newPage();
  // Any document of the server without a script.
  await page.goto(`${server.url}acscall.js`);
  const steps = await page.evaluate(async () => {
    const { CallClient } = await import('/acscall.js');
    const agent = await new CallClient().createCallAgent({ user: `page-${Math.random()}` });
    const start = performance.now();
    const steps = {};
    const done = (step) => {
      steps[step] ??= performance.now() - start;
    };
    const call = agent.join({ groupId: 'bench' }, { audioOptions: { muted: true } });
    const painted = new Promise((resolve, reject) => {
      const show = async (stream) => {
        if (!stream.isAvailable || steps.available) return;
        done('available');
        const video = document.createElement('video');
        document.body.prepend(video);
        video.muted = true;
        video.srcObject = await stream.getMediaStream();
        done('stream');
        video.addEventListener('resize', () => done('decoded'), { once: true });
        video.requestVideoFrameCallback(resolve);
        await video.play();
      };
      const see = (participant) => {
        const changed = () => participant.state === 'Connected' && done('leg');
        participant.on('stateChanged', changed);
        changed();
        const stream = participant.videoStreams.find((s) => s.mediaStreamType === 'Video');
        stream.on('isAvailableChanged', () => show(stream).catch(reject));
        show(stream).catch(reject);
      };
      call.on('stateChanged', () => {
        if (call.state === 'Connected') done('connected');
        if (call.state === 'Disconnected') reject(new Error(JSON.stringify(call.callEndReason)));
      });
      call.on('remoteParticipantsUpdated', ({ added }) => added.forEach(see));
      call.remoteParticipants.forEach(see);
    });
    await painted;
    done('painted');
    await call.hangUp();
    await agent.dispose();
    return steps;
  });
  await context.close();
  return steps;
}
