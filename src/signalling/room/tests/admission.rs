//! The driver's answers to admission requests.

use super::*;
use crate::signalling::message::Token;

#[test]
fn a_refused_client_gets_the_reason_and_nobody_else_notices() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let why = Rejection::new(ErrorCode::TokenExpired, "too late");
    stage.grants = Err(why.clone());
    let eve = stage.open();
    stage.say_hello(eve, "eve");
    assert_eq!(stage.refused(eve, ErrorCode::TokenExpired), why.message);
    assert!(stage.received(&anna).is_empty());
}

#[test]
fn grants_for_one_call_do_not_admit_to_another() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "coffee");
    stage.grants = Ok(Grants {
        calls: CallScope::Only("tea".into()),
        ..Grants::unlimited()
    });
    stage.join("bert", "tea");
    let bert = stage.hello("bert");
    stage.say_join(bert, "coffee", None);
    let text = stage.refused(bert, ErrorCode::TokenCall);
    assert!(text.contains("tea"), "{text}");
    assert!(stage.received(&anna).is_empty());

    // Resuming a session does not help.
    let back = stage.hello("anna");
    stage.say_join(back, "coffee", Some(anna.resume.clone()));
    stage.refused(back, ErrorCode::TokenCall);
    assert!(stage.received(&anna).is_empty());
}

#[test]
fn nothing_happens_before_the_driver_has_answered() {
    let mut stage = Stage::new();
    let id = stage.open();
    let hello = r#"{"type":"hello","versions":[1],"user":"anna","token":"t"}"#;
    let input = |text: &str| Input::Text(id, text.to_owned());
    stage.rooms.handle(input(hello), stage.now);
    let Some(Action::Admit(asked, credentials)) = stage.rooms.poll_action() else {
        panic!("no question")
    };
    assert_eq!((asked, credentials.user.as_str()), (id, "anna"));
    assert_eq!(credentials.token, Some(Token("t".into())));
    assert!(!format!("{:?}", credentials.token).contains("\"t\""));
    stage
        .rooms
        .handle(input(r#"{"type":"join","call":"tea"}"#), stage.now);
    stage.act();
    stage.refused(id, ErrorCode::OutOfOrder);
    // An answer for an unknown connection, or a second one, has no effect.
    for _ in 0..2 {
        stage.input(Input::Admitted(id, Ok(Grants::unlimited())));
    }
    stage.input(Input::Admitted(ConnectionId(99), Ok(Grants::unlimited())));
    assert!(matches!(
        stage.take(id)[..],
        [ServerMessage::Welcome { .. }]
    ));
    stage.say_join(id, "tea", None);
    stage.joined(id);
    stage.advance(Duration::from_secs(6));
    assert!(!stage.closed.contains(&id));
}
