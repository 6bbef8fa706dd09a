// The page in which the fences run: the names that they use without defining them, and measurements
// of their results. Loaded from the server's origin, beside acscall.js.

import * as acscall from '/acscall.js';

const { AgoraRTC, CallClient, LocalAudioStream, LocalVideoStream } = acscall;

let agent;
let devices;

/** The results of the fences' getMediaStream() of remote streams: `{type, stream}`. */
const given = [];
for (const { prototype } of [acscall.RemoteAudioStream, acscall.RemoteVideoStream]) {
  const { getMediaStream } = prototype;
  prototype.getMediaStream = async function remembering() {
    const stream = await getMediaStream.call(this);
    given.push({ type: this.mediaStreamType ?? 'Audio', stream });
    return stream;
  };
}

/** The tracks that the fences created with Agora's functions. */
const made = [];
const agora = {
  ...AgoraRTC,
  createCustomVideoTrack(options) {
    made.push(AgoraRTC.createCustomVideoTrack(options));
    return made.at(-1);
  },
};

/** The values for the documents' placeholders. */
const ANOTHER_CAMERA = '<another camera that you want to switch to>';

/** The device manager, in which the camera with that name is the one at `index`. */
function managerWith(index) {
  const renamed = (camera) => ({ ...camera, id: ANOTHER_CAMERA });
  return {
    async getCameras() {
      const cameras = await devices.getCameras();
      const find = (accept) =>
        cameras.find((camera, at) => accept(at === index ? renamed(camera) : camera));
      return Object.assign([...cameras], { find });
    },
  };
}

/** The default timeout in milliseconds. */
const TIMEOUT = 60_000;

/** The colours of the shared tab: 4 by 3. */
const PATCHES = [
  ...['red', 'lime', 'blue', 'yellow', 'cyan', 'magenta'],
  ...['white', 'black', 'gray', 'orange', 'purple', 'teal'],
];

const WHITE = PATCHES.indexOf('white');

const theCall = () => agent.calls[0];

/** Starts calls with the camera on, for fences that do not say. */
const withCamera = {
  startCall: (userId) => agent.startCall(userId, { videoOptions: { localVideoStreams: [camera] } }),
};
let camera;

/** The names that fences use without defining them. A fence has one video stream or none. */
const FREE = {
  AgoraRTC: () => agora,
  LocalAudioStream: () => LocalAudioStream,
  LocalVideoStream: () => LocalVideoStream,
  call: theCall,
  callAgent: () => (camera ? withCamera : agent),
  localScreenSharingStream: () => theCall().localVideoStreams[0],
  localVideoStream: () => camera ?? theCall().localVideoStreams[0],
  remoteParticipants: () => theCall().remoteParticipants,
};

/** The analyser of the received sound. */
let analyser = null;

/** The progress of a fence in two parts. */
const middle = Promise.withResolvers();
const checked = Promise.withResolvers();

