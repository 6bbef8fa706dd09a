// A page in a call that knows nothing but the library: it sends colours and tones, and says which
// ones it gets. The same in Chromium, driven by Playwright, and in Firefox, driven by Puppeteer.

import assert from 'node:assert/strict';
import { waitFor } from './harness.mjs';
import { install } from './in-page.mjs';

/** What participants send, far enough from each other to survive any codec. */
export const COLOURS = {
  red: [220, 30, 30],
  green: [30, 200, 50],
  blue: [40, 60, 230],
  yellow: [225, 215, 40],
  magenta: [215, 40, 215],
  cyan: [40, 215, 215],
};

/** In Hz; none is near a multiple of another. */
export const TONES = [410, 650, 970, 1370, 1790, 2310];

/** How far a channel may be from the colour that was sent. videoconvert alone takes up to 6. */
const COLOUR_BOUND = 12;

/**
 * The same in Firefox for what Chromium paints on a canvas: full range, by the matrix of BT.709. It
 * says so where Firefox does not look.
 */
export const MISTAKEN_BOUND = 60;

/** Enough to say that a picture moves. */
const FRAMES = 5;

/** The name in COLOURS of what a picture shows. */
export function colourName(pixel, bound = COLOUR_BOUND) {
  const isNear = ([, sent]) => sent.every((value, at) => Math.abs(value - pixel[at]) < bound);
  return Object.entries(COLOURS).find(isNear)?.[0] ?? `none of them: ${pixel}`;
}

/**
 * What an actor sends and reads.
 * @typedef {object} Part
 * @property {string} user
 * @property {string} [call] To join it.
 * @property {string[]} [callees] To call them instead.
 * @property {number | 'device' | null} [tone] Null: it is silent.
 * @property {keyof COLOURS | 'device'} [colour] As camera.
 * @property {keyof COLOURS} [screen]
 * @property {[number, number]} [size] Of pictures that are no device's.
 */

/** A page in a call. */
export class Actor {
  /**
   * Opens the library on `page`, from `server`. `bounds` are how far off colours may be, by who
   * sends them.
   */
  static async open(page, server, bounds = {}) {
    const actor = new Actor();
    Object.assign(actor, { page, bounds });
    // Some document of the server that runs no script of its own.
    await page.goto(`${server.url}acscall.js`);
    await page.evaluate(install, COLOURS);
    return actor;
  }

  /** Begins the call that `part` says; fulfilled once it is connected. @param {Part} part */
  async enter(part) {
    this.part = part;
    await this.#do('enter', part);
  }

  /** Waits for a call and answers it. @param {Part} part */
  async wait(part) {
    this.part = part;
    await this.#do('wait', part);
  }

  /** Sends this from now on, instead of what it sent; with a `colour` of null, no camera. */
  async send(part) {
    await this.#do('send', part);
  }

  hangUp() {
    return this.#do('hangUp');
  }

  stopScreenSharing() {
    return this.#do('stopScreenSharing');
  }

  /** The names of all devices. */
  devices() {
    return this.#do('devices');
  }

  /** Waits until the state of the call is this. */
  async reaches(state, within) {
    await this.#state(state, (told) => told.state === state, within);
  }

  /** Waits until the connection to the server is lost, or there. */
  async isReconnecting(expected, within) {
    await this.#state(
      expected ? 'without a server' : 'with the server',
      ({ reconnecting }) => reconnecting === expected,
      within,
    );
  }

  /** Waits until it was told that `mediaType` cannot be had, and why. */
  async lacks(mediaType, code, within) {
    const isIt = (one) => one.mediaError === mediaType && one.code === code;
    await this.#state(`without ${mediaType}`, ({ told }) => told.some(isIt), within);
  }

  /** Waits until `user` is said to speak, which a tone is taken for. */
  async hasSpeaking(user, within) {
    const isIt = (one) => one.user === user && one.isSpeaking;
    await this.#state(`with ${user} speaking`, ({ others }) => others.some(isIt), within);
  }

  /** Waits until `user` is not there any more, or its connection is lost. */
  async misses(user, within) {
    const isThere = (one) => one.user === user && one.state === 'Connected';
    await this.#state(`without ${user}`, ({ others }) => !others.some(isThere), within);
  }

  /** The state of the call, of all others in it, and what came about in it. */
  state() {
    return this.#do('state');
  }

  /** Waits until the others are exactly `users`, all connected. */
  isWith(users, within) {
    return waitFor(
      `${this.part.user} with ${users}`,
      async () => {
        const { others } = await this.#do('state');
        return others.map(({ user, state }) =>
          state === 'Connected' ? user : `${user}: ${state}`,
        );
      },
      (others) => others.sort().join() === [...users].sort().join(),
      within,
    );
  }

  /** Waits until it sees `user` send this colour (and size) as `kind`, and frames flow. */
  async sees(user, colour, { kind = 'Video', size, within } = {}) {
    const look = (accept) =>
      waitFor(
        `${this.part.user} sees ${user} ${colour}`,
        () => this.#do('look', { user, kind }),
        (view) => view && accept(view),
        within,
      );
    const isIt = (view) =>
      colourName(view.colour, this.bounds[user]) === colour &&
      (!size || size.join() === view.size.join());
    const { frames } = await look(isIt);
    await look((view) => isIt(view) && view.frames >= frames + FRAMES);
  }

  /** Waits until frames of `user` flow, whatever is in them. */
  async gets(user, { kind = 'Video', within } = {}) {
    await waitFor(
      `${this.part.user} gets frames of ${user}`,
      () => this.#do('look', { user, kind }),
      (view) => view?.frames >= FRAMES,
      within,
    );
  }

  /** Waits until that participant has no picture of this kind any more. */
  async seesNothingOf(user, { kind = 'Video', within } = {}) {
    const get = () => this.#do('look', { user, kind });
    await waitFor(`${this.part.user} sees nothing of ${user}`, get, (view) => !view, within);
  }

  /** Waits until it hears exactly these of the TONES: of `user`, or in the mix of all. */
  async hears(tones, { user, within } = {}) {
    await waitFor(
      `${this.part.user} hears ${tones} of ${user ?? 'all'}`,
      () => this.#do('listen', { user, tones: TONES }),
      (heard) => heard?.join() === [...tones].sort((a, b) => a - b).join(),
      within,
    );
  }

  #state(what, accept, within) {
    return waitFor(`${this.part.user} ${what}`, () => this.#do('state'), accept, within);
  }

  /** What `window.actor[name]` gives. */
  #do(name, argument) {
    return this.page.evaluate(
      ([name, argument]) => window.actor[name](argument),
      [name, argument ?? null],
    );
  }
}

/**
 * Everybody of `actors` sees everybody of `parts` but themselves, and hears those who have a tone,
 * and nobody else.
 */
export async function allMeet(actors, parts, within) {
  const meet = async (actor) => {
    const others = parts.filter(({ user }) => user !== actor.part.user);
    await actor.isWith(
      others.map(({ user }) => user),
      within,
    );
    for (const { user, colour, tone } of others) {
      assert.ok(colour && tone !== undefined, `${user} has to say what it is seen and heard by`);
      await actor.sees(user, colour, { within });
      if (tone === null) continue;
      await actor.hears([tone], { user, within });
      await actor.hasSpeaking(user, within);
    }
    await actor.hears(
      others.map(({ tone }) => tone).filter((tone) => tone !== null),
      { within },
    );
  };
  await Promise.all(actors.map(meet));
}
