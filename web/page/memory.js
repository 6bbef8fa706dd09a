// The page's browser storage. Storage may be forbidden, in which case accessing it throws.

/**
 * Returns the value stored under `key`, or null. `tab`: stored for this tab only.
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
    // The page asks for the value again next time.
  }
}

function storage(tab) {
  return tab ? sessionStorage : localStorage;
}
