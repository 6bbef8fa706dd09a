//! `Debug` for messages, without secrets: log output must not open a session, a leg or a TURN
//! server.

use std::fmt;

use super::{LegStep, Resume, Token};

/// Omits the key.
impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume")
            .field("participant", &self.participant)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Omits the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Omits session descriptions, which contain ICE passwords.
impl fmt::Debug for LegStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LegStep::Offer(sdp) => write!(f, "Offer({} bytes)", sdp.len()),
            LegStep::Answer(sdp) => write!(f, "Answer({} bytes)", sdp.len()),
            LegStep::Candidate(candidate) => f.debug_tuple("Candidate").field(candidate).finish(),
            LegStep::Failed(reason) => f.debug_tuple("Failed").field(reason).finish(),
            LegStep::Slow(slow) => f.debug_tuple("Slow").field(slow).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Config, Target};
    use crate::model::{IceServer, ParticipantId};
    use crate::signalling::message::ClientMessage;

    #[test]
    fn debug_output_contains_no_secrets() {
        let resume = Resume {
            participant: ParticipantId("p1".into()),
            session: 1,
            key: "secret".into(),
        };
        let server = IceServer {
            urls: vec!["turn:t.example".into()],
            username: Some("u".into()),
            credential: Some("secret".into()),
        };
        let steps = [
            LegStep::Offer("secret".into()),
            LegStep::Answer("secret".into()),
        ];
        let hello = ClientMessage::Hello {
            versions: vec![1],
            user: "anna".into(),
            display_name: None,
            token: Some(Token("secret".into())),
        };
        let config = Config {
            target: Target::Join("tea".into()),
            user: "anna".into(),
            display_name: None,
            token: Some(Token("secret".into())),
        };
        let text = format!("{resume:?} {server:?} {steps:?} {hello:?} {config:?}");
        assert!(
            text.contains("p1") && text.contains("turn:t.example"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }
}
