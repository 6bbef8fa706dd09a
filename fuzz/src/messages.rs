//! Wire messages in both directions: any text is parsed or refused, and a parsed message can be
//! serialized and parsed again to the same message.

use acscall::fuzzing::{parse_client, parse_server};
use acscall::signalling::message::{ClientMessage, ServerMessage};
use arbitrary::{Arbitrary, Unstructured};

#[derive(Debug, Arbitrary)]
enum Case<'a> {
    Text(&'a str),
    Client(ClientMessage),
    Server(ServerMessage),
}

/// See the module.
pub fn check(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    match case {
        Case::Text(text) => {
            match parse_client(text) {
                Ok(message) => check_client(&message),
                Err(error) => check_error(&error),
            }
            match parse_server(text) {
                Ok(message) => check_server(&message),
                Err(error) => check_error(&error),
            }
        }
        Case::Client(message) => check_client(&message),
        Case::Server(message) => check_server(&message),
    }
}

fn check_client(message: &ClientMessage) {
    let text = serde_json::to_string(message).expect("a message can be written");
    assert_eq!(parse_client(&text).as_ref(), Ok(message), "{text}");
}

fn check_server(message: &ServerMessage) {
    let text = serde_json::to_string(message).expect("a message can be written");
    assert_eq!(parse_server(&text).as_ref(), Ok(message), "{text}");
}

/// The error text is short and does not repeat the whole message.
fn check_error(error: &str) {
    assert!(!error.is_empty());
    assert!(error.chars().count() <= 512, "{error}");
}
