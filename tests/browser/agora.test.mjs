// Agora's custom tracks.

import { inPage } from './streams.mjs';

inPage(
  'Agora: tracks of a canvas, a camera, a <video> and a tone are published unchanged',
  { same: [true, true, true, true], types: ['video', 'video', 'video', 'audio'], ids: 4 },
  async () => {
    const video = document.createElement('video');
    video.srcObject = canvasStream();
    await video.play();
    const camera = await navigator.mediaDevices.getUserMedia({ video: true });
    const given = [canvasStream(), camera, video.captureStream()].map((s) => s.getVideoTracks()[0]);
    const tracks = given.map((mediaStreamTrack) =>
      AgoraRTC.createCustomVideoTrack({ mediaStreamTrack }),
    );
    given.push(toneStream().getTracks()[0]);
    tracks.push(AgoraRTC.createCustomAudioTrack({ mediaStreamTrack: given[3] }));
    const same = [];
    for (const [n, track] of tracks.entries()) {
      const { last } = await attach(track);
      same.push(last === given[n] && track.getMediaStreamTrack() === last);
    }
    const ids = new Set(tracks.map((track) => track.getTrackId())).size;
    return { same, types: tracks.map(({ trackMediaType }) => trackMediaType), ids };
  },
);

inPage(
  'Agora: a muted or disabled track is published but not sent, and comes back',
  { sent: [true, false, true, false, true], enabled: [false, true], flags: [true, false] },
  async () => {
    const [mediaStreamTrack] = canvasStream().getTracks();
    const track = AgoraRTC.createCustomVideoTrack({ mediaStreamTrack });
    const sink = await attach(track);
    await track.setMuted(true);
    const flags = [track.muted];
    const enabled = [mediaStreamTrack.enabled];
    await track.setMuted(false);
    flags.push(track.muted);
    await track.setEnabled(false);
    await track.setEnabled(true);
    enabled.push(mediaStreamTrack.enabled);
    return { sent: sink.tracks.map(Boolean), enabled, flags };
  },
);

inPage(
  'Agora: a replacement is sent at once, and the old track ends only on request',
  { same: [true, true], states: ['live', 'ended', 'live'], updated: 2, wrong: 400 },
  async () => {
    const given = [canvasStream(), canvasStream(), canvasStream()].map((s) => s.getTracks()[0]);
    const track = AgoraRTC.createCustomVideoTrack({ mediaStreamTrack: given[0] });
    const updated = events(track, 'track-updated');
    const sink = await attach(track);
    const same = [];
    for (const n of [1, 2]) {
      await track.replaceTrack(given[n], n === 2);
      same.push(sink.last === given[n] && track.getMediaStreamTrack() === given[n]);
    }
    const wrong = await refusal(track.replaceTrack(toneStream().getTracks()[0], false));
    return { same, states: given.map((t) => t.readyState), updated: updated.length, wrong };
  },
);

inPage(
  'Agora: setVolume() replaces the published track, and holds after a replacement',
  { before: true, swapped: true, stays: true, wrong: 400 },
  async () => {
    const [mediaStreamTrack] = toneStream().getTracks();
    const track = AgoraRTC.createCustomAudioTrack({ mediaStreamTrack });
    const sink = await attach(track);
    const before = sink.last === mediaStreamTrack;
    const loud = (share) => until(() => Math.abs(track.getVolumeLevel() - 0.707 * share) < 0.03);
    await loud(1);
    track.setVolume(50);
    const published = track.getMediaStreamTrack();
    const swapped = sink.last === published && published !== mediaStreamTrack;
    await loud(0.5);
    track.setVolume(10);
    await loud(0.1);
    await track.replaceTrack(toneStream().getTracks()[0], true);
    await loud(0.1);
    const stays = sink.last === published;
    return { before, swapped, stays, wrong: await refusal(async () => track.setVolume(1001)) };
  },
);

inPage(
  'Agora: the end of a track is reported, with and without a volume',
  { ended: [true, true], fired: [1, 1] },
  async () => {
    const results = [];
    for (const hasVolume of [false, true]) {
      const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
      from.addTransceiver('audio');
      const got = new Promise((resolve) => to.addEventListener('track', resolve));
      await from.setLocalDescription();
      await to.setRemoteDescription(from.localDescription);
      const { track: mediaStreamTrack } = await got;
      const track = AgoraRTC.createCustomAudioTrack({ mediaStreamTrack });
      if (hasVolume) track.setVolume(50);
      const fired = events(track, 'track-ended');
      const sink = await attach(track);
      to.close();
      await until(() => sink.hasEnded && fired.length);
      results.push([sink.hasEnded, fired.length]);
    }
    return { ended: results.map(([ended]) => ended), fired: results.map(([, fired]) => fired) };
  },
);

inPage(
  'Agora: a track plays in an element until it is stopped, and close() ends it',
  { playing: [true, false], videos: [1, 0], ended: [true, 'ended'], missing: 404, mode: 'motion' },
  async () => {
    document.body.innerHTML = '<div id=place></div>';
    const [mediaStreamTrack] = canvasStream().getTracks();
    const track = AgoraRTC.createCustomVideoTrack({ mediaStreamTrack, bitrateMax: 500 });
    const sink = await attach(track);
    const missing = await refusal(async () => track.play('nowhere'));
    track.play('place');
    const playing = [track.isPlaying];
    const videos = [document.querySelectorAll('#place video').length];
    track.stop();
    playing.push(track.isPlaying);
    videos.push(document.querySelectorAll('#place video').length);
    await track.setOptimizationMode('motion');
    const mode = mediaStreamTrack.contentHint;
    track.close();
    return { playing, videos, ended: [sink.hasEnded, mediaStreamTrack.readyState], missing, mode };
  },
);

inPage(
  'Agora: where sound needs a gesture, a volume takes effect with the first one',
  { before: 0, after: true },
  async () => {
    const context = new AudioContext();
    const [mediaStreamTrack] = toneStream(context).getTracks();
    const track = AgoraRTC.createCustomAudioTrack({ mediaStreamTrack });
    track.setVolume(50);
    const before = track.getVolumeLevel();
    await touchPage();
    // This one belongs to the page.
    await context.resume();
    await until(() => Math.abs(track.getVolumeLevel() - 0.354) < 0.03);
    return { before, after: true };
  },
  { isStrict: true },
);
