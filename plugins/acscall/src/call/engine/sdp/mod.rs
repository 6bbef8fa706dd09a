//! Parses and checks a peer's session descriptions before webrtcbin gets them.

use acscall::model::Kind;
use gst::glib;
use gst_sdp::{SDPAttribute, SDPMediaRef, SDPMessage};

use super::codec::{Codec, TWCC_URI};
use super::colorimetry::COLOR_SPACE_URI;
use super::leg::Mid;

#[cfg(test)]
mod tests;

/// The type of a session description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SdpType {
    Offer,
    Answer,
}

/// A peer's description.
pub(super) struct Remote {
    pub(super) message: SDPMessage,
    /// The fingerprints of all certificates that the description allows.
    pub(super) fingerprints: Vec<Fingerprint>,
    /// The tracks, in the order of the m-lines.
    pub(super) tracks: Vec<RemoteTrack>,
}

/// An m-line of a peer's description.
#[derive(Clone, Debug)]
pub(super) struct RemoteTrack {
    /// The m-line's `a=mid`, or else its index.
    pub(super) mid: Mid,
    pub(super) kind: Kind,
    /// In an offer: the caps to answer with.
    pub(super) preference: Option<gst::Caps>,
    /// The reason why one of the ends cannot handle the track.
    pub(super) rejected: Option<String>,
}

/// A certificate's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    hash: Hash,
    /// Upper-case hexadecimal, without colons.
    digits: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The reason why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RemoteError {
    #[error("the description is not valid SDP")]
    NotSdp,
    #[error("the description has {0} m-lines instead of {1}")]
    Lines(u32, u32),
    #[error("m-line {0} is '{1}' instead of '{2}'")]
    Media(u32, String, &'static str),
    #[error("m-line {0} has the mid of another m-line")]
    Mid(u32),
    #[error("m-line {0} offers no codec")]
    Codec(u32),
    #[error("the description has no certificate fingerprint of sha-256 or stronger")]
    Fingerprint,
    #[error("the description has no ICE user name and password, or several in one place")]
    Ice,
    #[error("m-line {0} has the SSRC '{1}', which is not a number above 0")]
    Ssrc(u32, String),
}

impl Remote {
    /// Parses a description whose m-lines have to be of these kinds, in this order.
    pub(super) fn parse(
        text: &str,
        sdp_type: SdpType,
        kinds: &[Kind],
    ) -> Result<Remote, RemoteError> {
        // GStreamer treats an empty text as a programming error.
        if text.is_empty() {
            return Err(RemoteError::NotSdp);
        }
        let message = SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| RemoteError::NotSdp)?;
        let (found, expected) = (message.medias_len(), kinds.len() as u32);
        if found != expected {
            return Err(RemoteError::Lines(found, expected));
        }
        let mut fingerprints: Vec<_> = fingerprints(message.attributes()).collect();
        let mut tracks: Vec<RemoteTrack> = Vec::new();
        let mut has_ice = has_ice(message.attributes())?;
        for (line, kind) in (0..).zip(kinds) {
            let media = message
                .media(line)
                .ok_or(RemoteError::Lines(line, expected))?;
            let track = RemoteTrack::parse(line, media, sdp_type, *kind)?;
            if tracks.iter().any(|other| other.mid == track.mid) {
                return Err(RemoteError::Mid(line));
            }
            tracks.push(track);
            has_ice |= self::has_ice(media.attributes())?;
            fingerprints.extend(self::fingerprints(media.attributes()));
        }
        if !has_ice {
            return Err(RemoteError::Ice);
        }
        if fingerprints.is_empty() {
            return Err(RemoteError::Fingerprint);
        }
        Ok(Remote {
            message,
            fingerprints,
            tracks,
        })
    }
}