window.seeds = {
  acscall,
  theCall,
  given,
  made,
  checked,

  /** Prepares to place calls as `user`. */
  async start(user) {
    const client = new CallClient();
    [agent, devices] = await Promise.all([
      client.createCallAgent({ user }),
      client.getDeviceManager(),
    ]);
  },

  /** Starts calls with this camera from now on. */
  async useCamera(index) {
    camera = new LocalVideoStream((await devices.getCameras())[index]);
  },

  /** Starts a call like the fences do, for a fence that needs one. */
  startCall(userId) {
    (camera ? withCamera : agent).startCall(userId);
  },

  /** Describes our own video stream. */
  ownVideo() {
    const [stream] = theCall().localVideoStreams;
    return stream && { type: stream.mediaStreamType, source: stream.source?.name };
  },

  /** Sends a picture of one colour instead of the camera. */
  async paint(colour) {
    const stream = canvasOf(colour).captureStream();
    await theCall().localVideoStreams[0].setMediaStream(stream);
  },

  /** Sends the track that the fence has created; returns its kind. */
  async publishMade() {
    const track = await until(() => made.at(-1));
    await theCall().publish(track);
    return track.trackMediaType;
  },

  /** Sends a canvas of this colour. */
  async publishCanvas(colour) {
    const [mediaStreamTrack] = canvasOf(colour).captureStream().getVideoTracks();
    await theCall().publish(AgoraRTC.createCustomVideoTrack({ mediaStreamTrack }));
  },

  /** Sends picture and sound of a <video> that plays a recording of this colour and tone. */
  async publishFilm(colour, frequency) {
    const video = document.createElement('video');
    video.src = URL.createObjectURL(await recordingOf(colour, frequency));
    video.loop = true;
    await video.play();
    const stream = video.captureStream();
    const [picture, sound] = [stream.getVideoTracks()[0], stream.getAudioTracks()[0]];
    await theCall().publish([
      AgoraRTC.createCustomVideoTrack({ mediaStreamTrack: picture }),
      AgoraRTC.createCustomAudioTrack({ mediaStreamTrack: sound }),
    ]);
  },

  /** Fills the page with the patches. */
  showPatches() {
    const patches = PATCHES.map((colour, at) => {
      const patch = document.createElement('div');
      const [left, top] = [320 * (at % 4), 240 * Math.floor(at / 4)];
      patch.style.cssText = `position: fixed; left: ${left}px; top: ${top}px; width: 320px;
        height: 240px; background: ${colour}`;
      return patch;
    });
    const [last] = patches.slice(-1);
    // A tab without changes may deliver no frames.
    const dot = document.createElement('div');
    dot.style.cssText = 'width: 8px; height: 8px; background: black';
    dot.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 500, iterations: Infinity });
    last.append(dot);
    document.body.append(...patches);
  },

  /**
   * Waits until the sent canvas shows something; returns the colour of each patch there, and on a
   * canvas of our own with the same filter that shows the same tab.
   */
  async patchesArePainted() {
    const context = await until(sentContext);
    const pixel = (of, at) => {
      const [x, y] = [160 + 320 * (at % 4), 120 + 240 * Math.floor(at / 4)];
      return [...of.getImageData(x, y, 1, 1).data.subarray(0, 3)];
    };
    await until(() => pixel(context, WHITE)[0] > 0);
    const { canvas } = context;
    const own = Object.assign(document.createElement('canvas'), {
      width: canvas.width,
      height: canvas.height,
    });
    const reference = own.getContext('2d', { willReadFrequently: true });
    reference.filter = 'grayscale(1)';
    const video = document.createElement('video');
    video.srcObject = await navigator.mediaDevices.getDisplayMedia();
    video.autoplay = true;
    await until(() => {
      reference.drawImage(video, 0, 0, own.width, own.height);
      return pixel(reference, WHITE)[0] > 0;
    });
    for (const track of video.srcObject.getTracks()) track.stop();
    return PATCHES.map((_, at) => ({
      painted: pixel(context, at),
      expected: pixel(reference, at),
    }));
  },

  /** Returns the red channel of the sent canvas, which suffices for gray. */
  async paintedGray() {
    const context = await sentContext();
    const { width, height } = context.canvas;
    const { data } = context.getImageData(0, 0, width, height);
    const red = data.filter((_, at) => at % 4 === 0);
    return { width, height, base64: await base64(red) };
  },

  /**
   * Runs a fence to its end. The second part of a split fence waits until `checked` is resolved;
   * `atMiddle` reports the end of the first.
   * @param {string[]} parts
   * @param {string[]} free The names that are provided.
   * @param {number} [anotherCamera] The index of the camera to switch to.
   */
  async run(parts, free, anotherCamera) {
    const check = async () => {
      middle.resolve();
      await checked.promise;
    };
    const AsyncFunction = check.constructor;
    const run = new AsyncFunction('check', ...free, parts.join('\nawait check();\n'));
    const self = {
      get call() {
        return theCall();
      },
      deviceManager: managerWith(anotherCamera),
      get localVideoStream() {
        return FREE.localVideoStream();
      },
      state: { videoOn: true },
    };
    await run.call(self, check, ...free.map((name) => FREE[name]()));
  },

  atMiddle: () => middle.promise,

  /** Fulfilled once the call is in this state. */
  hasState(state) {
    const call = theCall();
    return new Promise((resolve) => {
      const look = () => {
        if (call.state !== state) return;
        call.off('stateChanged', look);
        resolve();
      };
      call.on('stateChanged', look);
      look();
    });
  },

  /** Returns the last `size` samples of the received sound. */
  async readSound(size) {
    if (!analyser) {
      const { stream } = await waitForGiven('Audio');
      const context = new AudioContext({ sampleRate: 48_000 });
      analyser = new AnalyserNode(context, { fftSize: size });
      context.createMediaStreamSource(stream).connect(analyser);
    }
    const samples = new Float32Array(size);
    analyser.getFloatTimeDomainData(samples);
    return [...samples];
  },

  /** Waits until another participant is in the call. */
  othersAreThere: () => until(() => theCall().remoteParticipants.length > 0),

  /** Waits until the other's video of this type is, or is not, available. */
  isAvailable: (type, available) =>
    until(() => {
      const { videoStreams } = theCall().remoteParticipants[0];
      return videoStreams.find((one) => one.mediaStreamType === type).isAvailable === available;
    }),

  /**
   * Returns the picture number `count` of the received video of this type, in I420 with GStreamer's
   * strides, in base64.
   */
  async readPicture(type, count = 10) {
    const { stream } = await waitForGiven(type);
    const [track] = stream.getVideoTracks();
    const reader = new MediaStreamTrackProcessor({ track: track.clone() }).readable.getReader();
    for (let number = 1; ; number += 1) {
      const { value: frame } = await reader.read();
      if (number < count) {
        frame.close();
        continue;
      }
      const picture = await copyOf(frame);
      frame.close();
      await reader.cancel();
      return picture;
    }
  },
};

