// The dangerous part of ACS' media stack: it sends the custom stream while that is active, and
// otherwise the real device.

import type { Got } from './far-end.js';
import { Line } from './line.js';

export type Kind = 'audio' | 'video' | 'screen';

/** A use of a device; `isSent` if others could see or hear it. */
export interface Violation {
  kind: Kind;
  isSent: boolean;
  why: string;
}

/** Sends the media of a call over connections of its own, and measures it there. */
export class Uplink {
  /** All uses of devices. */
  readonly violations: Violation[] = [];
  /** Adds a receiver of this kind. */
  onReceived: (kind: Kind, track: MediaStreamTrack) => void = () => {};
  onStopped: (kind: Kind) => void = () => {};
  #custom = new Map<Kind, MediaStream>();
  #lines = new Map<Kind, Line>();
  /** The kinds that are on, whatever is sent. */
  #on = new Set<Kind>();
  /** The devices that are sent or being opened. */
  #fallen = new Set<Kind>();
  #devices: MediaStream[] = [];
  #isMuted = true;

  /** What the others have received of this kind. */
  got(kind: Kind): Got | null {
    return this.#lines.get(kind)?.farEnd?.got ?? null;
  }

  /** Resets what the others have received. */
  forget(): void {
    for (const { farEnd } of this.#lines.values()) farEnd?.forget();
  }

  /** Whether it would send something other than a device. */
  hasCustom(kind: Kind): boolean {
    return this.#custom.get(kind)?.active ?? false;
  }

  setCustom(kind: Kind, stream: MediaStream): void {
    this.#custom.set(kind, stream);
    stream.addEventListener('inactive', () => {
      if (this.#custom.get(kind) === stream) this.#update(kind, 'the custom stream has ended');
    });
    this.#update(kind, 'the custom stream has ended already');
  }

  unsetCustom(kind: Kind): void {
    if (this.#custom.delete(kind)) this.#update(kind, 'the custom stream is given up');
  }

  start(kind: Kind): void {
    const line = this.#lines.get(kind) ?? new Line(kind === 'audio' ? 'audio' : 'video');
    this.#lines.set(kind, line);
    this.#on.add(kind);
    void line.received.then((track) => {
      if (this.#on.has(kind)) this.onReceived(kind, track);
    });
    this.#update(kind, 'there is no custom stream');
  }

  stop(kind: Kind): void {
    if (!this.#on.delete(kind)) return;
    this.#lines.get(kind)?.send(null);
    this.onStopped(kind);
  }

  /** Releases the media, which ends the tracks, also those of custom streams. */
  release(kind: Kind): void {
    this.stop(kind);
    for (const track of this.#custom.get(kind)?.getTracks() ?? []) track.stop();
  }

  mute(isMuted: boolean): void {
    this.#isMuted = isMuted;
    this.#update('audio', 'unmuted without a custom stream');
  }

  close(): void {
    for (const line of this.#lines.values()) line.close();
    for (const stream of this.#devices) for (const track of stream.getTracks()) track.stop();
    this.#lines.clear();
    this.#on.clear();
  }

  #update(kind: Kind, why: string): void {
    const line = this.#lines.get(kind);
    if (!line || !this.#on.has(kind)) return;
    const custom = this.#custom.get(kind);
    const isSent = kind !== 'audio' || !this.#isMuted;
    if (custom?.active) {
      this.#fallen.delete(kind);
      line.send(isSent ? custom.getTracks().find(({ kind }) => kind === line.kind)! : null);
      return;
    }
    this.violations.push({ kind, isSent, why });
    this.#fallen.add(kind);
    void this.#takeDevice(kind, line, isSent);
  }

  async #takeDevice(kind: Kind, line: Line, isSent: boolean): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia({ [line.kind]: true });
    this.#devices.push(stream);
    if (this.#fallen.has(kind)) line.send(isSent ? stream.getTracks()[0]! : null);
  }
}
