// Who is the one to look at, of those who speak.

/**
 * The active speaker: whoever speaks first, for as long as they do, and then until another does.
 * @template {{isSpeaking: boolean}} T
 * @param {T[]} participants
 * @param {T | null} before
 * @returns {T | null}
 */
export function activeSpeaker(participants, before) {
  const isHere = before !== null && participants.includes(before);
  if (isHere && before.isSpeaking) return before;
  return participants.find(({ isSpeaking }) => isSpeaking) ?? (isHere ? before : null);
}
