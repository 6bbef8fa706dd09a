// The user's `CallAgent`: created on demand, kept as long as it is needed.

import { CallClient } from '../acscall.js';

const client = new CallClient();

/** The agent that is open or opening, and its user. */
let opening = null;
let whose = '';
let on;

/**
 * `handlers.incoming(incomingCall)`: a call arrives; `handlers.connection(agent, event)`: the
 * connection of the waiting agent was lost or restored.
 */
export function start(handlers) {
  on = handlers;
}

/** Returns the agent of `{user, token}`, reusing the open one if it is theirs. */
export function agentOf(who) {
  const key = JSON.stringify(who);
  if (opening && whose === key) return opening;
  close();
  whose = key;
  const { user, token } = who;
  const mine = client.createCallAgent({ user, token }).then((agent) => {
    // Another user's agent was requested meanwhile, or none.
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

/** Disposes the agent, which ends its calls. */
export function close() {
  const last = opening;
  opening = null;
  last?.then((agent) => agent.dispose()).catch(() => {});
}
