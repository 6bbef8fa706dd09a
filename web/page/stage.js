// The stage: tiles for cameras, screens and users who are being rung.

import * as camera from './camera.js';
import { $ } from './dom.js';
import { ownName } from './identity.js';
import { arrange } from './layout.js';
import { keep, recallKept } from './memory.js';
import { isAway, isRung, nameOf, present, userOf } from './participants.js';
import { Pictures } from './pictures.js';
import { activeSpeaker } from './speaker.js';
import { Tile } from './tile.js';

/** The current call, or null. */
let call = null;
/** The tiles, by owner (a participant, or the call for our own) and kind. */
const tiles = new Map();
const pictures = new Pictures(() => show(call));
/** The tile that the user pinned, and the active speaker. */
let pinned = null;
let speaker = null;
let isSpeakerView = recallKept('speaker-view') === 'on';
let isArranging = false;

export function start() {
  new ResizeObserver(place).observe($('scroll'));
  $('speaker-view').addEventListener('click', () => {
    isSpeakerView = !isSpeakerView;
    keep('speaker-view', isSpeakerView ? 'on' : 'off');
    show(call);
  });
}

/** Renders the stage for `shown`, a call or null. */
export function show(shown) {
  call = shown;
  $('speaker-view').setAttribute('aria-pressed', String(isSpeakerView));
  const seen = new Set();
  const own = call ? ownStreams() : { video: null, screen: null };
  pictures.keepOwn(Object.values(own));
  if (call) {
    speaker = activeSpeaker(present(call), speaker);
    for (const participant of call.remoteParticipants) {
      if (isRung(participant)) showRinging(participant, seen);
      else showParticipant(participant, seen);
    }
    showOwn(own, seen);
  } else {
    speaker = pinned = null;
  }
  for (const [whose, kinds] of tiles) {
    for (const [kind, tile] of kinds) {
      if (!seen.has(tile)) remove(kinds, kind, tile);
    }
    if (!kinds.size) tiles.delete(whose);
  }
  arrangeSoon();
}

/** Returns the tile of a participant, or our own for null. */
export function tileOf(whose, kind) {
  return tiles.get(whose ?? call)?.get(kind);
}

export function allTiles() {
  return [...tiles.values()].flatMap((kinds) => [...kinds.values()]);
}

// ---- Contents

function showParticipant(participant, seen) {
  const name = nameOf(participant);
  const streamOf = (type) => participant.videoStreams.find((one) => one.mediaStreamType === type);
  const away = isAway(participant) ? ['away'] : [];
  for (const [kind, type] of [
    ['video', 'Video'],
    ['screen', 'ScreenSharing'],
  ]) {
    const stream = streamOf(type);
    if (kind === 'screen' && !stream?.isAvailable) continue;
    const title = kind === 'screen' ? `Screen: ${name}` : name;
    const marks = [...away];
    if (kind === 'video' && participant.isMuted) marks.push('mute');
    if (kind === 'video' && participant.isSpeaking) marks.push('speaking');
    showTile(participant, seen, {
      kind,
      user: userOf(participant.identifier),
      name,
      title,
      caption: away.length ? `${title}, reconnecting…` : title,
      track: pictures.remote(stream),
      marks,
    });
  }
}

function showOwn(own, seen) {
  const user = ownName();
  for (const kind of ['video', 'screen']) {
    const stream = own[kind];
    if (kind === 'screen' && !stream) continue;
    const title = kind === 'screen' ? 'Screen: you' : `${user} (you)`;
    const track = pictures.own(stream);
    const marks = ['own'];
    if (kind === 'video' && !isHeard(call)) marks.push('mute');
    if (track && camera.isMirrored(stream, track)) marks.push('mirrored');
    showTile(call, seen, { kind, user, name: user, title, caption: title, track, marks });
  }
}

function showRinging(participant, seen) {
  const name = nameOf(participant);
  const user = userOf(participant.identifier);
  const caption = `${name}, ringing…`;
  const contents = { kind: 'ringing', user, name, title: name, caption, marks: ['ringing'] };
  showTile(participant, seen, contents);
}

/** Whether the others can hear us. */
function isHeard({ isMuted, localAudioStreams }) {
  return !isMuted && localAudioStreams.length > 0;
}

/** Returns our own camera and screen, from the streams that the call sends. */
function ownStreams() {
  const own = { video: null, screen: null };
  const unknown = [];
  for (const stream of call.localVideoStreams) {
    if (stream === camera.opened() || stream.mediaStreamType === 'Video') own.video = stream;
    else if (stream.mediaStreamType === 'ScreenSharing') own.screen = stream;
    else unknown.push(stream);
  }
  // Assigns streams of other code on the page by what the call reports.
  if (call.isLocalVideoStarted) own.video ??= unknown.shift() ?? null;
  if (call.isScreenSharingOn) own.screen ??= unknown.shift() ?? null;
  return own;
}

// ---- The tiles

function showTile(whose, seen, contents) {
  const kinds = tiles.get(whose) ?? new Map();
  tiles.set(whose, kinds);
  const tile = kinds.get(contents.kind) ?? add(kinds, contents.kind, whose === call);
  tile.show(contents);
  seen.add(tile);
}

function add(kinds, kind, isOwn) {
  const tile = new Tile({
    resized: arrangeSoon,
    pinned: () => {
      pinned = pinned === tile ? null : tile;
      place();
    },
  });
  kinds.set(kind, tile);
  tile.element.classList.add('fresh');
  // Our own tiles come last, also in the tab order.
  $('tiles').insertBefore(tile.element, isOwn ? null : $('tiles').querySelector('.own'));
  return tile;
}

function remove(kinds, kind, tile) {
  tile.close();
  kinds.delete(kind);
  if (pinned === tile) pinned = null;
}

/** Arranges the tiles once for all changes of the same task. */
function arrangeSoon() {
  if (isArranging) return;
  isArranging = true;
  queueMicrotask(() => {
    isArranging = false;
    place();
  });
}

function place() {
  if (!call || $('stage').hidden) return;
  const shown = [...$('tiles').children].map((element) =>
    allTiles().find((tile) => tile.element === element),
  );
  const { clientWidth: width, clientHeight: height } = $('scroll');
  if (!shown.length || !width || !height) return;
  const gap = width < 560 ? 8 : 12;
  const large = featured(shown).map((tile) => shown.indexOf(tile));
  const { boxes, height: needed } = arrange(
    { width, height },
    shown.map((tile) => tile.aspect),
    gap,
    large,
  );
  $('tiles').style.height = `${Math.floor(needed)}px`;
  shown.forEach((tile, at) => {
    tile.pin(tile === pinned);
    tile.place(boxes[at]);
  });
  requestAnimationFrame(() => shown.forEach(({ element }) => element.classList.remove('fresh')));
}

/** Returns the large tiles: the pinned one, else screens, else the speaker in speaker view. */
function featured(shown) {
  if (shown.length < 2) return [];
  if (pinned) return [pinned];
  const screens = shown.filter(({ kind, isOwn }) => kind === 'screen' && !isOwn);
  if (screens.length) return screens;
  const own = shown.filter(({ kind }) => kind === 'screen');
  if (own.length) return own;
  if (!isSpeakerView) return [];
  return [(speaker && tileOf(speaker, 'video')) ?? shown[0]];
}
