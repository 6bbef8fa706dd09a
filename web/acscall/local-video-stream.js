// A local video stream: a camera, a screen, or a stream of the application.

import { openScreen } from './capture.js';
import { isDevice } from './device-manager.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { featuresOf } from './features.js';
import { Screen } from './feeds.js';
import { LocalSource, isStream } from './local-source.js';
import { proxyable } from './proxies.js';

/** @import { FeatureFactory } from './features.js' */
/** @import { VideoDeviceInfo } from './device-manager.js' */

/**
 * @extends {Emitter<{videoSourceChanged: {source: LocalVideoStream}}>}
 */
export class LocalVideoStream extends Emitter {
  #source;
  #features = featuresOf();

  static {
    proxyable(this);
  }

  /**
   * @param {VideoDeviceInfo | MediaStream} source A camera opens when it is first sent or
   *   requested. Of a MediaStream, the first live video track is used; its creator has to end it.
   * @param {{autoDisposeOnCallEnd?: boolean} | null} [options] `false` keeps a device's getMediaStream()
   *   running after the call. Unlike in the calling SDK, the stream can be sent again in any case.
   */
  constructor(source, options) {
    super(['videoSourceChanged']);
    const isValid = isStream(source) || isCamera(source) || source instanceof Screen;
    if (!isValid) {
      throw new CallingError(
        400,
        'Create a LocalVideoStream from a camera of getCameras() or a MediaStream.',
      );
    }
    this.#source = new LocalSource(this, 'video', source, () =>
      emit(this, 'videoSourceChanged', { source: this }),
    );
    this.#source.endsWithCall = options?.autoDisposeOnCallEnd ?? true;
  }

  /** @returns {'Video' | 'ScreenSharing' | 'RawMedia'} */
  get mediaStreamType() {
    return TYPES[this.#source.origin];
  }

  /**
   * The camera or screen, even while a stream of the application replaces it; that stream if there
   * never was a device.
   * @returns {VideoDeviceInfo}
   */
  get source() {
    const { device, track } = this.#source;
    if (device) return /** @type {VideoDeviceInfo} */ (device);
    return { id: track?.id ?? '', name: track?.label ?? '', deviceType: 'Virtual' };
  }

  /**
   * Returns a copy of the sent stream. It opens the camera if necessary, and keeps it open until
   * the caller stops the copy.
   * @returns {Promise<MediaStream>} Rejects with a CallingError if the camera does not open.
   */
  getMediaStream() {
    return this.#source.clone();
  }

  /**
   * Sends `stream` instead, at once. When it ends, nothing replaces it automatically.
   * @param {MediaStream} stream
   * @returns {Promise<void>} Rejects with a CallingError if it has no live video track.
   */
  async setMediaStream(stream) {
    if (!isStream(stream)) throw new CallingError(400, 'setMediaStream() takes a MediaStream.');
    this.#source.set(stream);
  }

  /**
   * Sends this camera instead, as soon as it is open. Until then the current source is sent.
   * @param {VideoDeviceInfo} camera
   * @returns {Promise<void>} Rejects with a CallingError if it does not open; nothing changes then.
   */
  async switchSource(camera) {
    if (!isCamera(camera)) {
      throw new CallingError(400, 'switchSource() takes a camera of getCameras().');
    }
    await this.#source.switch(camera);
  }

  /**
   * Returns one of the `Features` of the calling SDK, all of which are unsupported here.
   * @param {FeatureFactory} factory
   */
  feature(factory) {
    return this.#features(factory);
  }

  /** Stops sending the stream, for good, and ends the copies of getMediaStream(). */
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
 * Lets the user choose a screen, window or tab to share.
 * @returns {Promise<LocalVideoStream>} Rejects with a CallingError.
 */
export async function screenStream() {
  const screen = /** @type {any} */ (new Screen(await openScreen()));
  return new LocalVideoStream(screen);
}

/** @param {unknown} device */
function isCamera(device) {
  return isDevice(device, 'UsbCamera') || isDevice(device, 'Virtual');
}
