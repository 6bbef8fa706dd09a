// A tile: a picture or the initial of a name, with a caption and buttons.

import { $, hue, initial, setText, showTrack } from './dom.js';

export class Tile {
  /**
   * @param {object} on
   * @param {() => void} on.resized Called when the picture has another aspect ratio.
   * @param {() => void} on.pinned Called when the user pins or unpins the tile.
   */
  constructor(on) {
    /** @type {HTMLElement} */
    this.element = $('tile').content.firstElementChild.cloneNode(true);
    this.video = this.#part('video');
    /** Whether the tile is our own. */
    this.isOwn = false;
    this.kind = 'video';
    for (const event of ['resize', 'loadeddata', 'emptied']) {
      this.video.addEventListener(event, () => {
        this.#showPicture();
        on.resized();
      });
    }
    this.#part('.pin').addEventListener('click', on.pinned);
    this.#part('.enlarge').addEventListener('click', () => this.enlarge());
    this.video.addEventListener('dblclick', () => this.enlarge());
  }

  /** The aspect ratio of the picture; 0 without one. */
  get aspect() {
    const { videoWidth, videoHeight } = this.video;
    return this.element.classList.contains('seen') ? videoWidth / videoHeight : 0;
  }

  /**
   * @param {object} shown
   * @param {string} shown.kind 'video', 'screen' or 'ringing'.
   * @param {string} shown.user
   * @param {string} shown.name
   * @param {string} shown.title The name of the picture.
   * @param {string} shown.caption
   * @param {MediaStreamTrack | null} [shown.track]
   * @param {string[]} [shown.marks] own, away, mute, mirrored, speaking, ringing.
   */
  show({ kind, user, name, title, caption, track = null, marks = [] }) {
    this.kind = kind;
    this.isOwn = marks.includes('own');
    this.element.dataset.user = user;
    this.element.dataset.kind = kind;
    this.element.style.setProperty('--hue', String(hue(user)));
    for (const mark of ['own', 'away', 'mute', 'mirrored', 'speaking', 'ringing']) {
      this.element.classList.toggle(mark, marks.includes(mark));
    }
    setText(this.#part('.name'), caption);
    setText(this.#part('.initial'), initial(name));
    this.video.setAttribute('aria-label', title);
    this.#label('.pin', `Make large: ${title}`);
    this.#label('.enlarge', `Full screen: ${title}`);
    this.#part('.pin').hidden = kind === 'ringing';
    if (showTrack(this.video, track)) this.#showPicture();
  }

  /** @param {boolean} isPinned */
  pin(isPinned) {
    this.#part('.pin').setAttribute('aria-pressed', String(isPinned));
  }

  /** @param {import('./layout.js').Box} box */
  place({ x, y, width, height }) {
    for (const [name, value] of Object.entries({ x, y, width, height })) {
      this.element.style.setProperty(`--${name}`, `${Math.round(value)}px`);
    }
  }

  /** @param {string} text */
  setStats(text) {
    setText(this.#part('.stats'), text);
  }

  enlarge() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.aspect) this.video.requestFullscreen?.().catch(() => {});
  }

  close() {
    this.video.srcObject = null;
    this.element.remove();
  }

  /** Shows the video from the first frame on, and the initial before. */
  #showPicture() {
    const seen = Boolean(this.video.srcObject) && this.video.videoWidth > 0;
    this.element.classList.toggle('seen', seen);
    this.#part('.enlarge').hidden = !seen || !this.video.requestFullscreen;
  }

  #label(part, text) {
    const button = this.#part(part);
    if (button.title === text) return;
    button.title = text;
    button.setAttribute('aria-label', text);
  }

  /** @returns {any} */
  #part(selector) {
    return this.element.querySelector(selector);
  }
}
