// A complete @azure/communication-calling for programs that load one: the local streams are the
// real package's, scripts chosen by the call's name simulate the calls.

import { CallClient as RealClient } from '@azure/communication-calling';
import { clientClass, type Locator } from './client.js';
import type { AcsService } from './service.js';

export {
  CallAgentKind,
  CallKind,
  Features,
  LocalAudioStream,
  LocalVideoStream,
} from '@azure/communication-calling';

/** The real device manager: only its devices can become real streams. */
const devices = (client = new RealClient()) => client.getDeviceManager();

export const CallClient = clientClass(devices, play);

async function play(service: AcsService, locator: Locator): Promise<void> {
  if ('callees' in locator) {
    await service.connect('Ringing');
    for (const callee of locator.callees) service.enter(callee, callee).camera.turnOn('#2864e6');
    return;
  }
  if (!('groupId' in locator)) await service.connect('InLobby');
  const name = 'groupId' in locator ? locator.groupId : 'demo';
  if (name === 'refused') {
    service.call.setState('Connecting');
    setTimeout(() => service.end({ code: 403, subCode: 5854 }), 50);
    return;
  }
  if ('groupId' in locator) await service.connect();
  service.sound(970);
  service.enter('8:acs:anna', 'Anna').camera.turnOn('rgb(220 30 30)');
  const ben = service.enter('8:acs:ben', 'Ben');
  ben.camera.turnOn('rgb(40 60 230)');
  ben.screen.turnOn('rgb(225 215 40)', { size: [640, 360] });
  service.echo('8:acs:echo', 'Echo');
  if (name === 'over') setTimeout(() => service.end({ code: 0, subCode: 5010 }), 500);
}
