//! Parsing the names of requested pads.

use acscall::call::{Selector, session_name};
use acscall::model::Kind;

/// Begins the suffix of a pad that takes the first stream of its kind. No session's name begins
/// with it.
const FIRST_PREFIX: char = ':';

/// The stream that a pad was requested for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PadRequest {
    pub(super) kind: Kind,
    which: Which,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    /// The audio of all others, mixed.
    Mixed,
    /// A stream of this session.
    Session(String),
    /// The first stream of the kind.
    First,
}

/// Why the name of a pad is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadName {
    #[error(
        "the pad name '{0}' has no user: request '{0}alice' for the stream of the user alice, or no name for the first stream"
    )]
    Nobody(String),
    #[error("the pad name '{0}' does not fit the pad template '{1}'")]
    Foreign(String, String),
}

impl PadRequest {
    /// Parses the name template and the name, if one is given.
    pub(super) fn parse(template: &str, name: Option<&str>) -> Result<PadRequest, BadName> {
        let (prefix, kind) = match template {
            "audio" => {
                return Ok(PadRequest {
                    kind: Kind::Audio,
                    which: Which::Mixed,
                });
            }
            "audio_%s" => ("audio_", Kind::Audio),
            "video_%s" => ("video_", Kind::Video),
            "screen_%s" => ("screen_", Kind::Screen),
            other => {
                return Err(BadName::Foreign(
                    name.unwrap_or_default().into(),
                    other.into(),
                ));
            }
        };
        let which = match name.filter(|name| *name != template) {
            None => Which::First,
            Some(name) => match name.strip_prefix(prefix) {
                None => return Err(BadName::Foreign(name.into(), template.into())),
                Some("") => return Err(BadName::Nobody(name.into())),
                Some(rest) if rest.starts_with(FIRST_PREFIX) => Which::First,
                Some(rest) => Which::Session(rest.into()),
            },
        };
        Ok(PadRequest { kind, which })
    }

    /// Returns the name of a pad that was requested without one.
    pub(super) fn name(&self, number: usize) -> String {
        match &self.which {
            Which::Mixed => "audio".into(),
            Which::Session(session) => format!("{}_{session}", self.kind),
            Which::First => format!("{}_{FIRST_PREFIX}{number}", self.kind),
        }
    }

    /// Returns whether only one pad name fits this request.
    pub(super) fn has_one_name(&self) -> bool {
        self.which != Which::First
    }

    /// Returns the stream to read from the call, given the element's property `participant`.
    pub(super) fn selector(&self, participant: Option<&str>) -> Selector {
        let kind = self.kind;
        match (&self.which, participant) {
            (Which::Session(session), _) => Selector::Of {
                session: session.clone(),
                kind,
            },
            (_, Some(user)) => Selector::Of {
                session: session_name(user, 1),
                kind,
            },
            (Which::Mixed, None) => Selector::MixedAudio,
            (Which::First, None) => Selector::Any { kind },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(template: &str, name: Option<&str>) -> Selector {
        PadRequest::parse(template, name).unwrap().selector(None)
    }

    fn of(session: &str, kind: Kind) -> Selector {
        Selector::Of {
            session: session.into(),
            kind,
        }
    }

    #[test]
    fn a_name_selects_the_session_of_that_name() {
        assert_eq!(
            selector("video_%s", Some("video_alice")),
            of("alice", Kind::Video)
        );
        assert_eq!(
            selector("screen_%s", Some("screen_a_b:2")),
            of("a_b:2", Kind::Screen)
        );
        assert_eq!(
            selector("audio_%s", Some("audio_%C3%A9")),
            of("%C3%A9", Kind::Audio)
        );
        assert_eq!(selector("audio", Some("audio")), Selector::MixedAudio);
    }

    #[test]
    fn without_a_name_the_first_stream_of_the_kind_is_selected() {
        let any = Selector::Any { kind: Kind::Video };
        assert_eq!(selector("video_%s", None), any);
        assert_eq!(selector("video_%s", Some("video_%s")), any);
        let generated = PadRequest::parse("video_%s", None).unwrap().name(3);
        assert_eq!(generated, "video_:3");
        assert_eq!(selector("video_%s", Some(&generated)), any);
    }

    #[test]
    fn a_name_without_a_session_is_an_error_that_names_the_remedy() {
        let error = PadRequest::parse("video_%s", Some("video_")).unwrap_err();
        assert!(error.to_string().contains("video_alice"));
        assert!(PadRequest::parse("video_%s", Some("audio_a")).is_err());
    }

    #[test]
    fn the_property_participant_applies_to_pads_without_a_user() {
        let narrowed = |template, name| {
            PadRequest::parse(template, name)
                .unwrap()
                .selector(Some("bo b"))
        };
        assert_eq!(narrowed("audio", None), of("bo%20b", Kind::Audio));
        assert_eq!(narrowed("video_%s", None), of("bo%20b", Kind::Video));
        assert_eq!(
            narrowed("video_%s", Some("video_al")),
            of("al", Kind::Video)
        );
    }
}
