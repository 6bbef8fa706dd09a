// A camera, a screen, or a picture of the application's, to be sent.

import { openScreen } from './capture.js';
import { isDevice } from './device-manager.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { Screen } from './feeds.js';
import { LocalSource, isStream } from './local-source.js';

/** @import { VideoDeviceInfo } from './device-manager.js' */

/**
 * @extends {Emitter<{videoSourceChanged: {source: LocalVideoStream}}>}
 */
export class LocalVideoStream extends Emitter {
  #source;

  /**
   * @param {VideoDeviceInfo | MediaStream} source A camera is opened when it is first sent or
   *   looked at. Of a MediaStream the first live video track is taken; whoever made it ends it.
   * @param {{autoDisposeOnCallEnd?: boolean}} [options] With `false`, what getMediaStream() gave
   *   of a device goes on after the call. Unlike in the calling SDK, the stream can be sent again
   *   in any case.
   */
  constructor(source, { autoDisposeOnCallEnd = true } = {}) {
    super();
    const isFine = isStream(source) || isCamera(source) || source instanceof Screen;
    if (!isFine) {
      throw new CallingError(
        400,
        'A LocalVideoStream is made from a camera of getCameras() or from a MediaStream.',
      );
    }
    this.#source = new LocalSource(this, 'video', source, () =>
      emit(this, 'videoSourceChanged', { source: this }),
    );
    this.#source.endsWithCall = autoDisposeOnCallEnd;
  }

  /** @returns {'Video' | 'ScreenSharing' | 'RawMedia'} */
  get mediaStreamType() {
    return TYPES[this.#source.origin];
  }

  /**
   * The camera or screen, also while a stream of the application's goes in its place; that stream
   * where there never was one.
   * @returns {VideoDeviceInfo}
   */
  get source() {
    const { device, track } = this.#source;
    if (device) return /** @type {VideoDeviceInfo} */ (device);
    return { id: track?.id ?? '', name: track?.label ?? '', deviceType: 'Virtual' };
  }

  /**
   * A copy of what is sent, or would be. A camera is opened for it if need be, and stays open for
   * as long as the copy is used: its user ends it.
   * @returns {Promise<MediaStream>} rejected with a CallingError where the camera does not open
   */
  getMediaStream() {
    return this.#source.clone();
  }

  /**
   * Sends `stream` instead, at once. When it ends, nothing else takes its place by itself.
   * @param {MediaStream} stream
   * @returns {Promise<void>} rejected with a CallingError where it has no live video track
   */
  async setMediaStream(stream) {
    if (!isStream(stream)) throw new CallingError(400, 'setMediaStream() takes a MediaStream.');
    this.#source.set(stream);
  }

  /**
   * Sends that camera instead. What was sent before is, until it is open.
   * @param {VideoDeviceInfo} camera
   * @returns {Promise<void>} rejected with a CallingError where it does not open; then nothing has
   *   changed
   */
  async switchSource(camera) {
    if (!isCamera(camera)) {
      throw new CallingError(400, 'switchSource() takes a camera of getCameras().');
    }
    await this.#source.switch(camera);
  }

  /** For good: it is sent no more, and what getMediaStream() gave ends. */
  dispose() {
    this.#source.dispose();
  }
}

const TYPES = /** @type {const} */ ({
  device: 'Video',
  screen: 'ScreenSharing',
  stream: 'RawMedia',
});

/**
 * Has the user choose what to share.
 * @returns {Promise<LocalVideoStream>} rejected with a CallingError
 */
export async function screenStream() {
  const screen = /** @type {any} */ (new Screen(await openScreen()));
  return new LocalVideoStream(screen);
}

/** @param {unknown} device */
function isCamera(device) {
  return isDevice(device, 'UsbCamera') || isDevice(device, 'Virtual');
}
