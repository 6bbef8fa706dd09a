// What the legs' session descriptions contain.

/** @import { Kind } from './leg.js' */

/**
 * Returns Opus, or VP8 with its retransmission: one codec for each m-line.
 * @param {Kind} kind
 */
export function codecs(kind) {
  const audio = kind === 'audio';
  const wanted = audio ? ['audio/opus'] : ['video/VP8', 'video/rtx'];
  const { codecs } = RTCRtpReceiver.getCapabilities(audio ? 'audio' : 'video') ?? { codecs: [] };
  return codecs.filter(({ mimeType }) => wanted.includes(mimeType));
}

/**
 * Asks for stereo: without it in the answer, browsers decode Opus to one channel.
 * @param {string} sdp
 */
export function withStereo(sdp) {
  const payload = /^a=rtpmap:(\d+) opus\//im.exec(sdp)?.[1];
  if (!payload || /stereo=1/.test(sdp)) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${payload} .*?)(\r?)$`, 'm'), '$1;stereo=1$2');
}

/**
 * Removes the attributes of codecs that are not on the m-line. Firefox's offers keep their
 * feedback, which Chromium rejects.
 * @param {string} sdp
 */
export function withoutUnusedCodecs(sdp) {
  const media = sdp.split(/^(?=m=)/m).map((media) => {
    const [, , , ...offered] = media.split('\r\n', 1)[0].split(' ');
    return media.replace(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) .*\r\n/gm, (line, payload) =>
      offered.includes(payload) ? line : '',
    );
  });
  return media.join('');
}
