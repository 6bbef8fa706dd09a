// Sending streams of the application, microphones and screens.

import { inPage } from './streams.mjs';

inPage(
  'a stream replaces a camera at once, which closes the camera but not its copies',
  { at: 2, same: true, types: ['Video', 'RawMedia'], camera: 'ended', copy: 'live', events: 1 },
  async () => {
    const [camera] = await devices.getCameras();
    const stream = new LocalVideoStream(camera);
    const sink = await attach(stream);
    const types = [stream.mediaStreamType];
    const [copy] = (await stream.getMediaStream()).getTracks();
    const fired = events(stream, 'videoSourceChanged');
    const canvas = canvasStream();
    const done = stream.setMediaStream(canvas);
    const at = sink.tracks.length;
    await done;
    types.push(stream.mediaStreamType);
    return {
      at,
      same: sink.last === canvas.getTracks()[0],
      types,
      camera: sink.tracks[0].readyState,
      copy: copy.readyState,
      events: fired.length,
    };
  },
);

inPage(
  'a stream set while a camera opens stays, and the camera is closed',
  { same: true, type: 'RawMedia', fulfilled: null, states: ['ended'] },
  async () => {
    await devices.askDevicePermission({ video: true });
    const cameras = captured();
    const [first] = await devices.getCameras();
    const stream = new LocalVideoStream(canvasStream());
    const sink = await attach(stream);
    const switched = stream.switchSource(first);
    const canvas = canvasStream();
    await stream.setMediaStream(canvas);
    const fulfilled = await refusal(switched);
    await until(() => cameras[0]?.readyState === 'ended');
    return {
      same: sink.last === canvas.getTracks()[0],
      type: stream.mediaStreamType,
      fulfilled,
      states: cameras.map(({ readyState }) => readyState),
    };
  },
);

inPage(
  'a stream set while its camera opens for the first time is sent instead',
  { same: true, type: 'RawMedia', states: ['ended'] },
  async () => {
    await devices.askDevicePermission({ video: true });
    const cameras = captured();
    const [camera] = await devices.getCameras();
    const stream = new LocalVideoStream(camera);
    const attaching = attach(stream);
    const canvas = canvasStream();
    await stream.setMediaStream(canvas);
    const sink = await attaching;
    await until(() => cameras[0]?.readyState === 'ended');
    return {
      same: sink.last === canvas.getTracks()[0],
      type: stream.mediaStreamType,
      states: cameras.map(({ readyState }) => readyState),
    };
  },
);

inPage(
  'a stream that the application stops has ended, and no device replaces it',
  { video: true, audio: true, opened: 0, again: 400, other: 'live' },
  async () => {
    const [picture, sound] = [canvasStream(), toneStream()];
    const [video, audio] = [new LocalVideoStream(picture), new LocalAudioStream(sound)];
    const [videoSink, audioSink] = [await attach(video), await attach(audio)];
    picture.getTracks()[0].stop();
    sound.getTracks()[0].stop();
    await until(() => videoSink.hasEnded && audioSink.hasEnded);
    const again = await refusal(attach(video));
    await video.setMediaStream(canvasStream());
    const other = (await attach(video)).last.readyState;
    return { video: videoSink.hasEnded, audio: audioSink.hasEnded, opened, again, other };
  },
);

inPage(
  'a stream ends with its connection, and continues with another track',
  { replaced: true, endedThen: false, ended: true },
  async () => {
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    const sender = from.addTrack(canvasStream().getTracks()[0]);
    const got = new Promise((resolve) => to.addEventListener('track', resolve));
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    const { track } = await got;
    const relayed = new MediaStream([track]);
    const stream = new LocalVideoStream(relayed);
    const sink = await attach(stream);
    // The library does this when a leg is replaced.
    const next = canvasStream().getTracks()[0];
    relayed.addTrack(next);
    relayed.dispatchEvent(new MediaStreamTrackEvent('addtrack', { track: next }));
    const replaced = sink.last === next;
    relayed.removeTrack(track);
    to.close();
    await until(() => track.readyState === 'ended');
    const endedThen = sink.hasEnded;
    next.stop();
    await until(() => sink.hasEnded);
    sender.track.stop();
    return { replaced, endedThen, ended: sink.hasEnded };
  },
);