impl RemoteTrack {
    fn parse(
        line: u32,
        media: &SDPMediaRef,
        sdp_type: SdpType,
        kind: Kind,
    ) -> Result<RemoteTrack, RemoteError> {
        let expected = match kind {
            Kind::Audio => "audio",
            Kind::Video | Kind::Screen => "video",
        };
        if media.media() != Some(expected) {
            let found = media.media().unwrap_or_default().to_string();
            return Err(RemoteError::Media(line, found, expected));
        }
        if let Some(bad) = bad_ssrc(media) {
            return Err(RemoteError::Ssrc(line, bad));
        }
        let (preference, rejected) = match sdp_type {
            SdpType::Offer => match preference(media) {
                Ok(caps) => (Some(caps), None),
                // webrtcbin accepts the m-line all the same; see [`reject`].
                Err((why, caps)) => (Some(caps.ok_or(RemoteError::Codec(line))?), Some(why)),
            },
            SdpType::Answer if media.port() == 0 => {
                let why = "the other end cannot decode it; the codec is set by the pad's \
                           property 'codec', and vp8 is what everybody decodes";
                (None, Some(why.into()))
            }
            SdpType::Answer => (None, None),
        };
        let mid = match media.attribute_val("mid").map(str::trim) {
            Some(mid) if !mid.is_empty() => mid.into(),
            _ => line.to_string(),
        };
        Ok(RemoteTrack {
            mid: Mid(mid),
            kind,
            preference,
            rejected,
        })
    }
}

fn fingerprints<'a>(
    attributes: impl Iterator<Item = &'a SDPAttribute>,
) -> impl Iterator<Item = Fingerprint> {
    attributes
        .filter(|attribute| attribute.key() == "fingerprint")
        .filter_map(|attribute| Fingerprint::parse(attribute.value()?))
}

/// Whether there are an ICE user name and password. webrtcbin looks for them in several places. It
/// treats one without the other, or several, as a programming error: 1.22 aborts the process.
fn has_ice<'a>(attributes: impl Iterator<Item = &'a SDPAttribute>) -> Result<bool, RemoteError> {
    let (mut names, mut passwords) = (0, 0);
    for attribute in attributes {
        match attribute.key() {
            "ice-ufrag" => names += 1,
            "ice-pwd" => passwords += 1,
            _ => {}
        }
    }
    match (names, passwords) {
        (0, 0) => Ok(false),
        (1, 1) => Ok(true),
        _ => Err(RemoteError::Ice),
    }
}

/// Returns an SSRC that webrtcbin would read as 0, which it treats as a programming error.
fn bad_ssrc(media: &SDPMediaRef) -> Option<String> {
    let mut values = media
        .attributes()
        .filter(|attribute| attribute.key() == "ssrc")
        .map(|attribute| attribute.value().unwrap_or_default());
    values
        .find(|value| {
            let ssrc = value.split(' ').next().unwrap_or_default().parse::<u32>();
            ssrc.unwrap_or_default() == 0
        })
        .map(|value| value.chars().take(32).collect())
}

/// Returns the caps to answer an offered m-line with: the first codec that can be decoded with its
/// payload type and feedback, and the header extensions that are read here, under their numbers in
/// the offer. If no codec can be decoded, returns the reason and the caps of the first one.
fn preference(media: &SDPMediaRef) -> Result<gst::Caps, (String, Option<gst::Caps>)> {
    let offered = (0..media.formats_len())
        .filter_map(|index| media.format(index)?.parse::<i32>().ok())
        .filter_map(|payload_type| media.caps_from_media(payload_type));
    let mut first = None;
    let mut reasons = Vec::new();
    for caps in offered {
        let name = caps
            .structure(0)
            .and_then(|structure| structure.get::<&str>("encoding-name").ok())
            .unwrap_or_default();
        let missing = match Codec::from_name(name) {
            Some(codec) => match codec.missing_for_receive() {
                None => return Ok(with_feedback(caps, media)),
                Some(missing) => missing.to_string(),
            },
            None => "the codec is not supported".into(),
        };
        // Repair formats are not codecs.
        if !["RTX", "RED", "ULPFEC", "FLEXFEC-03"].contains(&name.to_ascii_uppercase().as_str()) {
            reasons.push(format!("it is {name}, which cannot be decoded: {missing}"));
            // With incomplete caps, webrtcbin would reject the m-line itself by copying the
            // offer's, with a fingerprint that is not ours: that ends the whole leg.
            first.get_or_insert_with(|| with_feedback(caps, media));
        }
    }
    let why = reasons.into_iter().next().unwrap_or_default();
    Err((why, first))
}

fn with_feedback(mut caps: gst::Caps, media: &SDPMediaRef) -> gst::Caps {
    {
        let caps = caps.make_mut();
        let name = media.media().unwrap_or_default();
        caps.set("media", name);
        if let Some(structure) = caps.structure_mut(0) {
            structure.set_name("application/x-rtp");
            if name == "audio" {
                // Without it, browsers encode Opus with one channel (RFC 7587, section 6.1).
                structure.set("stereo", "1");
            }
            if name == "video" {
                structure.set("rtcp-fb-nack", true);
                structure.set("rtcp-fb-nack-pli", true);
                structure.set("rtcp-fb-ccm-fir", true);
            }
            structure.set("rtcp-fb-transport-cc", true);
            for uri in [TWCC_URI, COLOR_SPACE_URI] {
                if let Some(number) = extension(media, uri) {
                    structure.set(format!("extmap-{number}"), uri);
                }
            }
        }
    }
    caps
}

