//! Invalid session descriptions that resemble a valid one: an offer with some lines changed.

use arbitrary::{Arbitrary, Result, Unstructured};

/// An offer of our own sender.
pub(crate) const OFFER: &str = include_str!("sketch/offer.sdp");

/// The maximum number of changes. With more, the parsers stop early.
const CHANGES: usize = 12;

/// Lines that some parser splits further.
const LINES: &[&str] = &[
    "v=0",
    "s=",
    "t=0 0",
    "c=IN IP4 127.0.0.1",
    "c=IN IP6 ::1",
    "b=AS:1",
    "k=clear:x",
    "m=audio 0 UDP/TLS/RTP/SAVPF 0",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 96 97",
    "m=video 9 UDP/TLS/RTP/SAVPF",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "m=video 65536/2 RTP/AVP 300 -1",
    "a=sctp-port:5000",
    "a=max-message-size:0",
    "a=sctpmap:5000 webrtc-datachannel 256",
    "a=rtpmap:97 H264/90000",
    "a=rtpmap:97 AV1/90000",
    "a=rtpmap:97 VP9/90000",
    "a=rtpmap:97 X/0/0",
    "a=rtpmap:97",
    "a=rtpmap:99999999999 VP8/90000",
    "a=rtpmap:96 multiopus/48000/6",
    "a=rtpmap:97 red/90000",
    "a=rtpmap:97 ulpfec/90000",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=97",
    "a=fmtp:97 apt=98",
    "a=fmtp:98 apt=4294967296",
    "a=fmtp:97 profile-level-id=42e01f;packetization-mode=1;sprop-parameter-sets=Z,A",
    "a=fmtp:97",
    "a=fmtp:97 =;=;;a=b=c",
    "a=fmtp:97 (string)x=(int)1",
    "a=rtcp-fb:* nack",
    "a=rtcp-fb:97",
    "a=rtcp-fb:97 nack pli pli pli",
    "a=rtcp-fb:97 goog-remb",
    "a=extmap:0 x",
    "a=extmap:16 a b",
    "a=extmap:1/recvonly http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "a=extmap:a/b http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "a=extmap:5000 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "a=extmap:1",
    "a=extmap",
    "a=extmap:3 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on",
    "a=ssrc:0 cname:",
    "a=ssrc:x",
    "a=ssrc:4294967296 msid:a b",
    "a=ssrc-group:FID",
    "a=ssrc",
    "a=ssrc-group:FID 1",
    "a=ssrc-group:FID 1 2 3",
    "a=ssrc-group:SIM 1 2",
    "a=ssrc-group:",
    "a=group:BUNDLE",
    "a=group:BUNDLE audio0 audio0",
    "a=group:BUNDLE x",
    "a=group:LS audio0",
    "a=mid:",
    "a=mid:audio0",
    "a=mid:video1",
    "a=mid",
    "a=msid:- -",
    "a=msid-semantic: WMS *",
    "a=setup:active",
    "a=setup:passive",
    "a=setup:holdconn",
    "a=setup:x",
    "a=setup",
    "a=sendonly",
    "a=recvonly",
    "a=sendrecv",
    "a=inactive",
    "a=bundle-only",
    "a=rtcp-mux-only",
    "a=ice-lite",
    "a=ice-options:",
    "a=ice-ufrag:",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:",
    "a=ice-pwd",
    "a=candidate:1 1 UDP 2013266431 127.0.0.1 9 typ host",
    "a=candidate:",
    "a=end-of-candidates",
    "a=candidate:1 1 TCP 1 ::1 9 typ srflx raddr ::1 rport 9 tcptype active",
    "a=rtcp:9 IN IP4 0",
    "a=fingerprint:sha-256",
    "a=fingerprint:sha-256 00",
    "a=fingerprint:sha-1 00:11",
    "a=fingerprint:sha-512 ",
    "a=fingerprint",
    "a=rid:1 send",
    "a=simulcast:send 1;2,3",
    "a=imageattr:97 send [x=1]",
    "a=ptime:0",
    "a=maxptime:99999999999",
    "a=framerate:-1",
    "a=framesize:97 1-0",
    "a=key-mgmt:mikey x",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x",
    "a=range:npt=0-",
    "a=control:*",
    "a=",
    "a",
    "=",
    "x=y",
    "",
];

#[derive(Debug, Arbitrary)]
enum Change {
    Insert(u8, u8),
    Replace(u8, u8),
    Remove(u8),
    Copy(u8, u8),
    Swap(u8, u8),
    Cut(u8, u8),
    /// Replaces a byte of a line, or inserts a text into it.
    Byte(u8, u8, u8),
    Text(u8, u8, String),
    /// Repeats a line many times.
    Repeat(u8, u8),
    /// Turns the offer into an answer.
    Answer,
}

/// Returns a description.
pub(crate) fn description(u: &mut Unstructured<'_>) -> Result<String> {
    let mut lines: Vec<String> = OFFER.lines().map(str::to_owned).collect();
    for _ in 0..u.int_in_range(0..=CHANGES)? {
        change(&mut lines, u.arbitrary()?);
    }
    let end = if u.ratio(1, 16)? { "\n" } else { "\r\n" };
    Ok(lines.iter().flat_map(|line| [line.as_str(), end]).collect())
}

fn change(lines: &mut Vec<String>, change: Change) {
    let count = lines.len();
    if count == 0 {
        return;
    }
    let line = |at: u8| usize::from(at) % count;
    let known = |at: u8| LINES[usize::from(at) % LINES.len()].to_owned();
    match change {
        Change::Insert(at, which) => lines.insert(line(at), known(which)),
        Change::Replace(at, which) => lines[line(at)] = known(which),
        Change::Remove(at) => drop(lines.remove(line(at))),
        Change::Copy(at, to) => {
            let copy = lines[line(at)].clone();
            lines.insert(line(to), copy);
        }
        Change::Swap(at, to) => lines.swap(line(at), line(to)),
        Change::Cut(at, byte) => {
            let line = &mut lines[line(at)];
            line.truncate(boundary(line, byte));
        }
        Change::Byte(at, byte, new) => {
            let line = &mut lines[line(at)];
            let start = boundary(line, byte);
            if let Some(old) = line[start..].chars().next() {
                line.replace_range(start..start + old.len_utf8(), &char::from(new).to_string());
            }
        }
        Change::Text(at, byte, text) => {
            let line = &mut lines[line(at)];
            line.insert_str(boundary(line, byte), &text);
        }
        Change::Repeat(at, times) => {
            let at = line(at);
            for _ in 0..times {
                lines.insert(at, lines[at].clone());
            }
        }
        Change::Answer => {
            for line in lines {
                match line.as_str() {
                    "a=sendonly" => *line = "a=recvonly".into(),
                    "a=setup:actpass" => *line = "a=setup:active".into(),
                    _ => {}
                }
            }
        }
    }
}

fn boundary(line: &str, byte: u8) -> usize {
    let at = usize::from(byte) % (line.len() + 1);
    (0..=at)
        .rev()
        .find(|at| line.is_char_boundary(*at))
        .unwrap_or(0)
}
