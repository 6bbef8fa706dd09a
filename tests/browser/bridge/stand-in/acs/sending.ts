// The sending side of a call: the collections of local streams, and what the media stack sends.

import type { LocalAudioStream, LocalVideoStream } from '@azure/communication-calling';
import { Uplink } from '../uplink.js';
import type { CallEmitter } from './call-events.js';

export class Sending {
  // Changed in place, like the SDK's.
  readonly videoStreams: LocalVideoStream[] = [];
  readonly audioStreams: LocalAudioStream[] = [];
  readonly uplink = new Uplink();
  isVideoOn = false;
  isScreenOn = false;
  video: LocalVideoStream | null = null;
  #screen: LocalVideoStream | null = null;
  /** The last custom sound, to which the SDK returns. */
  #givenAudio: LocalAudioStream | null = null;
  #events: CallEmitter;
  #microphone: () => LocalAudioStream | null;

  /** `microphone` creates the stream of the selected one. */
  constructor(events: CallEmitter, microphone: () => LocalAudioStream | null) {
    this.#events = events;
    this.#microphone = microphone;
  }

  addVideo(stream: LocalVideoStream): void {
    this.video = stream;
    stream.on('videoSourceChanged', this.#videoSourceChanged);
    this.videoStreams.push(stream);
    this.#events.emit('localVideoStreamsUpdated', { added: [stream], removed: [] });
    this.isVideoOn = true;
    this.#events.emit('isLocalVideoStartedChanged');
  }

  removeVideo(): void {
    const stream = this.video;
    if (!stream) return;
    this.videoStreams.splice(this.videoStreams.indexOf(stream), 1);
    stream.off('videoSourceChanged', this.#videoSourceChanged);
    disposeIfSo(stream);
    this.video = null;
    this.#events.emit('localVideoStreamsUpdated', { added: [], removed: [stream] });
    this.isVideoOn = false;
    this.#events.emit('isLocalVideoStartedChanged');
  }

  addScreen(stream: LocalVideoStream): void {
    this.uplink.start('screen');
    this.isScreenOn = true;
    this.#events.emit('isScreenSharingOnChanged');
    this.#screen = stream;
    stream.on('videoSourceChanged', this.#videoSourceChanged);
    this.videoStreams.push(stream);
    this.#events.emit('localVideoStreamsUpdated', { added: [stream], removed: [] });
  }

  /** Ends it, by the service, by the SDK or on request. */
  removeScreen(): void {
    const stream = this.#screen;
    if (!stream) return;
    this.uplink.stop('screen');
    this.uplink.unsetCustom('screen');
    // Regardless of `autoDisposeOnCallEnd`.
    stream.dispose();
    this.videoStreams.splice(this.videoStreams.indexOf(stream), 1);
    this.#screen = null;
    this.isScreenOn = false;
    this.#events.emit('localVideoStreamsUpdated', { added: [], removed: [stream] });
    this.#events.emit('isScreenSharingOnChanged');
  }

  /** Sends this custom sound instead of the current one. */
  async giveAudio(stream: LocalAudioStream): Promise<void> {
    this.#givenAudio = stream;
    this.uplink.setCustom('audio', new MediaStream(await stream.getMediaStream()));
    this.removeAudio();
    this.#addAudio(stream);
  }

  /** Sends the microphone instead of the custom sound. */
  takeMicrophone(): void {
    this.uplink.unsetCustom('audio');
    this.#givenAudio = null;
    this.removeAudio();
    this.fillAudio();
  }

  /** If there is no sound, sends the last custom one, or else the microphone. */
  fillAudio(given = this.#givenAudio): void {
    if (this.audioStreams.length > 0) return;
    this.#givenAudio = given;
    const stream = given ?? this.#microphone();
    if (stream) this.#addAudio(stream);
  }

  removeAudio(): void {
    const [stream] = this.audioStreams.splice(0);
    if (!stream) return;
    stream.off('audioSourceChanged', this.#audioSourceChanged);
    disposeIfSo(stream);
    this.#events.emit('localAudioStreamsUpdated', { added: [], removed: [stream] });
  }

  /** Starts media. */
  async connect(isMuted: boolean): Promise<void> {
    this.uplink.mute(isMuted);
    const media = await this.#givenAudio?.getMediaStream();
    if (media) this.uplink.setCustom('audio', new MediaStream(media));
    this.resume();
  }

  hold(): void {
    for (const kind of ['audio', 'video', 'screen'] as const) this.uplink.release(kind);
    this.removeAudio();
  }

  resume(): void {
    this.uplink.start('audio');
    if (this.video) this.uplink.start('video');
    if (this.#screen) this.uplink.start('screen');
  }

  end(): void {
    this.uplink.close();
    this.removeVideo();
    this.removeAudio();
  }

  #addAudio(stream: LocalAudioStream): void {
    stream.on('audioSourceChanged', this.#audioSourceChanged);
    this.audioStreams.push(stream);
    this.#events.emit('localAudioStreamsUpdated', { added: [stream], removed: [] });
  }

  #videoSourceChanged = async ({ source }: { source: LocalVideoStream }) => {
    const media = await source.getMediaStream();
    const kind = source === this.video ? 'video' : source === this.#screen ? 'screen' : null;
    if (kind) this.uplink.setCustom(kind, media);
  };

  /** Treats another MediaStream inside the stream like another stream. */
  #audioSourceChanged = ({ source }: { source: LocalAudioStream }) => {
    if (source.mediaStreamType === 'RawMedia') void this.giveAudio(source);
  };
}

/** The SDK reads `autoDisposeOnCallEnd` but does not declare it. */
function disposeIfSo(stream: LocalAudioStream | LocalVideoStream): void {
  if ((stream as unknown as { autoDisposeOnCallEnd: boolean }).autoDisposeOnCallEnd) {
    stream.dispose();
  }
}
