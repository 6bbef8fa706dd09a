// The list of devices, and sending cameras.

import { inPage } from './streams.mjs';

inPage(
  'after the permission, devices have names, and listeners hear of it',
  { access: { audio: true, video: true }, names: true, events: [1, 1], opened: 1, defaults: 1 },
  async () => {
    const video = events(devices, 'videoDevicesUpdated');
    const audio = events(devices, 'audioDevicesUpdated');
    const access = await devices.askDevicePermission({ audio: true, video: true });
    const all = [...(await devices.getCameras()), ...(await devices.getMicrophones())];
    return {
      access,
      names: all.length >= 4 && all.every(({ id, name }) => id && name),
      events: [video.length, audio.length],
      opened,
      defaults: (await devices.getMicrophones()).filter((d) => d.isSystemDefault).length,
    };
  },
);

inPage('the same device is the same object each time it is listed', true, async () => {
  await devices.askDevicePermission({ video: true });
  const [[first], [second]] = [await devices.getCameras(), await devices.getCameras()];
  return first === second;
});

inPage(
  'selecting a microphone switches the streams that follow the selection, and no others',
  { follows: true, stays: true, source: true },
  async () => {
    await devices.askDevicePermission({ audio: true });
    const [, first, second] = await devices.getMicrophones();
    const [standard, own] = [microphoneStream(), new LocalAudioStream(first)];
    const [sink, ownSink] = [await attach(standard), await attach(own)];
    await devices.selectMicrophone(second);
    await until(() => sink.tracks.length === 2);
    return {
      follows: deviceOf(sink.last) === second.id,
      stays: ownSink.tracks.length === 1,
      source: standard.source === second,
    };
  },
);

inPage(
  'local streams accept only devices and streams with a live track of their kind',
  [400, 400, 400, 400, 400, 400, 400],
  async () => {
    const ended = canvasStream();
    ended.getTracks()[0].stop();
    const make = (Stream, source) => refusal(() => new Stream(source));
    return [
      await make(LocalVideoStream, undefined),
      await make(LocalVideoStream, 'camera'),
      await make(LocalVideoStream, { id: 'x', name: '', deviceType: 'Microphone' }),
      await make(LocalVideoStream, toneStream()),
      await make(LocalVideoStream, ended),
      await make(LocalAudioStream, canvasStream()),
      await make(LocalAudioStream, new MediaStream()),
    ];
  },
);

// ---- Cameras

inPage(
  'a camera is open while it is sent, at 1280×720 and 30 frames per second',
  { before: 0, settings: [1280, 720, 30], type: 'Video', after: 'ended', again: 'live' },
  async () => {
    const [camera] = await devices.getCameras();
    const stream = new LocalVideoStream(camera);
    const before = opened;
    const sink = await attach(stream);
    const { width, height, frameRate } = sink.last.getSettings();
    sourceOf(stream).detach(sink);
    const after = sink.last.readyState;
    const again = (await attach(stream)).last.readyState;
    return {
      before,
      settings: [width, height, frameRate],
      type: stream.mediaStreamType,
      after,
      again,
    };
  },
);

inPage(
  'a camera that is stopped before it is open is closed again',
  { given: 0, states: ['ended'] },
  async () => {
    const seen = captured();
    const [camera] = await devices.getCameras();
    const stream = new LocalVideoStream(camera);
    const sink = new Sink();
    const attached = sourceOf(stream).attach(sink);
    sourceOf(stream).detach(sink);
    await refusal(attached);
    await until(() => seen[0]?.readyState === 'ended');
    return { given: sink.tracks.length, states: seen.map(({ readyState }) => readyState) };
  },
);

inPage(
  'getMediaStream() returns copies, and the camera is on as long as one is live',
  { different: true, opened: 1, live: 'live', sent: 'ended', closed: true },
  async () => {
    const [camera] = await devices.getCameras();
    const stream = new LocalVideoStream(camera);
    const [first, second] = await Promise.all([stream.getMediaStream(), stream.getMediaStream()]);
    const sink = await attach(stream);
    sourceOf(stream).detach(sink);
    const result = {
      different: first !== second && first.id !== second.id,
      opened,
      live: second.getTracks()[0].readyState,
      sent: sink.last.readyState,
    };
    for (const track of [...first.getTracks(), ...second.getTracks()]) track.stop();
    await (await stream.getMediaStream()).getTracks()[0].stop();
    return { ...result, closed: opened === 2 };
  },
);

