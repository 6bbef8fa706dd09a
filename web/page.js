// The page: what is seen of a call, and the buttons.

import { Call, KINDS, isAboutToken } from './call.js';

const DEVICES = { audio: 'Microphone', video: 'Camera', screen: 'Screen' };

/** How often the small print is renewed, and who speaks is looked up, in milliseconds. */
const STATS_EVERY = 1_000;
const LOUDNESS_EVERY = 200;

/** Louder than this, of 1, is speech. */
const SPEAKING = 0.02;

const $ = (id) => document.getElementById(id);

/** The call that we are in, or null. */
let call = null;
/** The tiles on the stage, by `participant/kind`; our own participant is `own`. */
const tiles = new Map();
/** The audio elements, by participant. */
const sounds = new Map();
/** What proves to the server who we are, or null. */
let token = null;
/** The cameras' tracks: shown to their owner as in a mirror. */
const cameras = new WeakSet();
/** What the last look at the statistics said, by tile, to make rates of. */
const measured = new Map();

// ---- Joining and leaving

function start() {
  const asked = new URLSearchParams(location.search);
  if (asked.get('call')) $('call').value = asked.get('call');
  $('user').value = asked.get('user') ?? remembered() ?? '';
  takeToken();
  addEventListener('hashchange', takeToken);
  $('lobby').addEventListener('submit', (event) => {
    event.preventDefault();
    join();
  });
  $('leave').addEventListener('click', leave);
  for (const kind of KINDS) $(kind).addEventListener('click', () => toggle(kind));
  $('alert-close').addEventListener('click', () => complain(null));
  $('copy').addEventListener('click', copyAddress);
  addEventListener('pagehide', () => call?.leave());
  new ResizeObserver(arrange).observe($('stage'));
  setInterval(measure, STATS_EVERY);
  setInterval(showSpeakers, LOUDNESS_EVERY);
  // Phones' browsers cannot share the screen.
  $('screen').hidden = !navigator.mediaDevices?.getDisplayMedia;
  // On a touch screen that would bring the keyboard up.
  if (matchMedia('(hover: hover)').matches) $('user').focus();
}

async function join() {
  const name = $('call').value.trim();
  const user = $('user').value.trim() || `Guest ${Math.floor(1000 + 9000 * Math.random())}`;
  if (!name) return complain('Say which call to join.');
  remember($('user').value.trim());
  keepToken($('token').value.trim());
  const address = new URL(location.href);
  address.searchParams.set('call', name);
  history.replaceState(null, '', address);
  complain(null);

  call = new Call({ call: name, user, token: token ?? undefined });
  // For tests, and for the curious.
  window.acscall = call;
  call.addEventListener('state', () => (call.state === 'disconnected' ? ended() : show()));
  call.addEventListener('change', show);
  call.addEventListener('joined', ({ detail }) => announce(`${detail.participant.name} is here`));
  call.addEventListener('left', ({ detail }) => announce(`${detail.participant.name} left`));
  call.addEventListener('trouble', ({ detail }) => complain(detail.message));
  $('join').disabled = true;
  const wanted = ['audio', 'video'].filter((kind) => $(`with-${kind}`).checked);
  const joined = call;
  try {
    await call.join();
  } catch {
    // What went wrong is told where the state is shown.
    return;
  }
  $('audio').focus();
  if (wanted.length) await open(wanted, joined);
}

function leave() {
  call?.leave();
}

/** The call is over: back to the form. */
function ended() {
  showState();
  for (const kind of KINDS) call.tracks[kind]?.stop();
  const { endReason, endCode } = call;
  call = null;
  $('join').disabled = false;
  show();
  if (isAboutToken(endCode)) $('token-field').hidden = false;
  $(isAboutToken(endCode) ? 'token' : 'join').focus();
  if (endReason) complain(endReason);
}

// ---- Devices

async function toggle(kind) {
  if ($(kind).ariaBusy) return;
  complain(null);
  const track = call?.tracks[kind];
  if (track) {
    call.setTrack(kind, null);
    track.stop();
  } else if (call) {
    await open([kind], call);
  }
}

/** Opens devices for `kinds`, together where the browser can ask once, and sends them. */
async function open(kinds, into) {
  // Not `disabled`: that would take the keyboard's focus away.
  for (const kind of kinds) $(kind).setAttribute('aria-busy', 'true');
  try {
    const stream = await capture(kinds);
    for (const track of stream.getTracks()) {
      const kind = kinds.find((kind) => (kind === 'audio') === (track.kind === 'audio'));
      // A camera that looks away from its owner shows no mirror image.
      if (kind === 'video' && track.getSettings().facingMode !== 'environment') cameras.add(track);
      if (into.state === 'disconnected') track.stop();
      else into.setTrack(kind, track);
    }
  } catch (error) {
    // One of two may still work.
    const each = kinds.length > 1 && error.name !== 'NotAllowedError';
    if (each) for (const kind of kinds) await open([kind], into);
    else if (into === call) complain(deviceTrouble(kinds, error));
  } finally {
    for (const kind of kinds) $(kind).removeAttribute('aria-busy');
  }
}

function capture(kinds) {
  const devices = navigator.mediaDevices;
  if (!devices) throw new DOMException('', 'SecurityError');
  if (kinds.includes('screen')) return devices.getDisplayMedia({ video: { frameRate: 30 } });
  return devices.getUserMedia({
    audio: kinds.includes('audio'),
    video: kinds.includes('video') && {
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30 },
    },
  });
}

