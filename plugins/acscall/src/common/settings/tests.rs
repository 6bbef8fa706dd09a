use acscall::call::Target;

use super::*;

fn properties() -> CallProperties {
    CallProperties {
        call: Some("room".into()),
        ..CallProperties::default()
    }
}

#[test]
fn an_error_without_a_call_says_how_to_set_one() {
    for call in [None, Some(String::new())] {
        let error = CallProperties {
            call,
            ..properties()
        }
        .to_settings(None)
        .unwrap_err();
        assert_eq!(error, BadProperty::NoCall);
        for remedy in ["call=room", "callee=bob", "auto-accept=true"] {
            assert!(error.to_string().contains(remedy), "{error}");
        }
    }
}

#[test]
fn names_have_1_to_128_characters_without_control_characters() {
    let named = |call: &str| {
        CallProperties {
            call: Some(call.into()),
            ..properties()
        }
        .to_settings(None)
    };
    assert!(named(&"é".repeat(128)).is_ok());
    assert!(named("a room: Ω/∞ %41").is_ok());
    assert!(
        named(&"é".repeat(129))
            .unwrap_err()
            .to_string()
            .contains("129")
    );
    assert!(named("a\nb").unwrap_err().to_string().contains("control"));
    let user = CallProperties {
        user: Some("\u{7f}".into()),
        ..properties()
    };
    assert!(
        user.to_settings(None)
            .unwrap_err()
            .to_string()
            .contains("'user'")
    );
}

#[test]
fn elements_without_a_user_share_one() {
    let first = properties().to_settings(None).unwrap().user;
    assert_eq!(first, properties().to_settings(Some(7)).unwrap().user);
    assert!(first.starts_with("user-") && first.len() == 9, "{first}");
}

#[test]
fn ice_servers_are_checked_and_errors_do_not_show_the_password() {
    let with = |stun: &str, turn: &str| {
        CallProperties {
            stun_server: Some(stun.into()),
            turn_servers: Some(turn.into()),
            ..properties()
        }
        .to_settings(None)
    };
    let good = with("stun://h:3478", "turn://u:p@h:1, turns://u:p@g").unwrap();
    assert_eq!(good.turn_servers, ["turn://u:p@h:1", "turns://u:p@g"]);
    assert!(with("", "").unwrap().stun_server.is_none());
    assert!(
        with("h:3478", "")
            .unwrap_err()
            .to_string()
            .contains("stun://host:3478")
    );
    assert!(with("stun://", "").is_err());
    let error = with("", "turn://u:p@h,http://u:secret@h").unwrap_err();
    assert_eq!(error, BadProperty::Turn(2));
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn an_error_about_the_server_names_the_property_and_its_value() {
    let server = CallProperties {
        server: Some("http://x".into()),
        ..properties()
    };
    let text = server.to_settings(None).unwrap_err().to_string();
    assert!(
        text.contains("'server'") && text.contains("http://x"),
        "{text}"
    );
}

/// Returns the call that these properties name for alice.
fn target(call: &str, callee: &str, auto_accept: bool, incoming: bool) -> Result<Target, String> {
    let properties = CallProperties {
        call: Some(call.into()),
        callee: Some(callee.into()),
        auto_accept,
        incoming,
        user: Some("alice".into()),
        ..CallProperties::default()
    };
    let settings = properties.to_settings(None);
    settings
        .map(|settings| settings.target)
        .map_err(|error| error.to_string())
}

#[test]
fn a_call_is_joined_placed_or_answered() {
    let place = |users: &[&str]| Target::Place(users.iter().map(ToString::to_string).collect());
    let answer = |automatically| Ok(Target::Answer { automatically });
    assert_eq!(
        target("room", "", false, false),
        Ok(Target::Join("room".into()))
    );
    assert_eq!(target("", "bob", false, false), Ok(place(&["bob"])));
    assert_eq!(
        target("", " carol ,,bob,carol,", false, false),
        Ok(place(&["carol", "bob"]))
    );
    assert_eq!(target("", "", true, false), answer(true));
    assert_eq!(target("", "", false, true), answer(false));
    assert_eq!(target("", " ,", true, true), answer(true));
}

#[test]
fn an_error_about_two_calls_names_both_properties() {
    let cases = [
        (target("room", "bob", false, false), ["'call'", "'callee'"]),
        (target("room", "", true, false), ["'call'", "'auto-accept'"]),
        (target("", "bob", false, true), ["'callee'", "'incoming'"]),
        (target("room", "bob", true, true), ["'call'", "'callee'"]),
    ];
    for (result, properties) in cases {
        let text = result.unwrap_err();
        let begin = format!("the properties {} and {}", properties[0], properties[1]);
        assert!(text.starts_with(&begin), "{text}");
    }
}

#[test]
fn callees_are_users_other_than_the_caller() {
    let text = target("", "bob,alice", false, false).unwrap_err();
    assert!(text.contains("'alice' calls itself"), "{text}");
    let text = target("", "b\tob", false, false).unwrap_err();
    assert!(
        text.contains("'callee'") && text.contains("control"),
        "{text}"
    );
    let long = "b".repeat(129);
    assert!(target("", &long, false, false).unwrap_err().contains("129"));
}

#[test]
fn secrets_are_not_shown() {
    let properties = CallProperties {
        token: Some("secret".into()),
        turn_servers: Some("turn://u:secret@h".into()),
        ..properties()
    };
    let settings = properties.to_settings(None).unwrap();
    assert_eq!(settings.token, Some(Token("secret".into())));
    for shown in [format!("{properties:?}"), format!("{settings:?}")] {
        assert!(
            shown.contains("room") && !shown.contains("secret"),
            "{shown}"
        );
    }
}

#[test]
fn a_text_that_was_not_utf_8_is_an_error_that_names_its_property() {
    let error = CallProperties {
        turn_servers: Some("turn://u:\u{fffd}@h".into()),
        ..properties()
    };
    let error = error.to_settings(None).unwrap_err();
    assert_eq!(error, BadProperty::Encoding("turn-servers"));
}
