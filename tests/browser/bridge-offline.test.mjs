// The ACS SDK's own call, which reaches Connecting without a service, and a bridge.

import assert from 'node:assert/strict';
import { makeLabs } from './bridge/lab.mjs';

const inLab = makeLabs('acs');

inLab("the SDK's own call takes the bridge's sound before media starts, and no device", async (lab) => {
  const page = await lab.open();
  const result = await page.evaluate(async () => {
    const { bridgeAcs, silentAudio } = await import('/bridge/acs.js');
    const part = (value) => btoa(JSON.stringify(value)).replace(/=+$/, '');
    const expires = Date.now() + 3_600_000;
    const nobody = '00000000-0000-0000-0000-000000000000';
    const claims = { skypeid: `acs:${nobody}_${nobody}`, scp: 1792, acsScope: 'voip' };
    const token = [
      part({ alg: 'none', typ: 'JWT' }),
      part({ ...claims, exp: Math.floor(expires / 1_000), resourceId: nobody }),
      'unsigned',
    ].join('.');
    const agent = await new acs.CallClient().createCallAgent({
      getToken: async () => ({ token, expiresOnTimestamp: expires }),
      dispose() {},
    });
    const audioOptions = silentAudio(acs.sdk);
    const [silence] = audioOptions.localAudioStreams;
    const call = agent.join({ groupId: '29228d3e-040e-4656-a70e-890ab4e173e5' }, { audioOptions });
    const given = [];
    call.on('localAudioStreamsUpdated', ({ added }) => {
      const name = (stream) => (stream === silence ? 'silence' : stream.mediaStreamType);
      given.push(...added.map((stream) => `${call.state} ${name(stream)}`));
    });
    const bridge = use(bridgeAcs(call, ourCall, { sdk: acs.sdk, from: 'assistant' }));
    await new Promise((resolve) => bridge.on('stateChanged', resolve));
    return { given, opened, troubles, reason: bridge.stopReason };
  });
  assert.equal(result.given.at(-1), 'Connecting RawMedia');
  assert.deepEqual(result.opened, []);
  assert.deepEqual(result.troubles, []);
  assert.match(result.reason, /^The ACS call has ended \(490\/4525\): /);
});
