// The stage: a tile for everybody's camera and screen, and for those who are being rung.

import { isMirrored } from './devices.js';
import { $, complain, hue, initial, setText } from './dom.js';

/** How often the small print is renewed, and who speaks is looked up, in milliseconds. */
const STATS_EVERY = 1_000;
const LOUDNESS_EVERY = 200;

/** Louder than this, of 1, is speech. */
const SPEAKING = 0.02;

/** The call that is shown, or null. */
let call = null;
/** The tiles, by `participant/kind`; our own participant is `own`. */
const tiles = new Map();
/** The audio elements, by participant. */
const sounds = new Map();
/** What the last look at the statistics said, by tile, to make rates of. */
const measured = new Map();

export function start() {
  new ResizeObserver(arrange).observe($('stage'));
  setInterval(measure, STATS_EVERY);
  setInterval(showSpeakers, LOUDNESS_EVERY);
}

/** Makes the stage what `shown` is: a call, or null. */
export function show(shown) {
  call = shown;
  const seen = new Set();
  if (call) {
    const own = { id: 'own', name: `${call.user} (you)`, user: call.user, connected: true };
    showParticipant(own, (kind) => call.tracks[kind], seen);
    for (const participant of call.participants.values()) {
      showParticipant(participant, (kind) => participant.track(kind), seen);
      showSound(participant);
    }
    for (const user of call.callees.ringing) showRinging(user, seen);
  }
  for (const [key, tile] of tiles) {
    if (seen.has(key)) continue;
    tile.remove();
    tiles.delete(key);
    measured.delete(key);
  }
  for (const [id, sound] of sounds) {
    if (call?.participants.has(id)) continue;
    sound.srcObject = null;
    sound.remove();
    sounds.delete(id);
  }
  arrange();
}

/** A tile for the person with or without camera, and one for the screen. */
function showParticipant(participant, track, seen) {
  const { id, name, user, connected } = participant;
  for (const kind of ['video', 'screen']) {
    if (kind === 'screen' && !track(kind)) continue;
    const title = kind === 'screen' ? `Screen: ${name}` : name;
    const caption = connected ? title : `${title}, reconnecting…`;
    const tile = showTile(`${id}/${kind}`, { kind, user, name, caption }, seen);
    tile.classList.toggle('away', !connected);
    tile.classList.toggle('mute', kind === 'video' && !track('audio'));
    tile.classList.toggle('own', id === 'own');
    tile.classList.toggle('mirrored', id === 'own' && isMirrored(track(kind)));
    tile.querySelector('.enlarge').setAttribute('aria-label', `Full screen: ${title}`);
    const video = tile.querySelector('video');
    video.setAttribute('aria-label', title);
    if (setTrack(video, track(kind))) showPicture(tile, video);
  }
}

function showRinging(user, seen) {
  const told = { kind: 'ringing', user, name: user, caption: `${user}, ringing…` };
  showTile(`${user}/ringing`, told, seen).classList.add('ringing');
}

function showTile(key, { kind, user, name, caption }, seen) {
  seen.add(key);
  const tile = tiles.get(key) ?? addTile(key);
  setText(tile.querySelector('.name'), caption);
  setText(tile.querySelector('.initial'), initial(name));
  tile.style.setProperty('--hue', String(hue(user)));
  tile.dataset.user = user;
  tile.dataset.kind = kind;
  return tile;
}

function addTile(key) {
  const tile = $('tile').content.firstElementChild.cloneNode(true);
  const video = tile.querySelector('video');
  for (const event of ['resize', 'loadeddata', 'emptied']) {
    video.addEventListener(event, () => showPicture(tile, video));
  }
  tile.querySelector('.enlarge').addEventListener('click', () => video.requestFullscreen());
  tiles.set(key, tile);
  $('tiles').append(tile);
  return tile;
}

/** A tile shows its video from the first picture on, and the initial without one. */
function showPicture(tile, video) {
  const seen = Boolean(video.srcObject) && video.videoWidth > 0;
  tile.classList.toggle('seen', seen);
  tile.querySelector('.enlarge').hidden = !seen || !video.requestFullscreen;
}

function showSound(participant) {
  let sound = sounds.get(participant.id);
  if (!sound) {
    sound = document.createElement('audio');
    sounds.set(participant.id, sound);
    $('sounds').append(sound);
  }
  if (!setTrack(sound, participant.track('audio')) || !sound.srcObject) return;
  sound.play().catch((error) => {
    if (error.name !== 'NotAllowedError') return;
    complain('The browser keeps the call silent until you click into the page.');
    addEventListener('click', () => sounds.forEach((each) => each.play()), { once: true });
  });
}

/** Shows or plays `track` in `element`; says whether that is a change. */
function setTrack(element, track) {
  const before = element.srcObject?.getTracks()[0] ?? null;
  if (before === track) return false;
  element.srcObject = track ? new MediaStream([track]) : null;
  return true;
}

/** Chooses the number of columns that makes the tiles largest. */
function arrange() {
  const stage = $('tiles');
  const count = stage.childElementCount;
  if ($('stage').hidden || !count) return;
  const style = getComputedStyle(stage);
  const gap = parseFloat(style.columnGap);
  const wide = stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const high = stage.clientHeight;
  let best = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const width = Math.min(
      (wide - gap * (columns - 1)) / columns,
      ((high - gap * (rows - 1)) / rows) * (16 / 9),
    );
    best = Math.max(best, width);
  }
  // Below this nothing is recognised: scroll rather.
  const width = Math.max(best, Math.min(wide, 150));
  stage.style.setProperty('--width', `${Math.floor(width)}px`);
}

function showSpeakers() {
  for (const participant of call?.participants.values() ?? []) {
    const tile = tiles.get(`${participant.id}/video`);
    tile?.classList.toggle('speaking', call.loudness(participant) > SPEAKING);
  }
}

async function measure() {
  if (!call || document.hidden) return;
  const reports = await call.stats();
  const print = new Map();
  for (const report of reports) {
    if (report.kind === 'audio') continue;
    // What we send is the same for everybody, as far as the small print goes.
    const key = `${report.direction === 'send' ? 'own' : report.participant}/${report.kind}`;
    if (report.frameWidth && !print.has(key)) print.set(key, smallPrint(key, report));
  }
  for (const [key, tile] of tiles) setText(tile.querySelector('.stats'), print.get(key) ?? '');
}

function smallPrint(key, report) {
  const { frameWidth, frameHeight, framesPerSecond, bytes, timestamp } = report;
  const before = measured.get(key);
  measured.set(key, { bytes, timestamp });
  const parts = [`${frameWidth}×${frameHeight}`, `${Math.round(framesPerSecond ?? 0)} fps`];
  if (before && bytes >= before.bytes && timestamp > before.timestamp) {
    const rate = (8 * (bytes - before.bytes)) / (timestamp - before.timestamp);
    parts.push(rate < 1000 ? `${Math.round(rate)} kbit/s` : `${(rate / 1000).toFixed(1)} Mbit/s`);
  }
  return parts.join(' · ');
}
