// A local audio stream: a microphone, or a stream of the application.

import { deviceManager, isDevice, onMicrophoneSelected } from './device-manager.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { featuresOf } from './features.js';
import { LocalSource, isStream, sourceOf } from './local-source.js';
import { meter } from './meter.js';
import { proxyable } from './proxies.js';

/** @import { FeatureFactory } from './features.js' */
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
  #features = featuresOf();

  static {
    proxyable(this);
  }

  /**
   * @param {AudioDeviceInfo | MediaStream} source A microphone opens when it is first sent or
   *   requested. Of a MediaStream, the first live audio track is used; its creator has to end it.
   * @param {{autoDisposeOnCallEnd?: boolean} | null} [options] `false` keeps open what getMediaStream()
   *   opened after the call. Unlike in the calling SDK, the stream can be sent again in any case.
   */
  constructor(source, options) {
    super(['audioSourceChanged']);
    if (!isStream(source) && !isDevice(source, 'Microphone')) {
      throw new CallingError(
        400,
        'Create a LocalAudioStream from a microphone of getMicrophones() or a MediaStream.',
      );
    }
    this.#source = new LocalSource(this, 'audio', source, () =>
      emit(this, 'audioSourceChanged', { source: this }),
    );
    this.#source.endsWithCall = options?.autoDisposeOnCallEnd ?? true;
  }

  /** @returns {'Audio' | 'RawMedia'} */
  get mediaStreamType() {
    return this.#source.origin === 'stream' ? 'RawMedia' : 'Audio';
  }

  /**
   * The microphone, even while a stream of the application replaces it; that stream if there never
   * was a microphone.
   * @returns {AudioDeviceInfo}
   */
  get source() {
    const { device, track } = this.#source;
    if (device) return /** @type {AudioDeviceInfo} */ (device);
    const [id, name] = [track?.id ?? '', track?.label ?? ''];
    return { id, name, isSystemDefault: false, deviceType: 'Virtual' };
  }

  /**
   * Returns the stream that is sent, not a copy. If nothing sends the microphone, this opens it,
   * and it stays open until the end of the next call or `dispose()`.
   * @returns {Promise<MediaStream>} Rejects with a CallingError if the microphone does not open.
   */
  getMediaStream() {
    return this.#source.stream();
  }

  /**
   * Sends `stream` instead, at once. When it ends, nothing replaces it automatically.
   * @param {MediaStream} stream
   * @returns {Promise<void>} Rejects with a CallingError if it has no live audio track.
   */
  async setMediaStream(stream) {
    if (!isStream(stream)) throw new CallingError(400, 'setMediaStream() takes a MediaStream.');
    this.#source.set(stream);
  }

  /**
   * Sends this microphone instead, as soon as it is open. Until then the current source is sent.
   * @param {AudioDeviceInfo} microphone
   * @returns {Promise<void>} Rejects with a CallingError if it does not open; nothing changes then.
   */
  async switchSource(microphone) {
    if (!isDevice(microphone, 'Microphone')) {
      throw new CallingError(400, 'switchSource() takes a microphone of getMicrophones().');
    }
    await this.#source.switch(microphone);
  }

  /** Returns the volume of the current source: call it again after `audioSourceChanged`. */
  async getVolume() {
    return meter(await this.#source.stream());
  }

  /**
   * Returns one of the `Features` of the calling SDK, all of which are unsupported here.
   * @param {FeatureFactory} factory
   */
  feature(factory) {
    return this.#features(factory);
  }

  /** Stops sending the stream, for good, and closes the microphone. */
  dispose() {
    this.#source.dispose();
  }
}

/** The streams that follow the selected microphone. @type {Set<WeakRef<LocalAudioStream>>} */
const following = new Set();

/** Returns a stream of the selected microphone, which follows the application's selection. */
export function microphoneStream() {
  const stream = new LocalAudioStream(deviceManager().selectedMicrophone ?? ANY_MICROPHONE);
  following.add(new WeakRef(stream));
  return stream;
}

onMicrophoneSelected((microphone) => {
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
