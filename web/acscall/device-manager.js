// The cameras, microphones and speakers of this machine, as far as the browser tells of them.

import { tryDevices } from './capture.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';

/**
 * @typedef {'UsbCamera' | 'Virtual' | 'ScreenSharing'} VideoDeviceType
 * @typedef {'Microphone' | 'Speaker' | 'Virtual'} AudioDeviceType
 */

/**
 * A camera.
 * @typedef {object} VideoDeviceInfo
 * @property {string} id The browser's, which changes from page to page; empty before the page may
 *   use cameras, and then it stands for the browser's choice.
 * @property {string} name Empty before the page may use cameras.
 * @property {VideoDeviceType} deviceType
 */

/**
 * A microphone or speaker.
 * @typedef {object} AudioDeviceInfo
 * @property {string} id As with cameras.
 * @property {string} name
 * @property {boolean} isSystemDefault
 * @property {AudioDeviceType} deviceType
 */

/**
 * Whether the user allows devices; false, too, for those that were not asked for.
 * @typedef {object} DeviceAccess
 * @property {boolean} audio
 * @property {boolean} video
 * @property {CallingError} [audioError] Why not; not in the calling SDK.
 * @property {CallingError} [videoError]
 */

/** @import { Updated } from './emitter.js' */

/**
 * The devices; there is one of it.
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

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#look());
  }

  async getCameras() {
    await this.#look();
    return [...this.#cameras];
  }

  async getMicrophones() {
    await this.#look();
    return [...this.#microphones];
  }

  async getSpeakers() {
    await this.#look();
    return [...this.#speakers];
  }

  /** The microphone of calls that are told of no other. */
  get selectedMicrophone() {
    return this.#microphone ?? defaultOf(this.#microphones);
  }

  /** Where calls are heard. */
  get selectedSpeaker() {
    return this.#speaker ?? defaultOf(this.#speakers);
  }

  /** Whether it is this page, not the system, that says where calls are heard. */
  get isSpeakerSelectionAvailable() {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  /**
   * Calls that send the selected microphone send this one from now on.
   * @param {AudioDeviceInfo} microphone
   */
  async selectMicrophone(microphone) {
    if (!isDevice(microphone, 'Microphone')) {
      throw new CallingError(400, 'This is no microphone. Take one of getMicrophones().');
    }
    this.#microphone = microphone;
    for (const listener of selected) listener(microphone);
    emit(this, 'selectedMicrophoneChanged');
  }

  /** @param {AudioDeviceInfo} speaker */
  async selectSpeaker(speaker) {
    if (!isDevice(speaker, 'Speaker')) {
      throw new CallingError(400, 'This is no speaker. Take one of getSpeakers().');
    }
    if (!this.isSpeakerSelectionAvailable) {
      throw new CallingError(404, 'This browser does not let pages choose the speaker.');
    }
    this.#speaker = speaker;
    emit(this, 'selectedSpeakerChanged');
  }

  /**
   * Has the browser ask the user, once for both. Never rejected.
   * @param {{audio?: boolean, video?: boolean}} constraints
   * @returns {Promise<DeviceAccess>}
   */
  async askDevicePermission({ audio = false, video = false }) {
    const wanted = { audio, video };
    const access = await ask(wanted);
    // One of two may still work, unless it was the user who said no.
    const error = access.audioError ?? access.videoError;
    if (audio && video && error && !isDenied(error)) {
      Object.assign(access, await ask({ audio, video: false }));
      const { video: allowed, videoError } = await ask({ audio: false, video });
      Object.assign(access, { video: allowed, videoError });
    }
    await this.#look();
    return access;
  }

  async #look() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    // Windows' device for calls is one of the others once more.
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
    // What was chosen and is gone is chosen no more, and nothing in its place.
    if (this.#microphone && !find(microphones, this.#microphone)) this.#microphone = undefined;
    if (this.#speaker && !find(speakers, this.#speaker)) this.#speaker = undefined;
    if (video) emit(this, 'videoDevicesUpdated', video);
    if (audio) emit(this, 'audioDevicesUpdated', audio);
    if (microphone?.id !== this.selectedMicrophone?.id) emit(this, 'selectedMicrophoneChanged');
    if (speaker?.id !== this.selectedSpeaker?.id) emit(this, 'selectedSpeakerChanged');
  }
}

/** @type {Set<(microphone: AudioDeviceInfo) => void>} */
const selected = new Set();

/**
 * Tells of what the application selects, and of nothing that changes by itself.
 * @param {(microphone: AudioDeviceInfo) => void} listener
 */
export function whenSelected(listener) {
  selected.add(listener);
}

/** @type {DeviceManager | undefined} */
let manager;

/** The page's. */
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
  // Chromium has a device of that name; elsewhere the first is the default.
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
  // Names come with the permission, and other names with other devices.
  return devices.find((d) => d.id === id && d.name === name && d.deviceType === deviceType);
}

/**
 * The present devices; of those that were there before, the objects that were given out.
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
 * @param {{audio: boolean, video: boolean}} wanted
 * @returns {Promise<DeviceAccess>}
 */
async function ask({ audio, video }) {
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
