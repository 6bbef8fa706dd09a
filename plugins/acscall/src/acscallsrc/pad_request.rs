//! What the name of a requested pad asks for.

use acscall::call::{Selector, session_name};
use acscall::model::Kind;

/// What follows `_` in the name of a pad that takes the first stream that comes. No session's
/// name begins like this.
const FIRST: char = ':';

/// What a pad was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PadRequest {
    /// Which kind of stream.
    pub(super) kind: Kind,
    which: Which,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    Mixed,
    ParticipantState(String),
    First,
}

/// The name of a pad that asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadName {
    #[error("the pad '{0}' names nobody: ask for {0}alice to get the stream of the user alice")]
    Nobody(String),
    #[error("'{0}' is not a pad of the template '{1}'")]
    Foreign(String, String),
}

impl PadRequest {
    /// Reads a request: the name template, and the name if there is one.
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
                Some(rest) if rest.starts_with(FIRST) => Which::First,
                Some(rest) => Which::ParticipantState(rest.into()),
            },
        };
        Ok(PadRequest { kind, which })
    }

    /// The name of the pad where the application gave none.
    pub(super) fn name(&self, number: usize) -> String {
        match &self.which {
            Which::Mixed => "audio".into(),
            Which::ParticipantState(session) => format!("{}_{session}", self.kind),
            Which::First => format!("{}_{FIRST}{number}", self.kind),
        }
    }

    /// How many names there are for it.
    pub(super) fn has_one_name(&self) -> bool {
        self.which != Which::First
    }

    /// What to ask the call for, in an element whose property `participant` is this.
    pub(super) fn selector(&self, participant: Option<&str>) -> Selector {
        let kind = self.kind;
        match (&self.which, participant) {
            (Which::ParticipantState(session), _) => Selector::Of {
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
    fn a_name_asks_for_the_session_of_that_name() {
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
    fn without_a_name_the_first_of_the_kind_is_asked_for() {
        let any = Selector::Any { kind: Kind::Video };
        assert_eq!(selector("video_%s", None), any);
        assert_eq!(selector("video_%s", Some("video_%s")), any);
        let made = PadRequest::parse("video_%s", None).unwrap().name(3);
        assert_eq!(made, "video_:3");
        assert_eq!(selector("video_%s", Some(&made)), any);
    }

    #[test]
    fn a_name_without_a_session_is_refused_with_a_text() {
        let error = PadRequest::parse("video_%s", Some("video_")).unwrap_err();
        assert!(error.to_string().contains("video_alice"));
        assert!(PadRequest::parse("video_%s", Some("audio_a")).is_err());
    }

    #[test]
    fn the_property_participant_narrows_all_that_name_nobody() {
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
