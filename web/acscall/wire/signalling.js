// The connection to the server, which reconnects.

/** The delay before reconnecting, in milliseconds; it doubles with each attempt. */
const RETRY_DELAY_MIN = 200;
const RETRY_DELAY_MAX = 5_000;

/** How long connecting and joining may take, in milliseconds. */
const TIMEOUT = 8_000;

/** The errors after which the server closes the connection, besides those about the token. */
const FATAL = [
  'malformed',
  'unsupported-version',
  'bad-name',
  'bad-resume',
  'limit-exceeded',
  'replaced',
  'not-invited',
  'callee-unknown',
  'callee-busy',
  'callee-declined',
  'callee-no-answer',
];

/**
 * A message in either direction; `src/signalling/message` defines them.
 * @typedef {{type: string, [field: string]: any}} Message
 */

/**
 * The user, and the server.
 * @typedef {object} Identity
 * @property {string} user
 * @property {string} [displayName] The name to show.
 * @property {string} [token] Proves the user's identity to servers that require it.
 * @property {string} url The server's WebSocket.
 */

/**
 * The callbacks of a connection. Its owner is a listening endpoint or a session in a call; the
 * former can hand it over to the latter.
 * @typedef {object} Owner
 * @property {() => void} welcomed Called after the server's greeting: send the first request.
 * @property {(message: Message) => void} received
 * @property {(rejection: Message | null) => void} lost Called when the connection has closed, with
 *   the error that the server gave, if any. The owner may call `retry`.
 */

/** A connection to one server, with one WebSocket at a time. */
export class Connection {
  #identity;
  /** @type {WebSocket | null} */
  #socket = null;
  /** The run of the server on this socket, and the run that confirmed the last request. */
  /** @type {string | null} */
  #greeted = null;
  /** Whether the server has greeted on this socket; it accepts only `hello` before. */
  #isGreeted = false;
  /** @type {string | null} */
  #run = null;
  #retryDelay = RETRY_DELAY_MIN;
  #retryTimer = 0;
  #timeout = 0;

  /** @param {Identity} identity */
  constructor(identity) {
    this.#identity = identity;
    /** Must be set before `open`. @type {Owner} */
    this.owner = { welcomed() {}, received() {}, lost() {} };
  }

  open() {
    const socket = new WebSocket(this.#identity.url, 'acscall');
    this.#socket = socket;
    this.#isGreeted = false;
    /** @type {Message | null} */
    let rejection = null;
    const lost = () => {
      if (this.#socket !== socket) return;
      this.close();
      this.owner.lost(rejection);
    };
    this.#timeout = setTimeout(lost, TIMEOUT);
    socket.addEventListener('close', lost);
    socket.addEventListener('open', () => {
      const { user, displayName, token } = this.#identity;
      const hello = { type: 'hello', versions: [1], user, displayName, token };
      socket.send(JSON.stringify(hello));
    });
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket !== socket) return;
      const message = parse(data);
      if (message?.type === 'welcome') {
        this.#greeted = message.server;
        this.#isGreeted = true;
        this.owner.welcomed();
      } else if (message?.type === 'error' && isFatal(message.code)) {
        rejection = message;
      } else if (message) {
        this.owner.received(message);
      }
    });
  }

  /** Reconnects after a delay. */
  retry() {
    this.#retryTimer = setTimeout(() => this.open(), this.#retryDelay);
    this.#retryDelay = Math.min(2 * this.#retryDelay, RETRY_DELAY_MAX);
  }

  /**
   * Called when the server has fulfilled the request. Returns whether the previous request was
   * fulfilled by another run of the server, whose state is lost.
   */
  confirm() {
    clearTimeout(this.#timeout);
    this.#retryDelay = RETRY_DELAY_MIN;
    const isOther = this.#run !== null && this.#run !== this.#greeted;
    this.#run = this.#greeted;
    return isOther;
  }

  get isOpen() {
    return this.#isGreeted && this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Sends a message if the connection is open. Owners repeat what matters on a new connection.
   * @param {Message} message
   */
  send(message) {
    if (this.isOpen) this.#socket?.send(JSON.stringify(message));
  }

  close() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#timeout);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/** The code if there is no error from the server. */
export const UNREACHABLE = 'unreachable';

/** The error if the server cannot be reached. */
export const UNREACHABLE_ERROR = {
  type: 'error',
  code: UNREACHABLE,
  message: 'The server does not answer. Is it running, and is this the right address?',
};

/**
 * Whether the error concerns the token, so that a retry with the same token is useless.
 * @param {string} code
 */
function isAboutToken(code) {
  // A user who may not call others can still be called, and join.
  return code.startsWith('token-') && code !== 'token-place';
}

/** @param {string} code */
function isFatal(code) {
  return FATAL.includes(code) || isAboutToken(code);
}

/**
 * @param {string} data
 * @returns {Message | null}
 */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
