// What the page calls the participants of a call.

/** The user of an identifier, as others would type it. */
export function userOf(identifier) {
  if (typeof identifier === 'string') return identifier;
  return identifier.communicationUserId ?? identifier.id ?? identifier.rawId ?? '';
}

/** The name to show of a participant or of who calls. */
export function nameOf({ displayName, identifier }) {
  return displayName || userOf(identifier);
}

/** Whether somebody is being rung, and not here yet. */
export function isRung({ state }) {
  return state === 'Ringing';
}

/** Those of a call who are here. */
export function present(call) {
  return call.remoteParticipants.filter((participant) => !isRung(participant));
}

/** The names of those of a call who are being rung. */
export function rung(call) {
  return call.remoteParticipants.filter(isRung).map(nameOf);
}

/** Those who have been connected once. */
const known = new WeakSet();

/** Whether the connection to somebody is lost and may come back. */
export function isAway(participant) {
  if (participant.state === 'Connected') known.add(participant);
  return participant.state === 'Connecting' && known.has(participant);
}

/** Whether it came about by calling somebody: nobody else can join it, and its name is no name. */
export function isPlaced({ id }) {
  return !id || id.startsWith('placed:');
}
