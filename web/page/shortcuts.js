// Single-key shortcuts for use in a call; the user can turn them off.

import { $ } from './dom.js';
import { keep, recallKept } from './memory.js';
import * as statistics from './statistics.js';

/** The buttons, by key. */
const KEYS = {
  m: 'audio',
  v: 'video',
  s: 'screen',
  p: 'people-button',
  o: 'more-button',
  d: 'devices-button',
  b: 'gray',
  g: 'speaker-view',
  t: 'statistics-button',
};

let isOn = recallKept('shortcuts') !== 'off';

export function start() {
  addEventListener('keydown', pressed);
  $('shortcuts').addEventListener('click', () => {
    isOn = !isOn;
    keep('shortcuts', isOn ? 'on' : 'off');
    show();
  });
  for (const [key, button] of Object.entries(KEYS)) {
    if (!$(button).closest('#more')) continue;
    const hint = document.createElement('kbd');
    hint.textContent = key.toUpperCase();
    hint.ariaHidden = 'true';
    $(button).append(hint);
  }
  show();
}

function show() {
  $('shortcuts').setAttribute('aria-pressed', String(isOn));
  for (const [key, button] of Object.entries(KEYS)) {
    const letter = key.toUpperCase();
    const name = $(button).ariaLabel ?? $(button).querySelector('span').textContent;
    $(button).title = isOn ? `${name} (${letter})` : name;
    if (isOn) $(button).setAttribute('aria-keyshortcuts', letter);
    else $(button).removeAttribute('aria-keyshortcuts');
  }
}

function pressed(event) {
  if (event.key === 'Escape' && statistics.isShown() && !document.querySelector('dialog[open]')) {
    return statistics.close();
  }
  const { key, target, repeat, altKey, ctrlKey, metaKey, defaultPrevented } = event;
  const button = KEYS[key.toLowerCase()];
  if (!isOn || !button || repeat || altKey || ctrlKey || metaKey || defaultPrevented) return;
  if ($('controls').hidden || document.querySelector('dialog[open]')) return;
  // These elements use letter keys themselves.
  if (target.closest('input, select, textarea, [contenteditable]')) return;
  event.preventDefault();
  // The focus on the button makes the next Tab reach the popover.
  if ($(button).popoverTargetElement) $(button).focus();
  $(button).click();
}
