// What TypeScript accepts, and what it rejects.

import { CallClient, Features, LocalVideoStream } from '../../../web/acscall.js';

const agent = await new CallClient().createCallAgent({ user: 'anna', server: null });
const call = agent.join({ groupId: 'tea' }, { videoOptions: null });
const devices = await new CallClient().getDeviceManager();
const [participant] = call.remoteParticipants;
const [video] = participant.videoStreams;

call.on('stateChanged', () => {});
call.on('roleChanged', () => {});
call.on('remoteParticipantsUpdated', ({ added }) => added[0].on('isMutedChanged', () => {}));
call.on('mediaError', ({ error }) => error.code.toFixed());

call.feature(Features.DominantSpeakers);
await new CallClient().createCallAgent({ getToken: async () => ({ token: 'x' }) });

// @ts-expect-error
call.feature(Features.Nothing);
// @ts-expect-error
call.on('stateChange', () => {});
// @ts-expect-error
call.off('stateChange', () => {});
// @ts-expect-error
agent.on('incoming', () => {});
// @ts-expect-error
participant.on('mutedChanged', () => {});
// @ts-expect-error
video.on('isAvailable', () => {});
// @ts-expect-error
devices.on('devicesUpdated', () => {});
// @ts-expect-error
new LocalVideoStream(new MediaStream()).on('ended', () => {});
