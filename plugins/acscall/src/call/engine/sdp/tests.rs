//! Parsing of descriptions, and the reasons for refusing them.

use super::*;

/// A self-signed certificate, with the fingerprint that openssl reports.
const PEM: &str = include_str!("../testdata/certificate.pem");
const SHA256: &str = include_str!("../testdata/fingerprint.txt");

#[test]
fn a_certificate_matches_its_fingerprint_alone() {
    let right = Fingerprint::parse(SHA256).unwrap();
    assert!(matches_any(PEM, std::slice::from_ref(&right)));
    let wrong = Fingerprint {
        digits: right.digits.replace('A', "B"),
        ..right
    };
    assert!(!matches_any(PEM, &[wrong]));
    assert!(!matches_any(PEM, &[]));
    assert!(!matches_any("", &[Fingerprint::parse(SHA256).unwrap()]));
}

#[test]
fn a_rejected_line_has_no_port_and_is_in_no_bundle() {
    let answer = "v=0\r\na=group:BUNDLE audio0 video1 video2\r\n\
                  m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio0\r\na=recvonly\r\n\
                  m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:video1\r\na=recvonly\r\n\
                  m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:video2\r\na=recvonly\r\n";
    let wanted = "v=0\r\na=group:BUNDLE audio0 video2\r\n\
                  m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio0\r\na=recvonly\r\n\
                  m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:video1\r\na=inactive\r\n\
                  m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:video2\r\na=recvonly\r\n";
    assert_eq!(reject(answer, &[1]), wanted);
    assert_eq!(reject(answer, &[]), answer);
}

#[test]
fn sha_1_is_too_weak() {
    assert_eq!(Fingerprint::parse("sha-1 00:11"), None);
}

/// Returns an offer with these lines in the session section and in the section of each m-line.
fn offer(session: &str, media: &str) -> String {
    let mut text = format!(
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:{}\r\n{session}",
        SHA256.trim()
    );
    for line in [
        "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 OPUS/48000/2\r\n",
        "m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=rtpmap:97 VP8/90000\r\n",
        "m=video 9 UDP/TLS/RTP/SAVPF 98\r\na=rtpmap:98 VP8/90000\r\n",
    ] {
        text += line;
        text += media;
    }
    text
}

fn parse(text: &str, sdp_type: SdpType) -> Result<Remote, RemoteError> {
    gst::init().unwrap();
    Remote::parse(text, sdp_type, &Kind::ALL)
}

fn error(text: &str) -> Option<RemoteError> {
    parse(text, SdpType::Answer).err()
}

#[test]
fn an_ice_user_name_and_its_password_come_together_and_once() {
    let (name, password) = ("a=ice-ufrag:abcd\r\n", "a=ice-pwd:efgh\r\n");
    let both = format!("{name}{password}");
    assert_eq!(error(&offer(&both, "")), None);
    assert_eq!(error(&offer("", &both)), None);
    assert_eq!(error(&offer(&both, &both)), None);
    let twice = format!("{both}{both}");
    for (session, media) in [
        ("", ""),
        (name, ""),
        ("", name),
        ("", password),
        (password, &both),
        (&twice, ""),
        (&twice, &both),
        (&both, name),
    ] {
        let refused = error(&offer(session, media));
        assert_eq!(refused, Some(RemoteError::Ice), "{session:?} {media:?}");
    }
}

#[test]
fn an_ssrc_is_a_number_above_zero() {
    let ice = "a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\n";
    for good in ["1 cname:x", "4294967295 msid:a b", "7"] {
        assert_eq!(error(&offer(ice, &format!("a=ssrc:{good}\r\n"))), None);
    }
    for bad in ["0 cname:x", "x", "-1", "4294967296 cname:x", " 1"] {
        let refused = error(&offer(ice, &format!("a=ssrc:{bad}\r\n")));
        assert_eq!(refused, Some(RemoteError::Ssrc(0, bad.into())));
    }
}

#[test]
fn every_track_has_a_mid_of_its_own() {
    let ice = "a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\n";
    let mids = |text: &str| {
        let remote = parse(text, SdpType::Offer)?;
        let mids = remote.tracks.into_iter().map(|track| track.mid.0);
        Ok(mids.collect::<Vec<_>>())
    };
    let indices = ["0", "1", "2"].map(str::to_owned);
    assert_eq!(mids(&offer(ice, "")), Ok(indices.to_vec()));
    let named = offer(ice, "").replace("OPUS/48000/2\r\n", "OPUS/48000/2\r\na=mid:sound\r\n");
    assert_eq!(mids(&named).unwrap(), ["sound", "1", "2"]);
    let taken = named.replace("a=mid:sound", "a=mid:2");
    assert_eq!(mids(&taken), Err(RemoteError::Mid(2)));
    assert_eq!(mids(&offer(ice, "a=mid:x\r\n")), Err(RemoteError::Mid(1)));
}

#[test]
fn extensions_that_are_read_are_answered_under_the_offers_numbers() {
    let ice = "a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\n";
    for (offered, expected) in [
        (format!("3 {TWCC_URI}"), vec![(3, TWCC_URI)]),
        (
            format!("14/sendonly {COLOR_SPACE_URI}"),
            vec![(14, COLOR_SPACE_URI)],
        ),
        (
            format!("3 {TWCC_URI}\r\na=extmap:8 {COLOR_SPACE_URI}\r\na=extmap:9 urn:x"),
            vec![(3, TWCC_URI), (8, COLOR_SPACE_URI)],
        ),
        // Not a valid number.
        (format!("0 {TWCC_URI}"), vec![]),
        (format!("256 {COLOR_SPACE_URI}"), vec![]),
        (format!("x {TWCC_URI}"), vec![]),
    ] {
        let text = offer(ice, &format!("a=extmap:{offered}\r\n"));
        for track in parse(&text, SdpType::Offer).unwrap().tracks {
            let caps = track.preference.unwrap();
            let fields = caps.structure(0).unwrap().iter();
            let extensions = fields
                .filter(|(name, _)| name.starts_with("extmap-"))
                .count();
            assert_eq!(extensions, expected.len(), "{caps}");
            for (number, uri) in &expected {
                let field = format!("extmap-{number}");
                assert_eq!(caps.structure(0).unwrap().get(field), Ok(*uri), "{caps}");
            }
        }
    }
}

#[test]
fn a_text_that_is_not_sdp_is_refused_with_the_reason() {
    let empty = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    for sdp_type in [SdpType::Offer, SdpType::Answer] {
        assert!(parse("no sdp", sdp_type).is_err());
        assert!(parse("", sdp_type).is_err());
        let refused = parse(empty, sdp_type).err();
        assert_eq!(refused, Some(RemoteError::Lines(0, 3)));
    }
}
