// A call between a page and GStreamer in which a fence runs.

import { GStreamerEnd } from './gstreamer-end.mjs';
import { SeedPage } from './seed-page.mjs';
import { waitFor } from '../harness.mjs';

/** The users whom the documents call. */
const CALLEE = 'acs_user_id';
const CALLER = 'alice';

export class Scene {
  #server;
  #browser;
  #fences;

  /**
   * @param {object} options
   * @param {import('./fences.mjs').Fence} options.fence The fence to run.
   * @param {import('./fences.mjs').Fence[]} options.fences All fences, including those it needs.
   */
  constructor({ server, browser, fence, fences }) {
    this.#server = server;
    this.#browser = browser;
    this.#fences = fences;
    this.fence = fence;
  }

  /** Returns the fence of the same document under this heading. */
  earlier(heading) {
    const [document] = this.fence.name.split(': ');
    const found = this.#fences.find(({ name }) => name === `${document}: ${heading}`);
    if (!found) throw new Error(`${document} has no code fence under '${heading}'`);
    return found;
  }

  /**
   * Opens the page, and starts a pipeline that waits for its call.
   * @param {Pick<ConstructorParameters<typeof GStreamerEnd>[0], 'receive' | 'send'>} streams
   */
  async begin(streams) {
    // The previous scene's users are gone as soon as the server has noticed.
    await this.#listening(0);
    this.page = await SeedPage.open(this.#browser, this.#server, CALLER);
    this.gst = new GStreamerEnd({
      server: this.#server.signalling,
      user: CALLEE,
      caller: CALLER,
      ...streams,
    });
    await this.#listening(2);
    return { page: this.page, gst: this.gst };
  }

  /** Starts a call, for fences that need one. */
  async startCall() {
    await this.page.evaluate((userId) => window.seeds.startCall(userId), CALLEE);
    await this.page.hasState('Connected');
  }

  /** Hangs up; fails if the pipeline does not end then, or the page had an error. */
  async end() {
    await this.page.hangUp();
    await this.gst.over();
    if (this.page.errors.length > 0) throw new Error(this.page.errors.join('\n'));
  }

  /** Ends everything that is left. */
  async close() {
    await Promise.all([this.page?.close(), this.gst?.kill()]);
  }

  #listening(count) {
    const get = async () => {
      // The server limits the requests per socket, and may close it while one is on its way.
      const headers = { connection: 'close' };
      const metrics = await fetch(new URL('/metrics', this.#server.url), { headers });
      return Number(/^acscall_listening (\d+)/m.exec(await metrics.text())?.[1]);
    };
    return waitFor(`${count} that wait for calls`, get, (now) => now === count);
  }
}
