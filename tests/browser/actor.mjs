// A page in a call that uses only the library: it sends colours and tones, and reports those that
// it receives. Works in Chromium, driven by Playwright, and in Firefox, driven by Puppeteer.

import assert from 'node:assert/strict';
import { waitFor } from './harness.mjs';
import { install } from './in-page.mjs';

/** The colours that participants send, different enough to survive any codec. */
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

/** The tolerance of a colour channel. videoconvert alone takes up to 6. */
const COLOUR_BOUND = 12;

/**
 * The tolerance in Firefox for what Chromium paints on a canvas: full range in BT.709, which it
 * signals in a way that Firefox ignores.
 */
export const MISTAKEN_BOUND = 60;

/** The number of frames that proves a moving picture. */
const FRAMES = 5;

/** Returns the name in COLOURS of a picture. */
export function colourName(pixel, bound = COLOUR_BOUND) {
  const isNear = ([, sent]) => sent.every((value, at) => Math.abs(value - pixel[at]) < bound);
  return Object.entries(COLOURS).find(isNear)?.[0] ?? `none of them: ${pixel}`;
}

/**
 * What an actor sends and receives.
 * @typedef {object} Part
 * @property {string} user
 * @property {string} [call] The call to join.
 * @property {string[]} [callees] The users to call instead.
 * @property {number | 'device' | null} [tone] Null is silence.
 * @property {keyof COLOURS | 'device'} [colour] The camera.
 * @property {keyof COLOURS} [screen]
 * @property {[number, number]} [size] The size of pictures that come from no device.
 */

/** A page in a call. */
export class Actor {
  /**
   * Opens the library on `page`, from `server`. `bounds` are the tolerances of colours, by sender.
   */
  static async open(page, server, bounds = {}) {
    const actor = new Actor();
    Object.assign(actor, { page, bounds });
    // Any document of the server without a script.
    await page.goto(`${server.url}acscall.js`);
    await page.evaluate(install, COLOURS);
    return actor;
  }

  /** Starts the call of `part`; fulfilled once it is connected. @param {Part} part */
  async enter(part) {
    this.part = part;
    await this.#do('enter', part);
  }

  /** Waits for a call and answers it. @param {Part} part */
  async wait(part) {
    this.part = part;
    await this.#do('wait', part);
  }

  /** Sends this instead from now on; a `colour` of null stops the camera. */
  async send(part) {
    await this.#do('send', part);
  }

  hangUp() {
    return this.#do('hangUp');
  }

  stopScreenSharing() {
    return this.#do('stopScreenSharing');
  }

  /** Returns the names of all devices. */
  devices() {
    return this.#do('devices');
  }

  /** Waits for this state of the call. */
  async reaches(state, within) {
    await this.#state(state, (actor) => actor.state === state, within);
  }

  /** Waits until the connection to the server is lost or restored. */
  async isReconnecting(expected, within) {
    await this.#state(
      expected ? 'without a server' : 'with the server',
      ({ reconnecting }) => reconnecting === expected,
      within,
    );
  }

  /** Waits for the error of `mediaType`. */
  async lacks(mediaType, code, within) {
    const isIt = (one) => one.mediaError === mediaType && one.code === code;
    await this.#state(`without ${mediaType}`, ({ events }) => events.some(isIt), within);
  }

  /** Waits until `user` is speaking; a tone counts as speech. */
  async hasSpeaking(user, within) {
    const isIt = (one) => one.user === user && one.isSpeaking;
    await this.#state(`with ${user} speaking`, ({ others }) => others.some(isIt), within);
  }

  /** Waits until `user` has left or its connection is lost. */
  async misses(user, within) {
    const isThere = (one) => one.user === user && one.state === 'Connected';
    await this.#state(`without ${user}`, ({ others }) => !others.some(isThere), within);
  }

  /** Returns the state of the call, of the other participants, and the events so far. */
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

  /** Waits until frames of this colour (and size) arrive from `user` as `kind`. */
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

  /** Waits until frames arrive from `user`, whatever their content. */
  async gets(user, { kind = 'Video', within } = {}) {
    await waitFor(
      `${this.part.user} gets frames of ${user}`,
      () => this.#do('look', { user, kind }),
      (view) => view?.frames >= FRAMES,
      within,
    );
  }

  /** Waits until the participant has no picture of this kind. */
  async seesNothingOf(user, { kind = 'Video', within } = {}) {
    const get = () => this.#do('look', { user, kind });
    await waitFor(`${this.part.user} sees nothing of ${user}`, get, (view) => !view, within);
  }

  /** Waits until exactly these TONES are heard, of `user` or in the mix. */
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

  /** Calls `window.actor[name]`. */
  #do(name, argument) {
    return this.page.evaluate(
      ([name, argument]) => window.actor[name](argument),
      [name, argument ?? null],
    );
  }
}

/**
 * Waits until each of `actors` sees all other `parts`, and hears exactly those that have a tone.
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
