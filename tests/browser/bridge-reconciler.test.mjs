// The decisions of the bridges, without browser or clock, on plain objects in place of the SDK's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcsSending } from '../../web/bridge/acs/sending.js';
import { Reconciler } from '../../web/bridge/common/reconciler.js';
import { persist } from '../../web/bridge/common/retry.js';

/** Runs everything that needs no time. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Stops the clock, which `pass()` advances. Node 18 accepts the list of functions as it is. */
function mockTimeouts(t) {
  const apis = ['setTimeout'];
  t.mock.timers.enable(parseInt(process.versions.node, 10) < 20 ? apis : { apis });
}

/** Advances the clock by so many milliseconds and runs what is due. */
async function pass(t, ms) {
  for (let left = ms; left > 0; left -= 500) {
    t.mock.timers.tick(Math.min(left, 500));
    await settle();
  }
}

/** A switch of an SDK, whose operations finish on command. */
class Switch {
  isOn = false;
  isWanted = false;
  done = [];
  fails = false;
  /** @type {(() => void) | null} */
  #release = null;
  isSlow = false;

  goal = () => {
    if (this.isOn === this.isWanted) return null;
    const name = this.isWanted ? 'start' : 'stop';
    return { name, run: () => this.#turn(name) };
  };

  async #turn(name) {
    this.done.push(name);
    if (this.isSlow) await new Promise((resolve) => (this.#release = resolve));
    if (this.fails) throw new Error(`no ${name}`);
    this.isOn = name === 'start';
  }

  release() {
    this.#release?.();
  }
}

test('of several requests during an operation, only the latest counts', async () => {
  const one = new Switch();
  one.isSlow = true;
  const steps = new Reconciler([one.goal], assert.fail);
  one.isWanted = true;
  steps.update();
  await settle();
  for (const isWanted of [false, true, false, true, false]) {
    one.isWanted = isWanted;
    steps.update();
    await settle();
  }
  assert.deepEqual(one.done, ['start'], 'nothing overlaps');
  one.release();
  await settle();
  assert.deepEqual(one.done, ['start', 'stop']);
  one.release();
  await settle();
  assert.equal(one.isOn, false);
  await steps.finish();
});

test('two goals never have operations at the same time', async () => {
  const [one, two] = [new Switch(), new Switch()];
  const steps = new Reconciler([one.goal, two.goal], assert.fail);
  one.isWanted = two.isWanted = true;
  one.isSlow = true;
  steps.update();
  await settle();
  assert.equal(steps.running, 'start');
  assert.deepEqual(two.done, []);
  one.release();
  await settle();
  assert.deepEqual(two.done, ['start']);
  assert.equal(steps.running, '');
  await steps.finish();
});

test('a failure is reported once and retried after 1, 2, 4, 8, 16, 30, 30 seconds', async (t) => {
  mockTimeouts(t);
  const failures = [];
  const one = new Switch();
  one.fails = true;
  one.isWanted = true;
  const steps = new Reconciler([one.goal], (name, error) => failures.push(`${name}: ${error.message}`));
  steps.update();
  await settle();
  let attempts = 1;
  for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
    await pass(t, 1_000 * seconds - 1);
    assert.equal(one.done.length, attempts, `not before ${seconds} s`);
    await pass(t, 1);
    attempts += 1;
    assert.equal(one.done.length, attempts, `after ${seconds} s`);
  }
  assert.deepEqual(failures, ['start: no start']);
  await steps.finish();
});

test('a withdrawn request is not retried; a new request runs at once', async (t) => {
  mockTimeouts(t);
  const failures = [];
  const one = new Switch();
  one.fails = true;
  one.isWanted = true;
  const steps = new Reconciler([one.goal], (name) => failures.push(name));
  steps.update();
  await settle();
  one.isWanted = false;
  steps.update();
  await pass(t, 60_000);
  assert.deepEqual(one.done, ['start']);
  one.isWanted = true;
  steps.update();
  await settle();
  assert.deepEqual(one.done, ['start', 'start']);
  assert.deepEqual(failures, ['start', 'start'], 'it is another failure');
  await steps.finish();
});

test('a failing goal does not hold up another', async (t) => {
  mockTimeouts(t);
  const [bad, good] = [new Switch(), new Switch()];
  bad.fails = true;
  bad.isWanted = good.isWanted = true;
  const steps = new Reconciler([bad.goal, good.goal], () => {});
  steps.update();
  await settle();
  assert.equal(good.isOn, true);
  await steps.finish();
});

test('an operation with a late effect is not repeated at once', async (t) => {
  mockTimeouts(t);
  let isMuted = false;
  let count = 0;
  const goal = () => (isMuted ? null : { name: 'mute', run: () => (count += 1) });
  const steps = new Reconciler([goal], assert.fail);
  steps.update();
  await settle();
  steps.update();
  await settle();
  assert.equal(count, 1);
  isMuted = true;
  steps.update();
  await pass(t, 5_000);
  assert.equal(count, 1);
  await steps.finish();
});

test('finish waits for the possible operations, and nothing runs after it', async (t) => {
  mockTimeouts(t);
  const [one, bad] = [new Switch(), new Switch()];
  Object.assign(one, { isOn: true, isSlow: true });
  bad.isWanted = bad.fails = true;
  const steps = new Reconciler([one.goal, bad.goal], () => {});
  let isFinished = false;
  const finished = steps.finish().then(() => (isFinished = true));
  await settle();
  assert.equal(isFinished, false);
  one.release();
  await finished;
  assert.deepEqual([one.done, bad.done], [['stop'], ['start']]);
  one.isWanted = true;
  steps.update();
  await pass(t, 60_000);
  assert.deepEqual([one.done, bad.done], [['stop'], ['start']]);
});

test('persist retries until it succeeds, and then starts with short delays again', async (t) => {
  mockTimeouts(t);
  const failures = [];
  let attempts = 0;
  const leaving = new AbortController();
  const gone = persist(
    async (worked) => {
      attempts += 1;
      if (attempts === 3) worked();
      throw new Error(`attempt ${attempts}`);
    },
    leaving.signal,
    (error) => failures.push(error.message),
  );
  await settle();
  await pass(t, 1_000);
  await pass(t, 2_000);
  assert.equal(attempts, 3);
  await pass(t, 1_000);
  assert.equal(attempts, 4, 'the third had worked for a while');
  assert.deepEqual(failures, ['attempt 1', 'attempt 3']);
  leaving.abort();
  await gone;
  await pass(t, 60_000);
  assert.equal(attempts, 4);
});

// ---- The sending side of an ACS call

/** The part of an ACS call that its sending side uses; it records every operation. */
class FakeCall {
  state = 'Connected';
  isMuted = true;
  localAudioStreams = [];
  localVideoStreams = [];
  done = [];
  /** The operations to reject. */
  refused = new Set();
  #listeners = new Map();

