// Shared helpers: elements, texts and announcements.

/** @returns {any} The element with this id. */
export const $ = (id) => document.getElementById(id);

/** Sets the text only if it differs: live regions and layout should not react otherwise. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a message in the alert, or hides the alert. */
export function showAlert(text) {
  $('alert').hidden = !text;
  setText($('alert-text'), text ?? '');
}

/** Announces a message to screen readers. */
export function announce(text) {
  setText($('announce'), text);
}

/** Plays `track` in `element`; returns whether that changed it. */
export function showTrack(element, track) {
  const before = element.srcObject?.getTracks()[0] ?? null;
  if (before === track) return false;
  element.srcObject = track ? new MediaStream([track]) : null;
  return true;
}

/** Returns the hue for a name, which is the same on every page. */
export function hue(name) {
  return [...name].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 360, 7);
}

export function initial(name) {
  return ([...name][0] ?? '?').toUpperCase();
}

/** Joins names: "a", "a and b", "a, b and c"; or with another word. */
export function listed(names, word = 'and') {
  if (names.length < 2) return names.join();
  return `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1)}`;
}

/** Makes a sentence of a message from the server. */
export function sentence(text) {
  return text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase()).replace(/[^.?!]$/, '$&.');
}
