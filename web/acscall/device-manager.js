// The cameras, microphones and speakers that the browser reports.

import { tryDevices } from './capture.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { proxyable } from './proxies.js';

/**
 * @typedef {'UsbCamera' | 'Virtual' | 'ScreenSharing'} VideoDeviceType
 * @typedef {'Microphone' | 'Speaker' | 'Virtual'} AudioDeviceType
 */

/**
 * A camera.
 * @typedef {object} VideoDeviceInfo
 * @property {string} id Assigned by the browser, per page. Empty, and meaning the browser's choice,
 *   until the page may use cameras.
 * @property {string} name Empty until the page may use cameras.
 * @property {VideoDeviceType} deviceType
 */

/**
 * A microphone or speaker.
 * @typedef {object} AudioDeviceInfo
 * @property {string} id As for cameras.
 * @property {string} name
 * @property {boolean} isSystemDefault
 * @property {AudioDeviceType} deviceType
 */

/**
 * The devices that the user allowed; false also for a kind that was not requested.
 * @typedef {object} DeviceAccess
 * @property {boolean} audio
 * @property {boolean} video
 * @property {CallingError} [audioError] Why it was denied; the calling SDK does not have this.
 * @property {CallingError} [videoError]
 */

/** @import { Updated } from './emitter.js' */

/**
 * The devices; a page has one manager.
 * @extends {Emitter<{
 *   videoDevicesUpdated: Updated<VideoDeviceInfo>,
 *   audioDevicesUpdated: Updated<AudioDeviceInfo>,
 *   selectedMicrophoneChanged: void,
 *   selectedSpeakerChanged: void,
 * }>}
 */
export class DeviceManager extends Emitter {
  /** @type {VideoDeviceInfo[]} */
  #cameras = [];
  /** @type {AudioDeviceInfo[]} */
  #microphones = [];
  /** @type {AudioDeviceInfo[]} */
  #speakers = [];
  /** @type {AudioDeviceInfo | undefined} */
  #microphone;
  /** @type {AudioDeviceInfo | undefined} */
  #speaker;

  static {
    proxyable(this);
  }

  constructor() {
    super([
      'videoDevicesUpdated',
      'audioDevicesUpdated',
      'selectedMicrophoneChanged',
      'selectedSpeakerChanged',
    ]);
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#refresh());
  }

