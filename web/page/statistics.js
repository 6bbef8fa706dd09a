// The statistics of every stream, on the tiles and in a table.

import { $, setText } from './dom.js';
import { Measurements, smallPrint } from './measurements.js';
import { nameOf } from './participants.js';
import { allTiles, tileOf } from './stage.js';

/** The refresh period, in milliseconds. */
const PERIOD = 1_000;

const KINDS = { audio: 'audio', video: 'camera', screen: 'screen' };

/** The current call, or null. */
let call = null;
let measurements = new Measurements();
let isOpen = false;

export function start() {
  setInterval(measure, PERIOD);
  $('statistics-button').addEventListener('click', () => {
    $('more').hidePopover();
    $('statistics').togglePopover();
  });
  $('statistics-close').addEventListener('click', close);
  $('statistics').addEventListener('toggle', ({ newState }) => {
    isOpen = newState === 'open';
    $('statistics-button').setAttribute('aria-pressed', String(isOpen));
    measure();
  });
}

/** Switches to `shown`, a call or null. */
export function show(shown) {
  if (call === shown) return;
  call = shown;
  measurements = new Measurements();
  if (!call) close();
}

export function isShown() {
  return isOpen;
}

export function close() {
  if (!isOpen) return;
  const hadFocus = $('statistics').contains(document.activeElement);
  $('statistics').hidePopover();
  if (hadFocus) $('more-button').focus();
}

async function measure() {
  const measured = call;
  if (!measured || document.hidden) return;
  const lines = measurements.read(await measured.getStats());
  if (measured !== call) return;
  const print = new Map();
  for (const line of lines) {
    const { kind, direction } = line.report;
    if (kind === 'audio' || !line.size) continue;
    const whose = direction === 'send' ? null : participantOf(line.report);
    // The tile shows the first of our sent streams; the others hardly differ.
    const tile = tileOf(whose, kind);
    if (tile && !print.has(tile)) print.set(tile, smallPrint(line));
  }
  for (const tile of allTiles()) tile.setStats(print.get(tile) ?? '');
  if (isOpen) showTable(lines);
}

function showTable(lines) {
  const rows = lines.map((line) => {
    const { kind, direction } = line.report;
    const participant = participantOf(line.report);
    const name = participant ? nameOf(participant) : line.report.user;
    const what = direction === 'send' ? `My ${KINDS[kind]} to ${name}` : `${name}, ${KINDS[kind]}`;
    return [what, line.size, line.rate, line.bits, line.lost];
  });
  const body = $('statistics-rows');
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? addRow(body);
    cells.forEach((text, column) => setText(row.cells[column], text));
  });
}

function addRow(body) {
  const row = body.insertRow();
  const head = document.createElement('th');
  head.scope = 'row';
  row.append(head);
  for (let column = 1; column < 5; column += 1) row.insertCell();
  return row;
}

/** @param {import('./measurements.js').Report} report */
function participantOf({ participant }) {
  return call.remoteParticipants.find((one) => one === participant || one.id === participant);
}
