// The `CallAgent` of who is at the page: opened where it is needed, kept while it is.

import { CallClient } from '../acscall.js';

const client = new CallClient();

/** The agent that is open or being opened, and for whom. */
let opening = null;
let whose = '';
let on;

/**
 * `handlers.incoming(incomingCall)`; `handlers.connection(agent, event)`: the connection that
 * waits for calls is lost, or there again.
 */
export function start(handlers) {
  on = handlers;
}

/** The agent of `{user, token}`: the one that is open, where it is theirs. */
export function agentOf(who) {
  const key = JSON.stringify(who);
  if (opening && whose === key) return opening;
  close();
  whose = key;
  const { user, token } = who;
  const mine = client.createCallAgent({ user, token }).then((agent) => {
    // Somebody else was wanted meanwhile, or nobody.
    if (opening !== mine) agent.dispose();
    agent.on('incomingCall', ({ incomingCall }) => opening === mine && on.incoming(incomingCall));
    agent.on('connectionStateChanged', (event) => opening === mine && on.connection(agent, event));
    return agent;
  });
  opening = mine;
  mine.catch(() => {
    if (opening === mine) opening = null;
  });
  return mine;
}

/** Nobody is reached, and no call goes on. */
export function close() {
  const last = opening;
  opening = null;
  last?.then((agent) => agent.dispose()).catch(() => {});
}
