// The Agora part of a test's page: the real package's tracks, and stand-ins for clients.

import AgoraRTC from 'agora-rtc-sdk-ng';
import { StandInClient } from './stand-in/agora/client.js';
import { RemoteMedia } from './stand-in/remote-media.js';

AgoraRTC.setLogLevel(4);

async function join() {
  const client = new StandInClient();
  await client.join('app', 'channel', null);
  return client;
}

Object.assign(globalThis, { agora: { sdk: AgoraRTC, join, RemoteMedia } });