  on(event, listener) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
  }
  off(event, listener) {
    this.#listeners.get(event)?.delete(listener);
  }
  tell(event, payload) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(payload);
  }

  mute = () => this.#do('mute', () => this.turn('isMuted', true));
  unmute = () => this.#do('unmute', () => this.turn('isMuted', false));
  startAudio = (stream) =>
    this.#do('startAudio', () => {
      const removed = this.localAudioStreams.splice(0);
      this.tell('localAudioStreamsUpdated', { added: [], removed });
      this.localAudioStreams.push(stream);
      this.tell('localAudioStreamsUpdated', { added: [stream], removed: [] });
    });
  startVideo = (stream) => this.#do('startVideo', () => this.add(stream));
  stopVideo = (stream) => this.#do('stopVideo', () => this.remove(stream));
  startScreenSharing = (stream) =>
    this.#do('startScreenSharing', () => this.add(Object.assign(stream, { isScreen: true })));
  stopScreenSharing = () =>
    this.#do('stopScreenSharing', () =>
      this.remove(this.localVideoStreams.find(({ isScreen }) => isScreen)),
    );

  turn(name, value) {
    this[name] = value;
    this.tell(`${name}Changed`);
  }
  add(stream) {
    this.localVideoStreams.push(stream);
    this.tell('localVideoStreamsUpdated', { added: [stream], removed: [] });
  }
  remove(stream) {
    this.localVideoStreams.splice(this.localVideoStreams.indexOf(stream), 1);
    this.tell('localVideoStreamsUpdated', { added: [], removed: [stream] });
  }
  go(state) {
    this.state = state;
    this.tell('stateChanged');
  }

  async #do(name, effect) {
    this.done.push(name);
    await settle();
    if (this.refused.has(name)) throw new Error(`no ${name}`);
    effect();
  }
}

class FakeStream {
  mediaStreamType = 'RawMedia';
  set = [];
  constructor(media) {
    this.media = media;
  }
  on() {}
  async setMediaStream(media) {
    this.set.push(media);
  }
}

const DEVICE = { mediaStreamType: 'Audio' };
const CAMERA = { mediaStreamType: 'Video' };

/** A feed's media; `stop()` is what an SDK may do to it. */
class FakeMedia extends EventTarget {
  active = true;
  stop() {
    this.active = false;
    this.dispatchEvent(new Event('inactive'));
  }
}

