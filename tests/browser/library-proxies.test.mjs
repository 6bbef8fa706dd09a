// The library's objects behind proxies, as user interface libraries wrap them.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { acceptQuietly, isIn, joinQuietly, makeLabs, sees, videoOf } from './library/lab.mjs';
import { MEMBERS } from './library/members.mjs';

const VUE = new URL('node_modules/vue/dist/vue.global.prod.js', import.meta.url);

const inLab = makeLabs();

/** In the page: the wrappers, by name. */
function installWrappers() {
  window.wrappers = {
    'a naive Proxy': (object) =>
      new Proxy(object, { get: (target, key, receiver) => Reflect.get(target, key, receiver) }),
    'a Proxy that binds methods': (object) =>
      new Proxy(object, {
        get: (target, key) => {
          const value = target[key];
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    "Vue's reactive()": (object) => window.Vue.reactive(object),
  };
}

/** Opens the page of `user` with `wrap`. */
async function wrappingPage(lab, user, name) {
  const page = await lab.page(user);
  // Not as a script element, which the server's security policy forbids.
  await page.evaluate(`{ ${await readFile(VUE, 'utf8')}; window.Vue = Vue; }`);
  await page.evaluate(installWrappers);
  await page.evaluate((name) => {
    window.wrap = wrappers[name];
  }, name);
  return page;
}

for (const name of ['a naive Proxy', 'a Proxy that binds methods', "Vue's reactive()"]) {
  inLab(`a call is made and used behind ${name}`, {}, async (lab) => {
    const [alice, bob] = [await wrappingPage(lab, 'alice', name), await lab.page('bob')];
    await joinQuietly(bob, 'tea');
    await alice.evaluate(() => {
      const { LocalAudioStream, LocalVideoStream } = lib;
      window.camera = wrap(new LocalVideoStream(picture('red')));
      const voice = wrap(new LocalAudioStream(tone(1000)));
      window.agent = wrap(agent);
      const options = wrap({
        audioOptions: { localAudioStreams: [voice] },
        videoOptions: { localVideoStreams: [camera] },
      });
      window.call = wrap(agent.join({ groupId: 'tea' }, options));
      window.heard = [];
      call.on('stateChanged', () => heard.push(call.state));
    });
    await isIn(alice, 'Connected');
    await videoOf(bob, 'alice', true);
    await alice.evaluate(async () => {
      await call.stopVideo(camera);
    });
    await videoOf(bob, 'alice', false);
    await alice.evaluate(async () => {
      window.screen2 = wrap(new lib.LocalVideoStream(picture('blue')));
      await call.startVideo(camera);
      await camera.setMediaStream(picture('green'));
      await call.startScreenSharing(screen2);
      await call.mute();
      await call.unmute();
      const track = lib.AgoraRTC.createCustomAudioTrack({
        mediaStreamTrack: tone(500).getTracks()[0],
      });
      await call.publish(wrap([wrap(track)]));
      await wrap(track).setMuted(false);
      await call.unpublish(wrap(track));
      await call.stopScreenSharing();
    });
    await videoOf(bob, 'alice', true);
    await sees(alice, 'bob Connected');
    const heard = await alice.evaluate(async () => {
      const listener = () => {};
      call.off('stateChanged', listener);
      await call.hangUp();
      return heard;
    });
    assert.deepEqual(heard, ['Connecting', 'Connected', 'Disconnecting', 'Disconnected']);
    await sees(bob);

    // An incoming call, and the end of the agent.
    await bob.evaluate(() => call.hangUp());
    await alice.evaluate(() => {
      agent.on('incomingCall', ({ incomingCall }) => {
        incomingCalls.push(wrap(incomingCall));
      });
    });
    await bob.evaluate((options) => void watch(agent.startCall('alice', options)), {
      audioOptions: { muted: true },
    });
    await acceptQuietly(alice);
    await sees(bob, 'alice Connected');
    await alice.evaluate(() => agent.dispose());
    await isIn(bob, 'Disconnected');
  });

  inLab(`every member works behind ${name}`, {}, async (lab) => {
    const [alice, bob] = [await wrappingPage(lab, 'alice', name), await lab.page('bob')];
    await Promise.all([joinQuietly(alice, 'tea'), joinQuietly(bob, 'tea')]);
    await sees(alice, 'bob Connected');
    const failures = await alice.evaluate(async (members) => {
      const client = new lib.CallClient();
      const [remoteParticipant] = call.remoteParticipants;
      const [remoteAudioStream] = call.remoteAudioStreams;
      const localAudioStream = new lib.LocalAudioStream(tone(500));
      const objects = {
        client,
        agent,
        call,
        localAudioStream,
        localVideoStream: new lib.LocalVideoStream(picture('red')),
        remoteParticipant,
        remoteVideoStream: remoteParticipant.videoStreams[0],
        remoteAudioStream,
        volume: await remoteAudioStream.getVolume(),
        deviceManager: await client.getDeviceManager(),
      };
      const CALLED = [
        ['client', 'getDeviceManager'],
        ['remoteAudioStream', 'getMediaStream'],
        ['remoteAudioStream', 'getVolume'],
        ['localAudioStream', 'getVolume'],
        ['localVideoStream', 'getMediaStream'],
        ['deviceManager', 'getCameras'],
      ];
      const failures = [];
      const attempt = async (what, run) => {
        try {
          await run();
        } catch (error) {
          failures.push(`${what}: ${error.message}`);
        }
      };
      for (const [name, object] of Object.entries(objects)) {
        const proxy = wrap(object);
        const { methods, ...properties } = members[name];
        for (const property of Object.keys(properties)) {
          await attempt(`${name}.${property}`, () => proxy[property]);
        }
        for (const [, method] of CALLED.filter(([one]) => one === name)) {
          await attempt(`${name}.${method}()`, () => proxy[method]());
        }
        if (!methods.includes('on')) continue;
        const event = { volume: 'levelChanged', agent: 'callsUpdated' }[name];
        if (event) {
          await attempt(`${name}.on()`, () => proxy.on(event, console.log));
          await attempt(`${name}.off()`, () => proxy.off(event, console.log));
        }
      }
      return failures;
    }, MEMBERS);
    assert.deepEqual(failures, []);
  });
}
