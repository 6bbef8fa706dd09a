// A page of the server in which fences run, from the test's side.

import { readFile } from 'node:fs/promises';
import { TIMEOUT } from '../harness.mjs';
import { SIZE } from './tone.mjs';

export class SeedPage {
  /** The errors and the output of the page. @type {string[]} */
  errors = [];
  /** @type {string[]} */
  printed = [];

  /** Opens a page in a window of its own, in which `user` can place calls. */
  static async open(browser, server, user) {
    const seedPage = new SeedPage();
    await seedPage.#open(browser, server);
    await seedPage.page.evaluate((user) => window.seeds.start(user), user);
    return seedPage;
  }

  async #open(browser, { url }) {
    // The server's policy forbids code from strings.
    this.page = await (await browser.newContext({ bypassCSP: true })).newPage();
    this.page.setDefaultTimeout(TIMEOUT);
    this.page.on('pageerror', (error) => this.errors.push(String(error.stack ?? error)));
    this.page.on('console', (message) => {
      // Browsers request this icon, and the server has none under that name.
      if (message.location().url.endsWith('/favicon.ico')) return;
      this.printed.push(message.text());
      if (['error', 'warning'].includes(message.type())) this.errors.push(message.text());
      if (process.env.ACSCALL_TEST_LOG) console.error(message.text());
    });
    // A text of the server, as a page without scripts.
    await this.page.goto(new URL('/acscall.js', url).href);
    const content = await readFile(new URL('in-page.js', import.meta.url), 'utf8');
    await this.page.addScriptTag({ type: 'module', content });
    // No other event reports a module that fails to load.
    const failed = new Promise((_, reject) => this.page.once('pageerror', reject));
    failed.catch(() => {});
    await Promise.race([this.page.waitForFunction(() => window.seeds), failed]);
  }

  /**
   * Runs a fence to its end.
   * @param {import('./fences.mjs').Fence} fence
   * @param {string[]} free The names that it uses without defining them.
   * @param {object} [options]
   * @param {string} [options.split] Waits for `checked()` before the line that begins like this.
   * @param {number} [options.anotherCamera] The index of the camera to switch to.
   */
  run({ code }, free, { split, anotherCamera } = {}) {
    const at = split ? code.indexOf(`\n${split}`) : code.length;
    if (at < 0) throw new Error(`no line begins with '${split}'`);
    const parts = split ? [code.slice(0, at), code.slice(at)] : [code];
    const how = [parts, free, anotherCamera];
    return this.page.evaluate((how) => window.seeds.run(...how), how);
  }

  /** Runs a function in the page, which has the `window.seeds` of in-page.js. */
  evaluate(...how) {
    return this.page.evaluate(...how);
  }

  /** Waits until a split fence has reached that line. */
  atMiddle() {
    return this.page.evaluate(() => window.seeds.atMiddle());
  }

  /** Continues the fence. */
  checked() {
    return this.page.evaluate(() => window.seeds.checked.resolve());
  }

  /** Waits until the call is in this state. */
  hasState(state) {
    return this.page.evaluate((state) => window.seeds.hasState(state), state);
  }

  /** Returns the last samples of the sound that a fence got from getMediaStream(), for toneOf(). */
  async readSound() {
    return Float32Array.from(
      await this.page.evaluate((size) => window.seeds.readSound(size), SIZE),
    );
  }

  /** Returns the tenth picture of the video of this type that a fence got from getMediaStream(). */
  async readPicture(type) {
    return pictureOf(await this.evaluate((type) => window.seeds.readPicture(type), type));
  }

  /** Returns the canvas that is sent as screen share, a byte for each gray pixel. */
  async paintedGray() {
    return pictureOf(await this.evaluate(() => window.seeds.paintedGray()));
  }

  /** Hangs up, and waits for the end. */
  hangUp() {
    return this.page.evaluate(() => window.seeds.theCall()?.hangUp());
  }

  close() {
    return this.page.context().close();
  }
}

function pictureOf({ base64, ...size }) {
  return { ...size, data: Buffer.from(base64, 'base64') };
}
