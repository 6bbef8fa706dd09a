// What the browser keeps for this page. Storage may be forbidden: already looking at it fails then.

/**
 * What is kept under `key`, or null. `tab`: by this tab alone.
 * @param {string} key
 */
export function recallKept(key, { tab = false } = {}) {
  try {
    return storage(tab).getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
export function keep(key, value, { tab = false } = {}) {
  try {
    storage(tab).setItem(key, value);
  } catch {
    // It is asked for again, then.
  }
}

function storage(tab) {
  return tab ? sessionStorage : localStorage;
}