  async getCameras() {
    await this.#refresh();
    return [...this.#cameras];
  }

  async getMicrophones() {
    await this.#refresh();
    return [...this.#microphones];
  }

  async getSpeakers() {
    await this.#refresh();
    return [...this.#speakers];
  }

  /** The microphone of calls without a stream of their own. */
  get selectedMicrophone() {
    return this.#microphone ?? defaultOf(this.#microphones);
  }

  /** The speaker that plays calls. */
  get selectedSpeaker() {
    return this.#speaker ?? defaultOf(this.#speakers);
  }

  /** Whether the browser lets this page choose the speaker. */
  get isSpeakerSelectionAvailable() {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  /**
   * Switches all calls that send the selected microphone to this one.
   * @param {AudioDeviceInfo} microphone
   */
  async selectMicrophone(microphone) {
    if (!isDevice(microphone, 'Microphone')) {
      throw new CallingError(400, 'This is not a microphone. Pass one from getMicrophones().');
    }
    this.#microphone = microphone;
    for (const listener of selectionListeners) listener(microphone);
    emit(this, 'selectedMicrophoneChanged');
  }

  /** @param {AudioDeviceInfo} speaker */
  async selectSpeaker(speaker) {
    if (!isDevice(speaker, 'Speaker')) {
      throw new CallingError(400, 'This is not a speaker. Pass one from getSpeakers().');
    }
    if (!this.isSpeakerSelectionAvailable) {
      throw new CallingError(404, 'This browser does not let pages choose the speaker.');
    }
    this.#speaker = speaker;
    emit(this, 'selectedSpeakerChanged');
  }

  /**
   * Asks the user for permission, once for both kinds. Never rejects.
   * @param {{audio?: boolean, video?: boolean} | null} [constraints]
   * @returns {Promise<DeviceAccess>}
   */
  async askDevicePermission(constraints) {
    const { audio = false, video = false } = constraints ?? {};
    const requested = { audio, video };
    const access = await requestAccess(requested);
    // One of the two may still work, unless the user denied both.
    const error = access.audioError ?? access.videoError;
    if (audio && video && error && !isDenied(error)) {
      Object.assign(access, await requestAccess({ audio, video: false }));
      const { video: allowed, videoError } = await requestAccess({ audio: false, video });
      Object.assign(access, { video: allowed, videoError });
    }
    await this.#refresh();
    return access;
  }

  async #refresh() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    // On Windows, the communications device duplicates one of the others.
    const all = devices.filter(({ deviceId }) => deviceId !== 'communications');
    const [microphone, speaker] = [this.selectedMicrophone, this.selectedSpeaker];
    const cameras = all.filter(({ kind }) => kind === 'videoinput').map(camera);
    const microphones = audioDevices(all, 'audioinput', 'Microphone');
    const speakers = audioDevices(all, 'audiooutput', 'Speaker');
    const video = difference(this.#cameras, cameras);
    const audio = difference(
      [...this.#microphones, ...this.#speakers],
      [...microphones, ...speakers],
    );
    this.#cameras = kept(this.#cameras, cameras);
    this.#microphones = kept(this.#microphones, microphones);
    this.#speakers = kept(this.#speakers, speakers);
    // A selected device that is gone is deselected, and not replaced.
    if (this.#microphone && !find(microphones, this.#microphone)) this.#microphone = undefined;
    if (this.#speaker && !find(speakers, this.#speaker)) this.#speaker = undefined;
    if (video) emit(this, 'videoDevicesUpdated', video);
    if (audio) emit(this, 'audioDevicesUpdated', audio);
    if (microphone?.id !== this.selectedMicrophone?.id) emit(this, 'selectedMicrophoneChanged');
    if (speaker?.id !== this.selectedSpeaker?.id) emit(this, 'selectedSpeakerChanged');
  }
}

/** @type {Set<(microphone: AudioDeviceInfo) => void>} */
const selectionListeners = new Set();

/**
 * Calls `listener` when the application selects a microphone, but not when the default changes.
 * @param {(microphone: AudioDeviceInfo) => void} listener
 */
export function onMicrophoneSelected(listener) {
  selectionListeners.add(listener);
}

/** @type {DeviceManager | undefined} */
let manager;

/** Returns the page's device manager. */
export function deviceManager() {
  manager ??= new DeviceManager();
  return manager;
}

/**
 * @param {any} device
 * @param {VideoDeviceType | AudioDeviceType} type
 */
export function isDevice(device, type) {
  return typeof device?.id === 'string' && device.deviceType === type;
}

/**
 * @param {{deviceId: string, label: string}} device
 * @returns {VideoDeviceInfo}
 */
function camera({ deviceId, label }) {
  return Object.freeze({ id: deviceId, name: label, deviceType: 'UsbCamera' });
}

/**
 * @param {MediaDeviceInfo[]} all
 * @param {MediaDeviceKind} kind
 * @param {AudioDeviceType} deviceType
 * @returns {AudioDeviceInfo[]}
 */
function audioDevices(all, kind, deviceType) {
  const ours = all.filter((device) => device.kind === kind);
  // Chromium has a device of that name; other browsers list the default first.
  const standard = ours.find(({ deviceId }) => deviceId === 'default') ?? ours[0];
  return ours.map((device) =>
    Object.freeze({
      id: device.deviceId,
      name: device.label,
      isSystemDefault: device === standard,
      deviceType,
    }),
  );
}

/** @param {AudioDeviceInfo[]} devices */
function defaultOf(devices) {
  return devices.find(({ isSystemDefault }) => isSystemDefault);
}

/**
 * @template {{id: string, name: string, deviceType: string}} D
 * @param {D[]} devices
 * @param {D} wanted
 */
function find(devices, { id, name, deviceType }) {
  // A permission reveals the names, and a new name is another device.
  return devices.find((d) => d.id === id && d.name === name && d.deviceType === deviceType);
}

/**
 * Returns the present devices, reusing the objects that were handed out before.
 * @template {{id: string, name: string, deviceType: string}} D
 * @param {D[]} before
 * @param {D[]} now
 */
function kept(before, now) {
  return now.map((device) => find(before, device) ?? device);
}

/**
 * @template {{id: string, name: string, deviceType: string}} D
 * @param {D[]} before
 * @param {D[]} now
 * @returns {Updated<D> | null}
 */
function difference(before, now) {
  const added = now.filter((device) => !find(before, device));
  const removed = before.filter((device) => !find(now, device));
  return added.length || removed.length ? { added, removed } : null;
}

/**
 * @param {{audio: boolean, video: boolean}} requested
 * @returns {Promise<DeviceAccess>}
 */
async function requestAccess({ audio, video }) {
  if (!audio && !video) return { audio: false, video: false };
  try {
    await tryDevices({ audio, video });
    return { audio, video };
  } catch (/** @type {any} */ error) {
    /** @type {DeviceAccess} */
    const access = { audio: false, video: false };
    if (audio) access.audioError = error;
    if (video) access.videoError = error;
    return access;
  }
}

/** @param {CallingError} error */
function isDenied({ cause }) {
  return /** @type {any} */ (cause)?.name === 'NotAllowedError';
}
