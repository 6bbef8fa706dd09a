//! Wire messages, both ways: whatever text comes is read or refused, and what was read is written
//! and read again as the same.

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

/// A client is told what is wrong, not all of what it said.
fn check_error(error: &str) {
    assert!(!error.is_empty());
    assert!(error.chars().count() <= 512, "{error}");
}