/** An ACS call with the outgoing media of `on`. */
async function sending(prepare = () => {}) {
  const call = new FakeCall();
  const on = { audio: false, video: false, screen: false };
  const copies = { create: () => new FakeMedia(), release: (media) => (media.active = false) };
  const feeds = { audio: { copies }, video: { copies }, screen: { copies } };
  const outgoing = { from: 'assistant', feeds, isOn: (kind) => on[kind], isClosed: false };
  outgoing.close = () => (outgoing.isClosed = true);
  const troubles = [];
  const sdk = { LocalAudioStream: FakeStream, LocalVideoStream: FakeStream };
  prepare(call, on);
  const side = new AcsSending(call, sdk, outgoing, ({ message }) => troubles.push(message));
  const want = async (wishes) => {
    Object.assign(on, wishes);
    side.update();
    await rest();
  };
  /** Waits until nothing changes. */
  const rest = async () => {
    for (let last = NaN; last !== call.done.length; ) {
      last = call.done.length;
      for (let i = 0; i < 5; i += 1) await settle();
    }
  };
  await rest();
  const done = () => call.done.splice(0);
  return { call, side, want, rest, done, troubles, outgoing };
}

test('a microphone is muted, then replaced, and unmuted once the sound is ours', async () => {
  const { call, want, done } = await sending((call) => {
    call.isMuted = false;
    call.localAudioStreams = [DEVICE];
  });
  assert.deepEqual(done(), ['mute', 'startAudio']);
  await want({ audio: true });
  assert.deepEqual(done(), ['unmute']);
  assert.equal(call.localAudioStreams[0].mediaStreamType, 'RawMedia');
  await want({ audio: false });
  assert.deepEqual(done(), ['mute']);
});

test('the call stays muted while our sound is rejected', async (t) => {
  mockTimeouts(t);
  const { call, rest, done, troubles } = await sending((call, on) => {
    call.localAudioStreams = [DEVICE];
    on.audio = true;
    call.refused.add('startAudio');
  });
  assert.deepEqual(done(), ['startAudio']);
  assert.equal(call.isMuted, true);
  assert.match(troubles[0], /rejected startAudio\(\)/);
  call.refused.clear();
  await pass(t, 1_000);
  await rest();
  assert.deepEqual(done(), ['startAudio', 'unmute']);
});

test('a replacement of our sound is muted at once and replaced', async () => {
  for (const spoil of [
    (call) => (call.localAudioStreams[0] = DEVICE),
    (call) => (call.localAudioStreams[0].mediaStreamType = 'Audio'),
    (call) => call.localAudioStreams.push(DEVICE),
    (call) => call.localAudioStreams[0].media.stop(),
  ]) {
    const { call, rest, done } = await sending((_, on) => (on.audio = true));
    assert.deepEqual(done(), ['startAudio', 'unmute']);
    spoil(call);
    call.tell('localAudioStreamsUpdated', { added: [], removed: [] });
    await rest();
    assert.deepEqual(done(), ['mute', 'startAudio', 'unmute'], String(spoil));
  }
});

test('muting does not wait for a starting picture', async () => {
  const { call, want, rest, done } = await sending((_, on) => (on.audio = true));
  done();
  let release;
  call.startVideo = () => new Promise((resolve) => (release = resolve));
  await want({ video: true });
  call.localAudioStreams[0] = DEVICE;
  call.tell('localAudioStreamsUpdated', { added: [], removed: [] });
  await rest();
  assert.deepEqual(done(), ['mute', 'startAudio', 'unmute']);
  release();
  await rest();
});

test('a camera among the local streams is stopped and reported', async () => {
  const { call, rest, done, troubles } = await sending();
  done();
  call.add(CAMERA);
  await rest();
  assert.deepEqual(done(), ['stopVideo']);
  assert.deepEqual(call.localVideoStreams, []);
  assert.match(troubles[0], /camera/);
});

test('our picture is stopped and restarted when it has become a camera', async () => {
  const { call, side, want, rest, done } = await sending();
  await want({ video: true });
  done();
  call.localVideoStreams[0].mediaStreamType = 'Video';
  side.update();
  await rest();
  assert.deepEqual(done(), ['stopVideo', 'startVideo']);
  assert.equal(call.localVideoStreams[0].mediaStreamType, 'RawMedia');
});

