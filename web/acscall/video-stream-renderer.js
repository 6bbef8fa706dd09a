// Shows a video stream in an element, as the calling SDK does.

import { CallingError } from './errors.js';
import { LocalVideoStream } from './local-video-stream.js';
import { Proxyable, proxyable, unwrap } from './proxies.js';
import { RemoteVideoStream, openView } from './remote-video-stream.js';

/** @typedef {'Stretch' | 'Crop' | 'Fit'} ScalingMode */

/** @type {Record<ScalingMode, string>} */
const FITS = { Stretch: 'fill', Crop: 'cover', Fit: 'contain' };

/** A `<video>` that shows a stream. */
export class VideoStreamRendererView extends Proxyable {
  #target = document.createElement('div');
  #video = document.createElement('video');
  #isMirrored;
  /** @type {ScalingMode} */
  #scalingMode = 'Crop';
  #onDispose;

  static {
    proxyable(this);
  }

  /**
   * @internal
   * @param {MediaStream} stream
   * @param {{isMirrored?: boolean, scalingMode?: ScalingMode} | null | undefined} options
   * @param {() => void} onDispose
   */
  constructor(stream, options, onDispose) {
    super();
    this.#onDispose = onDispose;
    this.#isMirrored = options?.isMirrored ?? false;
    Object.assign(this.#target.style, { width: '100%', height: '100%' });
    Object.assign(this.#video.style, {
      width: '100%',
      height: '100%',
      transform: this.#isMirrored ? 'scaleX(-1)' : '',
    });
    this.#scale(options?.scalingMode ?? 'Crop');
    Object.assign(this.#video, { muted: true, autoplay: true, playsInline: true });
    this.#video.srcObject = stream;
    this.#target.append(this.#video);
  }

  /** The element to place in the page. */
  get target() {
    return this.#target;
  }

  get isMirrored() {
    return this.#isMirrored;
  }

  get scalingMode() {
    return this.#scalingMode;
  }

  /** @param {ScalingMode} scalingMode */
  async updateScalingMode(scalingMode) {
    this.#scale(scalingMode);
  }

  /** Removes the element from the page. */
  dispose() {
    this.#target.remove();
    this.#video.srcObject = null;
    this.#onDispose();
  }

  /** @param {ScalingMode} scalingMode */
  #scale(scalingMode) {
    if (!(scalingMode in FITS)) {
      throw new CallingError(400, 'The scaling mode must be Stretch, Crop or Fit.');
    }
    this.#scalingMode = scalingMode;
    this.#video.style.objectFit = FITS[scalingMode];
  }
}

export class VideoStreamRenderer extends Proxyable {
  #stream;
  /** @type {Set<VideoStreamRendererView>} */
  #views = new Set();
  #isDisposed = false;

  static {
    proxyable(this);
  }

  /** @param {LocalVideoStream | RemoteVideoStream} videoStream */
  constructor(videoStream) {
    super();
    const stream = unwrap(videoStream);
    if (!(stream instanceof LocalVideoStream || stream instanceof RemoteVideoStream)) {
      throw new CallingError(400, 'A VideoStreamRenderer shows a local or a remote video stream.');
    }
    this.#stream = stream;
  }

  /** The size of a remote video; zeros for a local one. */
  get size() {
    return this.#stream instanceof RemoteVideoStream ? this.#stream.size : { width: 0, height: 0 };
  }

  /**
   * Shows the stream in an element of its own. It opens a camera, and starts the transmission of a
   * remote video.
   * @param {{isMirrored?: boolean, scalingMode?: ScalingMode} | null} [options]
   * @returns {Promise<VideoStreamRendererView>} Rejects as the stream's `getMediaStream()` does.
   */
  async createView(options) {
    this.#check();
    const media =
      this.#stream instanceof LocalVideoStream
        ? await viewOf(this.#stream)
        : await openView(this.#stream);
    try {
      this.#check();
      const view = new VideoStreamRendererView(media.stream, options, () => {
        this.#views.delete(view);
        media.close();
      });
      this.#views.add(view);
      return view;
    } catch (error) {
      media.close();
      throw error;
    }
  }

  /** Disposes of all views. */
  dispose() {
    this.#isDisposed = true;
    for (const view of this.#views) view.dispose();
  }

  #check() {
    if (this.#isDisposed) throw new CallingError(400, 'The renderer was disposed. Create a new one.');
  }
}

/**
 * Returns a copy of a local stream for a view, which follows the stream's source.
 * @param {LocalVideoStream} local
 */
async function viewOf(local) {
  const stream = await local.getMediaStream();
  let isClosed = false;
  const stop = () => {
    for (const track of stream.getTracks()) {
      track.stop();
      stream.removeTrack(track);
    }
  };
  const follow = async () => {
    const next = await local.getMediaStream();
    if (isClosed) for (const track of next.getTracks()) track.stop();
    else {
      stop();
      for (const track of next.getTracks()) stream.addTrack(track);
    }
  };
  const changed = () => follow().catch((error) => console.debug('the preview has ended:', error));
  local.on('videoSourceChanged', changed);
  const close = () => {
    isClosed = true;
    local.off('videoSourceChanged', changed);
    stop();
  };
  return { stream, close };
}