inPage(
  'the copies of a camera end with the call, unless requested otherwise',
  ['ended', 'live'],
  async () => {
    const [camera] = await devices.getCameras();
    const states = [];
    for (const autoDisposeOnCallEnd of [true, false]) {
      const stream = new LocalVideoStream(camera, { autoDisposeOnCallEnd });
      const sink = await attach(stream);
      const [track] = (await stream.getMediaStream()).getTracks();
      sourceOf(stream).detach(sink);
      sourceOf(stream).callEnded();
      states.push(track.readyState);
      track.stop();
    }
    return states;
  },
);

inPage(
  'switching cameras sends the first until the second is open',
  { sent: [true, true], before: 'live', after: 'ended', source: true, events: 1, opened: 2 },
  async () => {
    await devices.askDevicePermission({ video: true });
    opened = 0;
    const [first, second] = await devices.getCameras();
    const stream = new LocalVideoStream(first);
    const fired = events(stream, 'videoSourceChanged');
    let before;
    const sink = new Sink();
    sink.track = (track) => {
      sink.tracks.push(track);
      before = sink.tracks[0].readyState;
    };
    await sourceOf(stream).attach(sink);
    await stream.switchSource(second);
    return {
      sent: sink.tracks.map((track, n) => deviceOf(track) === [first, second][n].id),
      before,
      after: sink.tracks[0].readyState,
      source: stream.source === second && fired[0].source === stream,
      events: fired.length,
      opened,
    };
  },
);

inPage(
  'a camera that cannot open beside another replaces it, and yields if it fails',
  { second: true, failed: 409, back: true, ended: false },
  async () => {
    await devices.askDevicePermission({ video: true });
    const [first, second] = await devices.getCameras();
    let last;
    let isBroken = false;
    const { getUserMedia } = navigator.mediaDevices;
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const isSecond = constraints.video.deviceId.exact === second.id;
      if (last?.readyState === 'live' || (isBroken && isSecond)) {
        throw new DOMException('in use', 'NotReadableError');
      }
      const stream = await getUserMedia(constraints);
      [last] = stream.getTracks();
      return stream;
    };
    const stream = new LocalVideoStream(first);
    const sink = await attach(stream);
    await stream.switchSource(second);
    const isSecond = deviceOf(sink.last) === second.id;
    await stream.switchSource(first);
    isBroken = true;
    const failed = await refusal(stream.switchSource(second));
    const back = deviceOf(sink.last) === first.id && sink.last.readyState === 'live';
    return { second: isSecond, failed, back, ended: sink.hasEnded };
  },
);

inPage(
  'a missing camera is an error, and the current one is still sent',
  { code: 404, tracks: 1, state: 'live', same: true },
  async () => {
    const [camera] = await devices.getCameras();
    const stream = new LocalVideoStream(camera);
    const sink = await attach(stream);
    const code = await refusal(stream.switchSource({ ...camera, id: 'gone' }));
    const same = stream.source.id === deviceOf(sink.last);
    return { code, tracks: sink.tracks.length, state: sink.last.readyState, same };
  },
);

inPage(
  'a stopped stream that is switched starts with the new camera',
  { immediately: true, opened: 0, sent: true },
  async () => {
    await devices.askDevicePermission({ video: true });
    const [first, second] = await devices.getCameras();
    const stream = new LocalVideoStream(first);
    await stream.setMediaStream(canvasStream());
    opened = 0;
    stream.switchSource(second);
    const immediately = stream.mediaStreamType === 'Video' && stream.source === second;
    const openedThen = opened;
    const sink = await attach(stream);
    return { immediately, opened: openedThen, sent: deviceOf(sink.last) === second.id };
  },
);