test('our picture is restored when stopping it is rejected', async (t) => {
  mockTimeouts(t);
  const { call, want, rest, done } = await sending();
  await want({ video: true });
  const [stream] = call.localVideoStreams;
  call.refused.add('stopVideo');
  await want({ video: false });
  assert.equal(stream.set.length, 1);
  assert.equal(stream.set[0].active, true);
  assert.equal(stream.media.active, false, 'the copy from before is over');
  done();
  call.refused.clear();
  await pass(t, 1_000);
  await rest();
  assert.deepEqual(done(), ['stopVideo']);
  assert.equal(stream.set[0].active, false);
});

test('a picture that the call stops is started again', async () => {
  const { call, want, rest, done } = await sending();
  await want({ video: true });
  done();
  call.remove(call.localVideoStreams[0]);
  await rest();
  assert.deepEqual(done(), ['startVideo']);
});

test('a screen share that another participant takes over is not taken back', async () => {
  const { call, want, rest, done, troubles } = await sending();
  await want({ screen: true });
  done();
  call.remove(call.localVideoStreams[0]);
  await rest();
  assert.deepEqual(done(), []);
  assert.match(troubles[0], /ended the screen share/);
  await want({ screen: false });
  await want({ screen: true });
  assert.deepEqual(done(), ['startScreenSharing']);
});

test('a user muted by others stays muted until it speaks again', async () => {
  const { call, want, rest, done } = await sending((_, on) => (on.audio = true));
  done();
  call.tell('mutedByOthers');
  call.turn('isMuted', true);
  await rest();
  assert.deepEqual(done(), []);
  await want({ audio: false });
  await want({ audio: true });
  assert.deepEqual(done(), ['unmute']);
});

test('after a hold everything is sent again', async () => {
  const { call, want, rest, done } = await sending();
  await want({ audio: true, video: true, screen: true });
  done();
  for (const stream of [...call.localVideoStreams]) call.remove(stream);
  call.localAudioStreams = [];
  call.go('LocalHold');
  await rest();
  done();
  call.go('Connected');
  await rest();
  assert.deepEqual(done().sort(), ['startScreenSharing', 'startVideo']);
});

test('during a hold all streams are replaced before a device takes over', async () => {
  const { call, want, rest, done } = await sending();
  await want({ audio: true, video: true });
  done();
  const [picture] = call.localVideoStreams;
  // The SDK ends its streams, in one of two orders.
  call.localAudioStreams[0].media.stop();
  call.localAudioStreams = [];
  call.go('LocalHold');
  await rest();
  assert.deepEqual(done(), ['startAudio']);
  assert.equal(call.localAudioStreams[0].media.active, true);
  assert.equal(picture.set.length, 1);
  picture.set[0].stop();
  await rest();
  assert.equal(picture.set.length, 2, 'what it ended is given again');
  assert.equal(picture.set[1].active, true);
  call.go('Connected');
  await rest();
  assert.deepEqual(done(), []);
  assert.equal(picture.set.length, 2);
});

test('before a call is connected its sound is replaced, so no microphone opens', async () => {
  const { call, want, rest, done } = await sending((call) => {
    Object.assign(call, { state: 'None', isMuted: false, localAudioStreams: [DEVICE] });
  });
  await want({ video: true });
  assert.deepEqual(done(), []);
  call.go('Connecting');
  await rest();
  assert.deepEqual(done(), ['startAudio']);
  call.go('InLobby');
  await rest();
  assert.deepEqual(done(), []);
  call.go('Connected');
  await rest();
  assert.deepEqual(done().sort(), ['mute', 'startVideo']);
  call.go('Disconnecting');
  await want({ audio: true, video: false });
  assert.deepEqual(done(), []);
});

test('sound that is rejected before the call connects is not delayed afterwards', async (t) => {
  mockTimeouts(t);
  const { call, rest, done } = await sending((call) => {
    call.state = 'Connecting';
    call.refused.add('startAudio');
  });
  assert.deepEqual(done(), ['startAudio']);
  call.refused.clear();
  call.go('Connected');
  await rest();
  assert.deepEqual(done(), ['startAudio']);
});

test('stopping mutes, ends pictures, and keeps the silent stream until the call ends', async () => {
  const { call, side, want, done, outgoing } = await sending();
  await want({ audio: true, video: true, screen: true });
  done();
  const isOn = outgoing.isOn;
  outgoing.isOn = () => false;
  await side.stop();
  assert.deepEqual(done().sort(), ['mute', 'stopScreenSharing', 'stopVideo']);
  assert.equal(call.localAudioStreams[0].media.active, true);
  assert.equal(outgoing.isClosed, false);
  outgoing.isOn = isOn;
  side.update();
  await settle();
  assert.deepEqual(done(), []);
  call.go('Disconnected');
  assert.equal(outgoing.isClosed, true);
});
