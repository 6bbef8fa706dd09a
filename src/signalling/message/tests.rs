//! The wire protocol as it is documented.

use super::*;

#[test]
fn messages_are_parsed_as_documented() {
    let text = r#"{"type":"signal","to":"p1","leg":3,"by":"sender","candidate":{"candidate":"candidate:1 1 UDP 1 127.0.0.1 9 typ host","sdpMLineIndex":0}}"#;
    let message: ClientMessage = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&message).unwrap(), text);

    let text = r#"{"type":"want","of":"p1","kinds":["audio","screen"]}"#;
    let message: ClientMessage = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&message).unwrap(), text);
}

#[test]
fn unknown_fields_are_ignored() {
    let text = r#"{"type":"join","call":"x","receives":true,"since":"2030"}"#;
    let message: ClientMessage = serde_json::from_str(text).unwrap();
    assert!(matches!(
        message,
        ClientMessage::Join {
            receives: true,
            sends: false,
            ..
        }
    ));
}

#[test]
fn an_error_code_of_a_later_version_is_parsed_as_other() {
    let text = r#"{"type":"error","code":"moon-phase","message":"m"}"#;
    let message: ServerMessage = serde_json::from_str(text).unwrap();
    assert!(matches!(
        message,
        ServerMessage::Error {
            code: ErrorCode::Other,
            ..
        }
    ));
}
