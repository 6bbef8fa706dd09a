// The media of the other users of the foreign call: pictures of one colour and tones, each over an
// RTCPeerConnection of its own, so that the tracks are remote ones.

/** The frame rate: low, since everything shares two cores. */
const RATE = 15;

export type Size = [width: number, height: number];

/** A remote stream with one track, and its sender. */
export class RemoteMedia {
  /** The received stream, once it exists. */
  stream: MediaStream | null = null;
  #connections: RTCPeerConnection[] = [];
  #stop: () => void;
  #isClosed = false;

  private constructor(track: MediaStreamTrack, stop: () => void) {
    this.#stop = stop;
    this.#connect(track);
  }

  /** A picture of this colour (CSS) with a bar that moves along its lower edge. */
  static picture(colour: string, size?: Size, rate?: number): RemoteMedia {
    return this.painted(
      (paint, count, [width, height]) => {
        paint.fillStyle = colour;
        paint.fillRect(0, 0, width, height);
        paint.fillStyle = '#888';
        paint.fillRect((3 * count) % width, 0.9 * height, width / 10, height / 10);
      },
      size,
      rate,
    );
  }

  /** Sends what `draw` paints, repeatedly. */
  static painted(
    draw: (paint: CanvasRenderingContext2D, count: number, size: Size) => void,
    size: Size = [320, 180],
    rate = RATE,
  ): RemoteMedia {
    const [width, height] = size;
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const paint = canvas.getContext('2d')!;
    let count = 0;
    const again = () => draw(paint, (count += 1), size);
    again();
    const timer = setInterval(again, 1000 / rate);
    const [track] = canvas.captureStream().getVideoTracks();
    return new RemoteMedia(track!, () => {
      clearInterval(timer);
      track!.stop();
    });
  }

  /** Sends these tones, mixed, as a track that an element already plays. */
  static tones(frequencies: number[], also?: MediaStreamTrack): RemoteMedia {
    const context = new AudioContext();
    const output = context.createMediaStreamDestination();
    if (also) context.createMediaStreamSource(new MediaStream([also])).connect(output);
    for (const frequency of frequencies) {
      const oscillator = new OscillatorNode(context, { frequency });
      oscillator.connect(new GainNode(context, { gain: 0.15 })).connect(output);
      oscillator.start();
    }
    return new RemoteMedia(output.stream.getAudioTracks()[0]!, () => void context.close());
  }

  /** Relays a track, which is left alone. */
  static relay(track: MediaStreamTrack): RemoteMedia {
    return new RemoteMedia(track, () => {});
  }

  /** The number of sent pictures. */
  async framesSent(): Promise<number> {
    const [from] = this.#connections;
    for (const entry of (await from!.getStats()).values()) {
      if (entry.type === 'outbound-rtp') return entry.framesSent ?? 0;
    }
    return 0;
  }

  /** Closes the connection, which ends the received stream. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    for (const connection of this.#connections) connection.close();
  }

  async #connect(track: MediaStreamTrack): Promise<void> {
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    this.#connections = [from, to];
    to.addEventListener('track', ({ track: got }) => {
      this.stream = new MediaStream([got]);
    });
    try {
      await link(from, to, () => from.addTrack(track, new MediaStream([track])));
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }
}

/** Connects two connections of this page; the first one sends. */
export async function link(
  from: RTCPeerConnection,
  to: RTCPeerConnection,
  add: () => void,
): Promise<void> {
  for (const [one, other] of [
    [from, to],
    [to, from],
  ] as const) {
    one.addEventListener('icecandidate', ({ candidate }) => {
      if (other.signalingState !== 'closed') other.addIceCandidate(candidate!).catch(() => {});
    });
  }
  add();
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription!);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription!);
}
