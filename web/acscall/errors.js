// What goes wrong, as objects with a code.

/**
 * Why something failed. `code` means what SIP and HTTP mean by it.
 *
 * | code | |
 * |---|---|
 * | 400 | an argument is wrong, or this is not the time for it |
 * | 401 | the server asks for a token, or refuses the one that it got |
 * | 403 | the token does not allow it; the user or the browser refuses a device |
 * | 404 | there is no such device, call or user |
 * | 408 | it took too long |
 * | 409 | somebody else uses the device |
 * | 503 | the server cannot be reached |
 */
export class CallingError extends Error {
  /**
   * @param {number} code
   * @param {string} message For people: the cause, and the cure.
   * @param {{subCode?: number, cause?: unknown}} [more]
   */
  constructor(code, message, { subCode = 0, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CallingCommunicationError';
    this.code = code;
    this.subCode = subCode;
  }
}

/**
 * Why a call ended.
 * @typedef {object} CallEndReason
 * @property {number} code
 * @property {number} subCode
 * @property {string} message For people; empty where somebody hung up here.
 * @property {string} reason The server's own word for it, such as `token-expired`; empty where
 *   somebody hung up.
 */

/**
 * What the server's codes (`src/signalling/message/error.rs`) and those of `wire/` mean to SIP and
 * HTTP. Whatever is about the token and not listed is 401.
 * @type {Record<string, number>}
 */
const CODES = {
  'token-call': 403,
  'token-place': 403,
  'not-invited': 403,
  'callee-unknown': 404,
  unknown: 404,
  'callee-no-answer': 408,
  'no-answer': 408,
  replaced: 409,
  'limit-exceeded': 429,
  'callee-busy': 486,
  busy: 486,
  'incoming-gone': 487,
  cancelled: 487,
  unreachable: 503,
  'callee-declined': 603,
  declined: 603,
  'declined-elsewhere': 603,
};

/** @param {string | null | undefined} code */
function numberOf(code) {
  if (!code) return 0;
  return CODES[code] ?? (code.startsWith('token-') ? 401 : 400);
}

/**
 * @param {string | null | undefined} code The server's; none where somebody hung up.
 * @param {string | null | undefined} message
 * @returns {CallEndReason}
 */
export function endReason(code, message) {
  return Object.freeze({
    code: numberOf(code),
    subCode: 0,
    message: message ?? '',
    reason: code ?? '',
  });
}

/**
 * @param {string | null | undefined} code
 * @param {string} message
 */
export function errorOf(code, message) {
  return new CallingError(numberOf(code), message);
}
