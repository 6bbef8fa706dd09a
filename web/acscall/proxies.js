// Lets the library's objects work behind a Proxy.
//
// User interface libraries wrap the objects of a component: Vue's `reactive()` and others call
// methods with the proxy as `this`, on which private members do not exist. The methods and getters
// of a proxyable class therefore run on the object itself.

const SELF = Symbol('self');

/** An object that can be reached through its proxies. */
export class Proxyable {
  constructor() {
    // A function, since proxies of that kind also wrap the objects that they return. Configurable,
    // since other proxies bind the functions that they return.
    Object.defineProperty(this, SELF, { value: () => this, configurable: true });
  }
}

/**
 * Returns the object behind a proxy, and everything else as it is.
 * @template T
 * @param {T} value
 * @returns {T}
 */
export function unwrap(value) {
  return /** @type {any} */ (value)?.[SELF]?.() ?? value;
}

/**
 * Makes the methods and getters of this class, which extends `Proxyable`, run on the object itself.
 * @param {Function} Class
 */
export function proxyable({ prototype }) {
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(prototype);
  for (const [name, { value, get, ...rest }] of Object.entries(members)) {
    const inner = value ?? get;
    /** @this {object} @param {unknown[]} args */
    const outer = function (...args) {
      return inner.apply(unwrap(this), args);
    };
    const member = value ? { value: outer } : { get: outer };
    Object.defineProperty(prototype, name, { ...rest, ...member });
  }
}