inPage('sound from a connection is relayed even if nothing plays it', true, async () => {
  const connect = async (track) => {
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    for (const [one, other] of [
      [from, to],
      [to, from],
    ]) {
      one.addEventListener('icecandidate', ({ candidate }) => other.addIceCandidate(candidate));
    }
    const sender = from.addTrack(track);
    const got = new Promise((resolve) => to.addEventListener('track', resolve));
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    return { sender, track: (await got).track };
  };
  const first = await connect(toneStream().getTracks()[0]);
  const sink = await attach(new LocalAudioStream(new MediaStream([first.track])));
  const second = await connect(sink.last);
  await until(async () => {
    const reports = [...(await second.sender.getStats()).values()];
    return reports.some(
      ({ type, totalAudioEnergy }) => type === 'media-source' && totalAudioEnergy > 0.01,
    );
  });
  return true;
});

inPage(
  'a disposed stream is not sent, its copies end, and it cannot be used again',
  { ended: true, camera: 'ended', copy: 'ended', codes: [400, 400, 400, 400] },
  async () => {
    const [camera] = await devices.getCameras();
    const stream = new LocalVideoStream(camera);
    const sink = await attach(stream);
    const [copy] = (await stream.getMediaStream()).getTracks();
    stream.dispose();
    stream.dispose();
    return {
      ended: sink.hasEnded,
      camera: sink.last.readyState,
      copy: copy.readyState,
      codes: [
        await refusal(attach(stream)),
        await refusal(stream.getMediaStream()),
        await refusal(stream.setMediaStream(canvasStream())),
        await refusal(stream.switchSource(camera)),
      ],
    };
  },
);

// ---- Microphones

inPage(
  'a microphone opened before the call is the one that is sent, and closes after it',
  { same: true, type: 'Audio', named: true, between: 'live', after: 'ended', opened: 1 },
  async () => {
    const stream = microphoneStream();
    const heard = await stream.getMediaStream();
    const sink = await attach(stream);
    const same = (await stream.getMediaStream()) === heard && heard.getTracks()[0] === sink.last;
    const named = stream.source.name === sink.last.label;
    sourceOf(stream).detach(sink);
    const between = sink.last.readyState;
    sourceOf(stream).callEnded();
    const after = sink.last.readyState;
    return { same, type: stream.mediaStreamType, named, between, after, opened };
  },
);

inPage(
  'a stream replaces a microphone, and a microphone a stream',
  { types: ['Audio', 'RawMedia', 'Audio'], tracks: 3, states: ['ended', 'live', 'live'] },
  async () => {
    const [microphone] = await devices.getMicrophones();
    const stream = new LocalAudioStream(microphone);
    const types = [stream.mediaStreamType];
    const sink = await attach(stream);
    await stream.setMediaStream(toneStream());
    types.push(stream.mediaStreamType);
    await stream.switchSource(microphone);
    types.push(stream.mediaStreamType);
    return { types, tracks: sink.tracks.length, states: sink.tracks.map((t) => t.readyState) };
  },
);

inPage('the volume has events while there are listeners', true, async () => {
  const volume = await new LocalAudioStream(toneStream()).getVolume();
  const fired = events(volume, 'levelChanged');
  // A sine of full scale has an RMS of 0.71.
  await until(() => fired.length && Math.abs(volume.level - 71) < 3);
  return true;
});

// ---- Screens

inPage(
  'a screen share that the browser ends is over, also for streams made from it',
  { types: ['ScreenSharing', 'RawMedia'], device: 'ScreenSharing', ended: true, again: 400 },
  async () => {
    const stream = await screenStream();
    const sink = await attach(stream);
    const types = [stream.mediaStreamType];
    await stream.getMediaStream();
    await stream.setMediaStream(canvasStream());
    types.push(stream.mediaStreamType);
    const device = stream.source.deviceType;
    await closeShared();
    await until(() => sink.hasEnded);
    const other = await screenStreamOfCanvas();
    return { types, device, ended: sink.hasEnded, again: other };

    /** A screen share cannot be opened again. */
    async function screenStreamOfCanvas() {
      const { Screen } = await import('/acscall/feeds.js');
      const shared = new LocalVideoStream(new Screen(canvasStream()));
      sourceOf(shared).detach(await attach(shared));
      return refusal(attach(shared));
    }
  },
  { isStrict: true },
);
