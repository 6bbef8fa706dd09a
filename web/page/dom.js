// What the parts of the page have in common: its elements, and words for whoever looks or listens.

/** @returns {any} The element with this id. */
export const $ = (id) => document.getElementById(id);

/** Live regions and layout are left alone where nothing changes. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Says what went wrong or was missed, or takes that away. */
export function complain(text) {
  $('alert').hidden = !text;
  setText($('alert-text'), text ?? '');
}

/** Says it to those who do not see the page. */
export function announce(text) {
  setText($('announce'), text);
}

/** Shows or plays `track` in `element`; says whether that is a change. */
export function showTrack(element, track) {
  const before = element.srcObject?.getTracks()[0] ?? null;
  if (before === track) return false;
  element.srcObject = track ? new MediaStream([track]) : null;
  return true;
}

/** A colour for a name: the same on every page. */
export function hue(name) {
  return [...name].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 360, 7);
}

export function initial(name) {
  return ([...name][0] ?? '?').toUpperCase();
}

/** "a", "a and b", "a, b and c"; or with another word. */
export function listed(names, word = 'and') {
  if (names.length < 2) return names.join();
  return `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1)}`;
}

/** What the server says of a call's end, to stand alone. */
export function sentence(text) {
  return text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase()).replace(/[^.?!]$/, '$&.');
}