/// Returns the number of a header extension in an offer.
fn extension(media: &SDPMediaRef, wanted: &str) -> Option<u8> {
    let offered = media.attributes().filter(|a| a.key() == "extmap");
    let mut numbers = offered.filter_map(|attribute| {
        let (number, uri) = attribute.value()?.split_once(' ')?;
        // `number/direction` is allowed too.
        let number = number.split('/').next().unwrap_or(number);
        (uri.trim() == wanted).then(|| number.parse().ok())?
    });
    numbers.find(|number| *number > 0)
}

/// Rejects m-lines, given by index, in the text of an answer that accepts them: sets their ports to
/// 0 and removes them from the bundle. webrtcbin has to accept all m-lines, because 1.22 ends every
/// bundled one together with a rejected one.
pub(super) fn reject(answer: &str, lines: &[usize]) -> String {
    let sections: Vec<&str> = split_sections(answer).collect();
    let is_rejected = |section: usize| section > 0 && lines.contains(&(section - 1));
    let mid = |section: &str| {
        let line = section.lines().find_map(|line| line.strip_prefix("a=mid:"));
        line.map(|mid| mid.trim().to_owned())
    };
    let gone: Vec<String> = (0..sections.len())
        .filter(|index| is_rejected(*index))
        .filter_map(|index| mid(sections.get(index)?))
        .collect();
    let mut text = String::with_capacity(answer.len());
    for (index, section) in sections.into_iter().enumerate() {
        for line in section.lines() {
            if let Some(bundle) = line.strip_prefix("a=group:BUNDLE") {
                text.push_str("a=group:BUNDLE");
                let mids = bundle.split_whitespace();
                for mid in mids.filter(|mid| !gone.iter().any(|gone| gone == mid)) {
                    text.push(' ');
                    text.push_str(mid);
                }
            } else if is_rejected(index) && line.starts_with("m=") {
                let mut parts = line.splitn(3, ' ');
                let (media, _port) = (parts.next().unwrap_or_default(), parts.next());
                text.push_str(&format!("{media} 0 {}", parts.next().unwrap_or_default()));
            } else if is_rejected(index) && line == "a=recvonly" {
                text.push_str("a=inactive");
            } else {
                text.push_str(line);
            }
            text.push_str("\r\n");
        }
    }
    text
}

/// Splits a description into the session section and the section of each m-line.
fn split_sections(text: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> = text.match_indices("\nm=").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    let mut ends = starts.clone();
    ends.remove(0);
    ends.push(text.len());
    starts
        .into_iter()
        .zip(ends)
        .filter_map(|(start, end)| text.get(start..end))
}

impl Fingerprint {
    /// Parses `sha-256 AB:CD:…`. Returns `None` for a hash that is too weak or unknown.
    pub(super) fn parse(text: &str) -> Option<Fingerprint> {
        let (hash, digits) = text.trim().split_once(' ')?;
        let hash = match hash.to_ascii_lowercase().as_str() {
            "sha-256" => Hash::Sha256,
            "sha-384" => Hash::Sha384,
            "sha-512" => Hash::Sha512,
            _ => return None,
        };
        let digits = digits.trim().replace(':', "").to_ascii_uppercase();
        Some(Fingerprint { hash, digits })
    }
}

/// Whether the certificate has one of the fingerprints.
pub(super) fn matches_any(pem: &str, fingerprints: &[Fingerprint]) -> bool {
    let Some(der) = der(pem) else {
        return false;
    };
    fingerprints.iter().any(|fingerprint| {
        let checksum = match fingerprint.hash {
            Hash::Sha256 => glib::ChecksumType::Sha256,
            Hash::Sha384 => glib::ChecksumType::Sha384,
            Hash::Sha512 => glib::ChecksumType::Sha512,
        };
        glib::compute_checksum_for_data(checksum, &der)
            .is_some_and(|found| found.eq_ignore_ascii_case(&fingerprint.digits))
    })
}

/// Returns the first certificate of a PEM text, in DER.
fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let text: String = body.chars().filter(char::is_ascii_graphic).collect();
    Some(glib::base64_decode(&text))
}
