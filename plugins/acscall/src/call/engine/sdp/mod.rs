//! What a peer's session description says, read and checked before webrtcbin sees it.

use acscall::call::Direction;
use acscall::model::Kind;
use gst::glib;
use gst_sdp::{SDPAttribute, SDPMediaRef, SDPMessage};

use super::codec::{Codec, TWCC_URI};
use super::colorimetry::COLOUR_SPACE_URI;

#[cfg(test)]
mod tests;

/// A peer's description.
pub(super) struct Remote {
    pub(super) message: SDPMessage,
    /// Every certificate that the description allows.
    pub(super) fingerprints: Vec<Fingerprint>,
    /// For an offer: the caps to answer each line with.
    pub(super) preferences: Vec<gst::Caps>,
    /// The kinds that one of the ends cannot take, and why.
    pub(super) rejected: Vec<(Kind, String)>,
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

/// Why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RemoteError {
    #[error("it is not SDP")]
    NotSdp,
    #[error("it has {0} m-lines; a leg has three: audio, video, screen")]
    Lines(u32),
    #[error("m-line {0} is '{1}', not '{2}'")]
    Media(u32, String, &'static str),
    #[error("m-line {0} offers no codec at all")]
    Codec(u32),
    #[error("it names no certificate fingerprint of sha-256 or stronger")]
    Fingerprint,
    #[error("it has no ICE user name and password, or has more than one at once")]
    Ice,
    #[error("m-line {0} names '{1}' as SSRC, which is no number or 0")]
    Ssrc(u32, String),
}

impl Remote {
    /// Reads the offer that a receiving leg gets, or the answer that a sending one gets.
    pub(super) fn parse(text: &str, direction: Direction) -> Result<Remote, RemoteError> {
        // GStreamer takes an empty text for a programming error.
        if text.is_empty() {
            return Err(RemoteError::NotSdp);
        }
        let message = SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| RemoteError::NotSdp)?;
        if message.medias_len() != Kind::ALL.len() as u32 {
            return Err(RemoteError::Lines(message.medias_len()));
        }
        let mut fingerprints: Vec<_> = message
            .attributes()
            .filter(|a| a.key() == "fingerprint")
            .filter_map(|a| Fingerprint::parse(a.value()?))
            .collect();
        let mut preferences = Vec::new();
        let mut rejected = Vec::new();
        let mut has_ice = has_ice(message.attributes())?;
        for kind in Kind::ALL {
            let line = kind.line() as u32;
            let media = message.media(line).ok_or(RemoteError::Lines(line))?;
            let wanted = if kind == Kind::Audio {
                "audio"
            } else {
                "video"
            };
            if media.media() != Some(wanted) {
                let found = media.media().unwrap_or_default().to_string();
                return Err(RemoteError::Media(line, found, wanted));
            }
            has_ice |= self::has_ice(media.attributes())?;
            if let Some(bad) = bad_ssrc(media) {
                return Err(RemoteError::Ssrc(line, bad));
            }
            fingerprints.extend(
                media
                    .attributes()
                    .filter(|a| a.key() == "fingerprint")
                    .filter_map(|a| Fingerprint::parse(a.value()?)),
            );
            match direction {
                Direction::Receive => match preference(media) {
                    Ok(caps) => preferences.push(caps),
                    Err((why, caps)) => {
                        // Taken as far as webrtcbin knows; see [`reject`].
                        preferences.push(caps.ok_or(RemoteError::Codec(line))?);
                        rejected.push((kind, why));
                    }
                },
                Direction::Send if media.port() == 0 => {
                    let why = "the other end cannot decode it; the codec is set by the pad's \
                               property 'codec', and vp8 is what everybody decodes";
                    rejected.push((kind, why.into()));
                }
                Direction::Send => {}
            }
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
            preferences,
            rejected,
        })
    }
}

/// Whether there are an ICE user name and password. webrtcbin looks for them in several places, and
/// takes one without the other, or several, for a programming error: 1.22 ends the process.
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

/// An SSRC that webrtcbin would take for 0, which it takes for a programming error.
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

/// The caps to answer an offered line with: the first codec that can be decoded, in the payload
/// type of the offer, the feedback that goes with it, and of the header's extensions those that are
/// read here, under the offer's numbers. If none can, why not, and the first codec.
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
            None => "it is not one of those that are supported here".into(),
        };
        // What goes along with a codec is none.
        if !["RTX", "RED", "ULPFEC", "FLEXFEC-03"].contains(&name.to_ascii_uppercase().as_str()) {
            reasons.push(format!("it is {name}, which cannot be decoded: {missing}"));
            // In full, or webrtcbin would refuse the line by itself, with a copy of the offer's: with
            // the fingerprint of another certificate than ours, which ends the whole leg.
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
            if name == "video" {
                structure.set("rtcp-fb-nack", true);
                structure.set("rtcp-fb-nack-pli", true);
                structure.set("rtcp-fb-ccm-fir", true);
            }
            structure.set("rtcp-fb-transport-cc", true);
            for uri in [TWCC_URI, COLOUR_SPACE_URI] {
                if let Some(number) = extension(media, uri) {
                    structure.set(format!("extmap-{number}"), uri);
                }
            }
        }
    }
    caps
}

/// The number of a header's extension in an offer.
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

/// Rejects lines in the text of an answer that took them: without a port, and not in the bundle.
/// webrtcbin has to take all of them, since 1.22 ends every bundled line with a refused one.
pub(super) fn reject(answer: &str, kinds: &[Kind]) -> String {
    let sections: Vec<&str> = split_sections(answer).collect();
    let is_rejected =
        |index: usize| index > 0 && Kind::from_line(index - 1).is_some_and(|k| kinds.contains(&k));
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

/// What comes before the first m-line, and each of these with what follows it.
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
    /// Reads `sha-256 AB:CD:…`; `None` for a hash that is too weak or unknown.
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

/// Whether the certificate is one that the fingerprints name.
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

/// The first certificate in a PEM text, in binary.
fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let text: String = body.chars().filter(char::is_ascii_graphic).collect();
    Some(glib::base64_decode(&text))
}
