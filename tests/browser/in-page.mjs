// The part of an actor that is in the page.

/**
 * Runs in the page, so it cannot use this file's scope. Creates the `window.actor` that `Actor`
 * calls.
 */
export async function install(colours) {
  // A variable, so that tools do not look for a file beside this one.
  const address = '/acscall.js';
  const { CallClient, LocalAudioStream, LocalVideoStream } = await import(address);
  /** The frame rate: low, since all share two cores. */
  const RATE = 10;
  const audio = new AudioContext();
  const views = new Map();
  const ears = new Map();
  const events = [];
  let call = null;
  let agent = null;

  /** Needs no gesture where devices need none. */
  function tone(frequency) {
    const oscillator = new OscillatorNode(audio, { frequency });
    const destination = audio.createMediaStreamDestination();
    oscillator.connect(new GainNode(audio, { gain: 0.15 })).connect(destination);
    oscillator.start();
    return new LocalAudioStream(destination.stream);
  }

  function picture(colour, [width, height] = [160, 120]) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const paint = canvas.getContext('2d');
    let count = 0;
    const draw = () => {
      count += 1;
      paint.fillStyle = `rgb(${colours[colour]})`;
      paint.fillRect(0, 0, width, height);
      // Something that moves, at the lower edge.
      paint.fillStyle = '#888';
      paint.fillRect((3 * count) % width, 0.9 * height, width / 10, height / 10);
    };
    draw();
    setInterval(draw, 1000 / RATE);
    return new LocalVideoStream(canvas.captureStream(RATE));
  }

  async function options({ tone: frequency, colour, size }) {
    const streams = [];
    if (colour === 'device') {
      const devices = await new CallClient().getDeviceManager();
      streams.push(new LocalVideoStream((await devices.getCameras())[0]));
    } else if (colour) {
      streams.push(picture(colour, size));
    }
    const audioOptions =
      frequency === 'device'
        ? {}
        : frequency
          ? { localAudioStreams: [tone(frequency)] }
          : { muted: true };
    return {
      audioOptions,
      ...(streams.length && { videoOptions: { localVideoStreams: streams } }),
    };
  }

  function use(begun) {
    call = begun;
    call.on('mediaError', ({ error, mediaType }) => {
      events.push({ mediaError: mediaType, code: error.code, message: error.message });
    });
  }

  const nameOf = (participant) => participant.identifier.communicationUserId;
  const find = (user) => call?.remoteParticipants.find((one) => nameOf(one) === user);

  /** Plays `stream` in the page. */
  async function viewOf(stream) {
    const known = views.get(stream);
    if (known) return known;
    const video = document.createElement('video');
    Object.assign(video, { muted: true, playsInline: true, width: 80, height: 60 });
    views.set(stream, video);
    document.body.append(video);
    video.srcObject = await stream.getMediaStream();
    video.play().catch(() => {});
    return video;
  }

  /** The decoded frames; the number of painted ones depends on the load of the machine. */
  async function framesOf(user, type) {
    const kind = type === 'Video' ? 'video' : 'screen';
    const isIt = (one) => one.direction === 'receive' && one.user === user && one.kind === kind;
    return (await call.getStats()).find(isIt)?.framesDecoded ?? 0;
  }

  async function earOf(stream) {
    const known = ears.get(stream);
    if (known) return known;
    const ear = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0 });
    ears.set(stream, ear);
    audio.createMediaStreamSource(await stream.getMediaStream()).connect(ear);
    return ear;
  }

  window.actor = {
    async enter(part) {
      agent ??= await new CallClient().createCallAgent({ user: part.user });
      const its = await options(part);
      use(
        part.callees ? agent.startCall(part.callees, its) : agent.join({ groupId: part.call }, its),
      );
      await new Promise((resolve, reject) => {
        const look = () => {
          if (call.state === 'Connected') resolve();
          if (call.state !== 'Disconnected') return;
          reject(new Error(`the call ended: ${JSON.stringify(call.callEndReason)}`));
        };
        call.on('stateChanged', look);
        look();
      });
      if (part.screen) await call.startScreenSharing(picture(part.screen, part.size));
    },

    async wait(part) {
      agent ??= await new CallClient().createCallAgent({ user: part.user });
      agent.on('incomingCall', async ({ incomingCall }) => {
        use(await incomingCall.accept(await options(part)));
        if (part.screen) await call.startScreenSharing(picture(part.screen, part.size));
      });
    },

    state() {
      return {
        state: call?.state ?? 'none',
        end: call?.callEndReason ?? null,
        others: (call?.remoteParticipants ?? []).map((one) => ({
          user: nameOf(one),
          state: one.state,
          isMuted: one.isMuted,
          isSpeaking: one.isSpeaking,
        })),
        reconnecting: call?.reconnecting ?? false,
        isMuted: call?.isMuted ?? null,
        isLocalVideoStarted: call?.isLocalVideoStarted ?? null,
        events,
      };
    },

    async send({ tone: frequency, colour, size }) {
      if (frequency) await call.startAudio(tone(frequency));
      if (colour === undefined) return;
      const [sent] = call.localVideoStreams;
      if (!colour) await call.stopVideo(sent);
      else if (sent) await sent.setMediaStream(await picture(colour, size).getMediaStream());
      else await call.startVideo(picture(colour, size));
    },

    async devices() {
      const devices = await new CallClient().getDeviceManager();
      const all = await Promise.all([devices.getCameras(), devices.getMicrophones()]);
      return all.flat().map(({ name }) => name);
    },

    hangUp: () => call.hangUp(),
    stopScreenSharing: () => call.stopScreenSharing(),

    async look({ user, kind }) {
      const stream = find(user)?.videoStreams.find((one) => one.mediaStreamType === kind);
      if (!stream?.isAvailable) return null;
      const video = await viewOf(stream);
      const { videoWidth, videoHeight } = video;
      if (!videoWidth) return null;
      const paint = new OffscreenCanvas(1, 1).getContext('2d');
      paint.drawImage(video, videoWidth / 4, videoHeight / 4, 1, 1, 0, 0, 1, 1);
      const colour = [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)];
      return { colour, frames: await framesOf(user, kind), size: [videoWidth, videoHeight] };
    },

    /** Returns those of `tones` that are in the sound, in ascending order. */
    async listen({ user, tones }) {
      const stream = user ? find(user)?.audioStream : call?.remoteAudioStreams[0];
      if (!stream) return null;
      const ear = await earOf(stream);
      const spectrum = new Float32Array(ear.frequencyBinCount);
      ear.getFloatFrequencyData(spectrum);
      const loudness = (frequency) => {
        const bin = Math.round((frequency * ear.fftSize) / audio.sampleRate);
        return Math.max(...spectrum.subarray(bin - 1, bin + 2));
      };
      // A sent tone is left at about -25 or more; codec noise at about -60.
      return tones.filter((frequency) => loudness(frequency) > -45);
    },
  };
}
