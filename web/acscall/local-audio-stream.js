// A microphone, or a sound of the application's, to be sent.

import { deviceManager, isDevice, whenSelected } from './device-manager.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { LocalSource, isStream, sourceOf } from './local-source.js';
import { meter } from './meter.js';

/** @import { AudioDeviceInfo } from './device-manager.js' */

/** @type {AudioDeviceInfo} */
const ANY_MICROPHONE = Object.freeze({
  id: '',
  name: '',
  isSystemDefault: true,
  deviceType: 'Microphone',
});

/**
 * @extends {Emitter<{audioSourceChanged: {source: LocalAudioStream}}>}
 */
export class LocalAudioStream extends Emitter {
  #source;

  /**
   * @param {AudioDeviceInfo | MediaStream} source A microphone is opened when it is first sent or
   *   listened to. Of a MediaStream the first live audio track is taken; whoever made it ends it.
   * @param {{autoDisposeOnCallEnd?: boolean}} [options] With `false`, what getMediaStream() opened
   *   stays open after the call. Unlike in the calling SDK, the stream can be sent again in any
   *   case.
   */
  constructor(source, { autoDisposeOnCallEnd = true } = {}) {
    super();
    if (!isStream(source) && !isDevice(source, 'Microphone')) {
      throw new CallingError(
        400,
        'A LocalAudioStream is made from a microphone of getMicrophones() or from a MediaStream.',
      );
    }
    this.#source = new LocalSource(this, 'audio', source, () =>
      emit(this, 'audioSourceChanged', { source: this }),
    );
    this.#source.endsWithCall = autoDisposeOnCallEnd;
  }

  /** @returns {'Audio' | 'RawMedia'} */
  get mediaStreamType() {
    return this.#source.origin === 'stream' ? 'RawMedia' : 'Audio';
  }

  /**
   * The microphone, also while a stream of the application's goes in its place; that stream where
   * there never was one.
   * @returns {AudioDeviceInfo}
   */
  get source() {
    const { device, track } = this.#source;
    if (device) return /** @type {AudioDeviceInfo} */ (device);
    const [id, name] = [track?.id ?? '', track?.label ?? ''];
    return { id, name, isSystemDefault: false, deviceType: 'Virtual' };
  }

  /**
   * What is sent itself, not a copy. A microphone that nobody sends is opened, and then stays open
   * until the end of the next call or `dispose()`.
   * @returns {Promise<MediaStream>} rejected with a CallingError where the microphone does not open
   */
  getMediaStream() {
    return this.#source.stream();
  }

  /**
   * Sends `stream` instead, at once. When it ends, nothing else takes its place by itself.
   * @param {MediaStream} stream
   * @returns {Promise<void>} rejected with a CallingError where it has no live audio track
   */
  async setMediaStream(stream) {
    if (!isStream(stream)) throw new CallingError(400, 'setMediaStream() takes a MediaStream.');
    this.#source.set(stream);
  }

  /**
   * Sends that microphone instead. What was sent before is, until it is open.
   * @param {AudioDeviceInfo} microphone
   * @returns {Promise<void>} rejected with a CallingError where it does not open; then nothing has
   *   changed
   */
  async switchSource(microphone) {
    if (!isDevice(microphone, 'Microphone')) {
      throw new CallingError(400, 'switchSource() takes a microphone of getMicrophones().');
    }
    await this.#source.switch(microphone);
  }

  /** How loud it is. Ask anew after `audioSourceChanged`. */
  async getVolume() {
    return meter(await this.#source.stream());
  }

  /** For good: it is sent no more, and the microphone is closed. */
  dispose() {
    this.#source.dispose();
  }
}

/** Those of `microphoneStream` that may be in use. @type {Set<WeakRef<LocalAudioStream>>} */
const following = new Set();

/** The selected microphone, and when the application selects another, that one. */
export function microphoneStream() {
  const stream = new LocalAudioStream(deviceManager().selectedMicrophone ?? ANY_MICROPHONE);
  following.add(new WeakRef(stream));
  return stream;
}

whenSelected((microphone) => {
  for (const reference of following) {
    const stream = reference.deref();
    if (!stream || isDisposed(stream)) following.delete(reference);
    else if (stream.mediaStreamType === 'Audio') {
      stream.switchSource(microphone).catch((error) => console.warn(error.message));
    }
  }
});

/** @param {LocalAudioStream} stream */
function isDisposed(stream) {
  return sourceOf(stream)?.isDisposed;
}
