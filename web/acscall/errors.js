// Errors, each with a code.

/**
 * Why something failed. The codes have their meaning in SIP and HTTP.
 *
 * | code | |
 * |---|---|
 * | 400 | an argument is wrong, or the state does not permit the operation |
 * | 401 | the server requires a token, or rejected the one it received |
 * | 403 | the token does not permit the operation, or the user or browser denied a device |
 * | 404 | there is no such device, call or user |
 * | 408 | the operation timed out |
 * | 409 | another program uses the device |
 * | 503 | the server cannot be reached |
 */
export class CallingError extends Error {
  /**
   * @param {number} code
   * @param {string} message For people: the cause and the remedy.
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
 * @property {string} message For people; empty if this participant hung up.
 * @property {string} reason The server's code, such as `token-expired`; empty if somebody hung up.
 */

/**
 * The SIP and HTTP equivalents of the server's codes (`src/signalling/message/error.rs`) and of
 * those of `wire/`. Token errors that are not listed are 401.
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
  'answered-elsewhere': 487,
  cancelled: 487,
  'incoming-gone': 487,
  stopped: 487,
  withdrawn: 487,
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
 * @param {string | null | undefined} code The server's; none if somebody hung up.
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
