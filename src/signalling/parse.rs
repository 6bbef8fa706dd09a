//! Parses messages, and distinguishes malformed from unknown ones.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why a message cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// A `type` that this version does not know; a later version may.
    #[error("unknown message type `{0}`")]
    UnknownType(String),
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("{0}")]
    Malformed(String),
}

/// Parses one message.
pub(crate) fn parse<M: DeserializeOwned>(text: &str) -> Result<M, ParseError> {
    let error = match serde_json::from_str(text) {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "type")]
        kind: String,
    }
    let Ok(Head { kind }) = serde_json::from_str(text) else {
        return Err(malformed(&error));
    };
    // With only a type in the message, only the type can be an unknown variant.
    let bare = serde_json::json!({ "type": kind });
    match serde_json::from_value::<M>(bare) {
        Err(bare) if bare.to_string().starts_with("unknown variant") => {
            Err(ParseError::UnknownType(kind.chars().take(64).collect()))
        }
        _ => Err(malformed(&error)),
    }
}

/// Shortens the error: serde repeats the unexpected text at any length, with escapes that make it
/// six times as long. The expectation and the position come last.
fn malformed(error: &serde_json::Error) -> ParseError {
    const PART: usize = 160;
    let text: Vec<char> = error.to_string().chars().collect();
    ParseError::Malformed(match text.len() > 2 * PART {
        true => {
            let (head, tail) = (&text[..PART], &text[text.len() - PART..]);
            head.iter().chain(&[' ', '…', ' ']).chain(tail).collect()
        }
        false => text.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::message::{ClientMessage, ServerMessage};

    #[test]
    fn an_unknown_type_differs_from_a_malformed_message() {
        let unknown = parse::<ClientMessage>(r#"{"type":"dance","kinds":["audio"]}"#);
        assert_eq!(unknown, Err(ParseError::UnknownType("dance".into())));
        let unknown = parse::<ServerMessage>(r#"{"type":"weather"}"#);
        assert_eq!(unknown, Err(ParseError::UnknownType("weather".into())));

        for malformed in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"media"}"#,
            r#"{"type":"media","kinds":["smell"]}"#,
            r#"{"type":"want","of":1,"kinds":[]}"#,
            r#"{"type":"signal","to":"p","leg":1,"by":"sender","dance":1}"#,
        ] {
            let error = parse::<ClientMessage>(malformed);
            assert!(
                matches!(error, Err(ParseError::Malformed(_))),
                "{malformed}: {error:?}"
            );
        }
    }

    #[test]
    fn an_error_text_is_short() {
        let long = format!(
            r#"{{"type":"leave","forEveryone":"{}"}}"#,
            "\u{7f}".repeat(100_000)
        );
        let Err(ParseError::Malformed(text)) = parse::<ClientMessage>(&long) else {
            panic!("it is malformed");
        };
        assert!(text.chars().count() < 400, "{text}");
        assert!(text.starts_with("invalid type: string"), "{text}");
        assert!(text.contains("expected a boolean"), "{text}");
    }

    #[test]
    fn a_message_that_is_nested_too_deeply_is_malformed() {
        let deep = format!(r#"{{"type":"media","kinds":{}"#, "[".repeat(100_000));
        assert!(matches!(
            parse::<ClientMessage>(&deep),
            Err(ParseError::Malformed(_))
        ));
    }
}
