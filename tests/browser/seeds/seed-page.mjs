// A page at the server's origin that fences run in, from the side of the test.

import { readFile } from 'node:fs/promises';
import { PATIENCE } from '../harness.mjs';
import { SIZE } from './tone.mjs';

export class SeedPage {
  /** What went wrong in the page, and what it printed. @type {string[]} */
  errors = [];
  /** @type {string[]} */
  printed = [];

  /** Opens one in a window of its own, in which `user` can place calls. */
  static async open(browser, server, user) {
    const seedPage = new SeedPage();
    await seedPage.#open(browser, server);
    await seedPage.page.evaluate((user) => window.seeds.start(user), user);
    return seedPage;
  }

  async #open(browser, { url }) {
    // The server's policy lets no code be made of text.
    this.page = await (await browser.newContext({ bypassCSP: true })).newPage();
    this.page.setDefaultTimeout(PATIENCE);
    this.page.on('pageerror', (error) => this.errors.push(String(error.stack ?? error)));
    this.page.on('console', (message) => {
      // Every browser looks for one, and the server has none under that name.
      if (message.location().url.endsWith('/favicon.ico')) return;
      this.printed.push(message.text());
      if (['error', 'warning'].includes(message.type())) this.errors.push(message.text());
      if (process.env.ACSCALL_TEST_LOG) console.error(message.text());
    });
    // A text of the server's, as a page in which nothing else runs.
    await this.page.goto(new URL('/acscall.js', url).href);
    const content = await readFile(new URL('in-page.js', import.meta.url), 'utf8');
    await this.page.addScriptTag({ type: 'module', content });
    // A module that cannot be loaded is told by nothing else.
    const failed = new Promise((_, reject) => this.page.once('pageerror', reject));
    failed.catch(() => {});
    await Promise.race([this.page.waitForFunction(() => window.seeds), failed]);
  }

  /**
   * Runs a fence to its end.
   * @param {import('./fences.mjs').Fence} fence
   * @param {string[]} free The names that it uses as if they were there.
   * @param {object} [options]
   * @param {string} [options.split] Before the line that begins so, it waits for `checked()`.
   * @param {number} [options.anotherCamera] The index of the camera to switch to.
   */
  run({ code }, free, { split, anotherCamera } = {}) {
    const at = split ? code.indexOf(`\n${split}`) : code.length;
    if (at < 0) throw new Error(`no line begins with '${split}'`);
    const parts = split ? [code.slice(0, at), code.slice(at)] : [code];
    const how = [parts, free, anotherCamera];
    return this.page.evaluate((how) => window.seeds.run(...how), how);
  }

  /** Runs a function in the page, where `window.seeds` is what in-page.js says. */
  evaluate(...how) {
    return this.page.evaluate(...how);
  }

  /** Waits until a fence that was split is at that line. */
  atMiddle() {
    return this.page.evaluate(() => window.seeds.atMiddle());
  }

  /** Lets it go on. */
  checked() {
    return this.page.evaluate(() => window.seeds.checked.resolve());
  }

  /** Waits until the call is in this state. */
  hasState(state) {
    return this.page.evaluate((state) => window.seeds.hasState(state), state);
  }

  /** The last samples of what a fence has got from getMediaStream() as sound, for toneOf(). */
  async readSound() {
    return Float32Array.from(
      await this.page.evaluate((size) => window.seeds.readSound(size), SIZE),
    );
  }

  /** What a fence has got from getMediaStream() as video of this type: its tenth picture. */
  async readPicture(type) {
    return pictureOf(await this.evaluate((type) => window.seeds.readPicture(type), type));
  }

  /** What is on the canvas that is being sent as screen share, a byte for each gray pixel. */
  async paintedGray() {
    return pictureOf(await this.evaluate(() => window.seeds.paintedGray()));
  }

  /** Hangs up, and waits until that is done. */
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
