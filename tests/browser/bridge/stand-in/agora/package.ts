// A complete agora-rtc-sdk-ng for programs that load one, as a script that sets AgoraRTC: the local
// tracks are the real package's, scripts chosen by the channel's name simulate the channels.

import AgoraRTC, { type IAgoraRTCClient } from 'agora-rtc-sdk-ng';
import { standsIn } from '../public.js';
import { RemoteMedia } from '../remote-media.js';
import { StandInAgoraError, StandInClient, type Members } from './client.js';

/** The first client of the page, which receives what a second one sends. */
let main: StandInClient | null = null;

const standIn: typeof AgoraRTC = Object.create(AgoraRTC, {
  createClient: {
    value: () => standsIn<IAgoraRTCClient, Members>(new StandInClient(play)),
  },
});
Object.assign(globalThis, { AgoraRTC: standIn });

function play(client: StandInClient, channel: string): void {
  if (channel === 'refused') throw new StandInAgoraError('CAN_NOT_GET_GATEWAY_SERVER', 'no token');
  if (main) {
    main.echo(201, client);
    return;
  }
  main = client;
  client.on('connection-state-change', (state: string) => {
    if (state !== 'CONNECTED') return;
    const anna = client.enter(101);
    client.publishes(anna, 'video', () => RemoteMedia.picture('rgb(220 30 30)'));
    client.publishes(anna, 'audio', () => RemoteMedia.tones([970]));
    const ben = client.enter(102);
    client.publishes(ben, 'video', () => RemoteMedia.picture('rgb(40 60 230)'));
    client.echo(200);
    if (channel === 'over') setTimeout(() => client.end('UID_BANNED'), 500);
  });
}