/** Creates a canvas that is painted with this colour repeatedly. */
function canvasOf(colour) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
  const context = canvas.getContext('2d');
  setInterval(() => {
    context.fillStyle = colour;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 50);
  return canvas;
}

/** Records a film of two seconds with this tone. */
async function recordingOf(colour, frequency) {
  const context = new AudioContext();
  const sound = new OscillatorNode(context, { frequency });
  const destination = new MediaStreamAudioDestinationNode(context);
  sound.connect(destination);
  sound.start();
  const tracks = [canvasOf(colour).captureStream(), destination.stream].flatMap((stream) =>
    stream.getTracks(),
  );
  const recorder = new MediaRecorder(new MediaStream(tracks), { mimeType: 'video/webm' });
  const pieces = [];
  recorder.addEventListener('dataavailable', ({ data }) => pieces.push(data));
  recorder.start(100);
  await until(() => context.currentTime > 2);
  const stopped = new Promise((resolve) => recorder.addEventListener('stop', resolve));
  recorder.stop();
  await stopped;
  await context.close();
  return new Blob(pieces, { type: recorder.mimeType });
}

/** Returns a context to paint on the canvas that is our only video stream. */
async function sentContext() {
  const stream = await theCall().localVideoStreams[0].getMediaStream();
  return stream.getVideoTracks()[0].canvas?.getContext('2d');
}

function waitForGiven(type) {
  return until(() => given.findLast((one) => one.type === type));
}

/** Polls `get` until its result is true; gives up before the test times out. */
async function until(get) {
  const end = performance.now() + TIMEOUT;
  for (;;) {
    const got = await get();
    if (got) return got;
    if (performance.now() > end) throw new Error(`not within ${TIMEOUT} ms: ${get}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function copyOf(frame) {
  const { width, height } = frame.visibleRect;
  const up = (value, to) => Math.ceil(value / to) * to;
  const [luma, chroma] = [up(width, 4), up(up(width, 2) / 2, 4)];
  const size = luma * up(height, 2);
  const layout = [
    { offset: 0, stride: luma },
    { offset: size, stride: chroma },
    { offset: size + (chroma * up(height, 2)) / 2, stride: chroma },
  ];
  const data = new Uint8Array(size + chroma * up(height, 2));
  await frame.copyTo(data, { layout });
  return { width, height, base64: await base64(data) };
}

async function base64(data) {
  const read = new FileReader();
  read.readAsDataURL(new Blob([data]));
  await new Promise((resolve) => read.addEventListener('load', resolve));
  return read.result.split(',')[1];
}
