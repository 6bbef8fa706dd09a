// The connection to the server: opened, greeted, lost and opened again.

/** Waiting before a connection is tried again, in milliseconds: doubled from the first on. */
const RETRY_FIRST = 200;
const RETRY_MOST = 5_000;

/** The server has this long, in milliseconds, from the attempt to connect to its answer. */
const PATIENCE = 8_000;

/** After these the server closes the connection; after those about the token, too. */
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
 * A message either way; `src/signalling/message.rs` says which there are.
 * @typedef {{type: string, [field: string]: any}} Message
 */

/**
 * Who we are, and at which server.
 * @typedef {object} Identity
 * @property {string} user
 * @property {string} [displayName] The name to show.
 * @property {string} [token] The proof of `user` that some servers ask for.
 * @property {string} url The server's WebSocket.
 */

/**
 * Whom a connection tells what happens: an endpoint that listens, or a session in a call. It can
 * be handed from one to the other.
 * @typedef {object} Owner
 * @property {() => void} welcomed The server has greeted: say what the connection is for.
 * @property {(message: Message) => void} received
 * @property {(refusal: Message | null) => void} lost The connection is closed, and what the server
 *   said before it closed it, if it did. The owner calls `retry`, or is done with it.
 */

/** One WebSocket at a time, to one server. */
export class Connection {
  #identity;
  /** @type {WebSocket | null} */
  #socket = null;
  /** The run of the server that greeted last, and the one that gave what was asked for. */
  /** @type {string | null} */
  #greeted = null;
  /** The server has greeted on this socket: before that it takes nothing but our greeting. */
  #isGreeted = false;
  /** @type {string | null} */
  #run = null;
  #retryDelay = RETRY_FIRST;
  #retryTimer = 0;
  #patience = 0;

  /** @param {Identity} identity */
  constructor(identity) {
    this.#identity = identity;
    /** To be set before it is opened. @type {Owner} */
    this.owner = { welcomed() {}, received() {}, lost() {} };
  }

  open() {
    const socket = new WebSocket(this.#identity.url, 'acscall');
    this.#socket = socket;
    this.#isGreeted = false;
    /** @type {Message | null} */
    let refusal = null;
    const lost = () => {
      if (this.#socket !== socket) return;
      this.close();
      this.owner.lost(refusal);
    };
    this.#patience = setTimeout(lost, PATIENCE);
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
        refusal = message;
      } else if (message) {
        this.owner.received(message);
      }
    });
  }

  /** Opens it again, after a while. */
  retry() {
    this.#retryTimer = setTimeout(() => this.open(), this.#retryDelay);
    this.#retryDelay = Math.min(2 * this.#retryDelay, RETRY_MOST);
  }

  /**
   * The server has given what was asked for. Says whether the last time another run of the server
   * did, which this one knows nothing of.
   */
  settled() {
    clearTimeout(this.#patience);
    this.#retryDelay = RETRY_FIRST;
    const isOther = this.#run !== null && this.#run !== this.#greeted;
    this.#run = this.#greeted;
    return isOther;
  }

  get isOpen() {
    return this.#isGreeted && this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Sends it, if there is somebody to send it to: what matters is said again on a new connection.
   * @param {Message} message
   */
  send(message) {
    if (this.isOpen) this.#socket?.send(JSON.stringify(message));
  }

  close() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#patience);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/** The code of a refusal that no server said. */
export const UNREACHABLE = 'unreachable';

/** Stands for the refusal of a server that said nothing. */
export const SILENCE = {
  type: 'error',
  code: UNREACHABLE,
  message: 'The server does not answer. Is it running, and is this the right address?',
};

/**
 * Another attempt with the same token is of no use.
 * @param {string} code
 */
function isAboutToken(code) {
  // Who may not call others can still be called, and join.
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
