// Helpers for the participants of a call.

/** Returns the user of an identifier, as others would type it. */
export function userOf(identifier) {
  if (typeof identifier === 'string') return identifier;
  return identifier.communicationUserId ?? identifier.id ?? identifier.rawId ?? '';
}

/** Returns the name to show for a participant or caller. */
export function nameOf({ displayName, identifier }) {
  return displayName || userOf(identifier);
}

/** Whether a participant is a user who is being rung. */
export function isRung({ state }) {
  return state === 'Ringing';
}

/** Returns the participants who are in the call. */
export function present(call) {
  return call.remoteParticipants.filter((participant) => !isRung(participant));
}

/** Returns the names of the users who are being rung. */
export function ringing(call) {
  return call.remoteParticipants.filter(isRung).map(nameOf);
}

/** The participants who were connected before. */
const known = new WeakSet();

/** Whether the connection to a participant is lost and may come back. */
export function isAway(participant) {
  if (participant.state === 'Connected') known.add(participant);
  return participant.state === 'Connecting' && known.has(participant);
}

/** Whether the call was placed: only callees can join it, and its name is random. */
export function isPlaced({ id }) {
  return !id || id.startsWith('placed:');
}