function deviceTrouble(kinds, { name, message }) {
  const which = kinds.map((kind) => DEVICES[kind].toLowerCase()).join(' and ');
  const again = `then press ${kinds.map((kind) => DEVICES[kind]).join(' and ')}.`;
  if (name === 'NotAllowedError' && kinds.includes('screen')) {
    return 'The screen is not shared: that was cancelled, or the system does not allow it.';
  }
  switch (name) {
    case 'NotAllowedError':
      return `The browser does not let this page use the ${which}. Allow it with the icon at the left of the address, ${again}`;
    case 'NotFoundError':
      return `No ${which} was found. Connect one, ${again}`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${which} does not start. Close other programs that use it, ${again}`;
    case 'SecurityError':
      return `Browsers give camera, microphone and screen to pages from localhost or https only. Open this page as http://localhost:${location.port}.`;
    default:
      return `The ${which} does not start: ${message || name}.`;
  }
}

// ---- What is seen

function showState() {
  const { state } = call;
  const others = call.participants.size;
  $('state').dataset.state = state;
  setText($('state'), {
    connecting: 'Connecting…',
    connected: others ? `${others + 1} in the call` : 'In the call, alone',
    reconnecting: 'Server lost, trying again. Pictures and sound go on.',
    disconnected: call.endReason ? '' : 'You left the call',
  }[state] ?? '');
}

/** Makes the stage what the call is. */
function show() {
  const inside = call !== null;
  $('lobby').hidden = inside;
  $('stage').hidden = $('controls').hidden = !inside;
  setText($('title'), inside ? call.call : 'acscall');
  document.title = inside ? `${call.call} – acscall` : 'acscall';
  const seen = new Set();
  if (inside) {
    showState();
    for (const kind of KINDS) {
      $(kind).setAttribute('aria-pressed', String(Boolean(call.tracks[kind])));
    }
    const own = { id: 'own', name: `${call.user} (you)`, user: call.user, connected: true };
    showParticipant(own, (kind) => call.tracks[kind], seen);
    for (const participant of call.participants.values()) {
      showParticipant(participant, (kind) => participant.track(kind), seen);
      showSound(participant);
    }
    $('alone').hidden = call.participants.size > 0 || call.state === 'connecting';
    setText($('pipeline'), pipeline());
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
    const key = `${id}/${kind}`;
    seen.add(key);
    const tile = tiles.get(key) ?? addTile(key);
    const title = kind === 'screen' ? `Screen: ${name}` : name;
    setText(tile.querySelector('.name'), connected ? title : `${title}, reconnecting…`);
    setText(tile.querySelector('.initial'), [...name][0].toUpperCase());
    tile.style.setProperty('--hue', String(hue(user)));
    tile.dataset.user = user;
    tile.dataset.kind = kind;
    tile.classList.toggle('away', !connected);
    tile.classList.toggle('mute', kind === 'video' && !track('audio'));
    tile.classList.toggle('own', id === 'own');
    tile.classList.toggle('mirrored', id === 'own' && cameras.has(track(kind)));
    tile.querySelector('.enlarge').setAttribute('aria-label', `Full screen: ${title}`);
    const video = tile.querySelector('video');
    video.setAttribute('aria-label', title);
    if (setTrack(video, track(kind))) showPicture(tile, video);
  }
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

/** Says what went wrong, or takes that away. */
function complain(text) {
  $('alert').hidden = !text;
  setText($('alert-text'), text ?? '');
}

function announce(text) {
  setText($('announce'), text);
}

// ---- Odds and ends

/** Live regions and layout are left alone where nothing changes. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What sends a test picture into this call from a terminal. */
function pipeline() {
  const elsewhere = location.host !== '127.0.0.1:7788' && location.host !== 'localhost:7788';
  const server = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
  return [
    // The token itself is not for the screen; it is for this user alone.
    ...(token ? ['ACSCALL_TOKEN=TOKEN'] : []),
    'gst-launch-1.0 videotestsrc is-live=true ! acscallsink',
    ...(token ? [`user=${quoted(call.user)}`] : []),
    `call=${quoted(call.call)}`,
    ...(elsewhere ? [`server=${server}`] : []),
  ].join(' ');
}

/** For a POSIX shell, and for gst-launch-1.0 after it. */
function quoted(text) {
  if (/^[\w.-]+$/.test(text)) return text;
  const launch = `"${text.replace(/[\\"]/g, '\\$&')}"`;
  return `'${launch.replaceAll("'", "'\\''")}'`;
}

async function copyAddress() {
  const address = new URL(location.pathname, location.href);
  address.searchParams.set('call', call.call);
  try {
    await navigator.clipboard.writeText(address.href);
    announce('Address copied');
    setText($('copy'), 'this page’s address (copied)');
  } catch {
    complain(`The address is ${address.href}`);
  }
}

/** A colour for a name: the same on every page. */
function hue(name) {
  return [...name].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 360, 7);
}

/**
 * Takes the token from the address, `#token=…`: browsers keep that part to themselves. From then
 * on it is not seen there any more, nor copied with the address. A reload finds it again.
 */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) {
    token ??= storedToken();
    return;
  }
  const address = new URL(location.href);
  address.hash = '';
  history.replaceState(null, '', address);
  keepToken(given);
}

function storedToken() {
  try {
    return sessionStorage.getItem('token');
  } catch {
    return null;
  }
}

/** Keeps a token, if it is one, as long as this tab is open. */
function keepToken(given) {
  if (!given) return;
  token = given;
  $('token').value = '';
  try {
    sessionStorage.setItem('token', given);
  } catch {
    // The next page load needs it again, then.
  }
}

/** The name of the last time; storage may be forbidden. */
function remembered() {
  try {
    return localStorage.getItem('user');
  } catch {
    return null;
  }
}

function remember(name) {
  try {
    localStorage.setItem('user', name);
  } catch {
    // It is asked for again, then.
  }
}

start();
