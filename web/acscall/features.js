// The `feature()` of the calling SDK's objects.
//
// Applications ask for features in their constructors and listen to them. A feature that the
// library does not have can be asked for and listened to; only its methods fail, and say so.

import { CallingError } from './errors.js';

/**
 * A key of `Features`.
 * @typedef {Readonly<{name: string}>} FeatureFactory
 */

const NOTHING = () => {};

/** What code may read from the unsupported features, by name. */
const MEMBERS = {
  AudioEffects: { activeEffects: {}, isSupported: async () => false },
  BreakoutRooms: {},
  CallSurvey: {},
  Capabilities: { capabilities: {} },
  Captions: { captions: { kind: 'Captions', on: NOTHING, off: NOTHING } },
  DataChannel: {},
  DebugInfo: { isCallClientActiveInAnotherTab: false },
  MediaAccess: {},
  MediaStats: {},
  OptimalVideoCount: { optimalVideoCount: Infinity },
  PPTLive: { isActive: false },
  RaiseHand: { getRaisedHands: () => [] },
  Reaction: {},
  RealTimeText: {},
  Recording: { isRecordingActive: false, recordings: [], isTeamsConsentRequired: false },
  Spotlight: { maxParticipantsToSpotlight: 0, getSpotlightedParticipants: () => [] },
  TeamsMeetingAudioConferencing: {},
  TogetherMode: { togetherModeStream: [] },
  Transcription: { isTranscriptionActive: false, isTeamsConsentRequired: false },
  Transfer: {},
  UserFacingDiagnostics: {
    network: { getLatest: () => ({}), on: NOTHING, off: NOTHING },
    media: { getLatest: () => ({}), on: NOTHING, off: NOTHING },
    remote: { getLatest: () => ({}), on: NOTHING, off: NOTHING },
  },
  VideoEffects: { activeEffects: [], isSupported: async () => false },
};

/** @typedef {'DominantSpeakers' | keyof typeof MEMBERS} FeatureName */

const NAMES = /** @type {FeatureName[]} */ (['DominantSpeakers', ...Object.keys(MEMBERS)]);

/** The calling SDK's features, for `feature()`. */
export const Features = /** @type {Readonly<Record<FeatureName, FeatureFactory>>} */ (
  Object.freeze(Object.fromEntries(NAMES.map((name) => [name, Object.freeze({ name })])))
);

/**
 * Returns `feature()` for one object: its own features, and a stand-in for each unsupported one.
 * Each is created once.
 * @param {Record<string, () => any>} [own]
 */
export function featuresOf(own = {}) {
  /** @type {Map<string, any>} */
  const made = new Map();
  return (/** @type {FeatureFactory} */ factory) => {
    const { name } = Object(factory);
    if (!Object.hasOwn(Features, name)) {
      throw new CallingError(400, 'feature() takes one of Features.');
    }
    if (!made.has(name)) {
      const members = /** @type {Record<string, object>} */ (MEMBERS)[name];
      made.set(name, own[name]?.() ?? unsupported(`Features.${name}`, members));
    }
    return made.get(name);
  };
}

/**
 * Returns an object with these members, on which every other method rejects.
 * @param {string} name
 * @param {object} members
 * @returns {any}
 */
export function unsupported(name, members) {
  const refuse = async () => {
    throw new CallingError(400, `acscall.js does not support ${name}. See docs/acscall-js.md.`);
  };
  const common = { name: name.split('.').pop(), on: NOTHING, off: NOTHING, dispose: NOTHING };
  const all = { ...common, ...members };
  return new Proxy(all, {
    get: (target, key) => {
      const isMethod = typeof key === 'string' && key !== 'then';
      return Reflect.get(target, key) ?? (isMethod ? refuse : undefined);
    },
  });
}
