// The active speaker.

/**
 * Returns the active speaker: the first to speak, until somebody else does after a pause.
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
