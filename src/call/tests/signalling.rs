//! Joining, losing the connection, coming back, leaving.

use super::harness::*;
use crate::call::*;
use crate::signalling::message::*;

fn join(resume: Option<Resume>) -> ClientMessage {
    let (call, media) = ("x".into(), Kinds::new());
    ClientMessage::Join {
        call,
        receives: true,
        sends: true,
        media,
        resume,
    }
}

#[test]
fn a_call_is_greeted_joined_and_then_connected() {
    let mut call = Harness::new();
    assert_eq!(call.call.state(), CallState::None);
    call.handle(Input::Roles {
        receives: true,
        sends: false,
    });
    call.handle(Input::Media(kinds(&[Kind::Screen])));
    let actions = call.handle(Input::Start);
    assert_eq!(
        actions,
        [
            Action::Tell(Event::State(CallState::Connecting)),
            Action::Connect
        ]
    );
    let actions = call.handle(Input::SocketOpened);
    let hello = ClientMessage::Hello {
        versions: vec![1],
        user: "me".into(),
        display_name: None,
        token: Some(Token("secret".into())),
    };
    assert_eq!(actions, [Action::Send(hello)]);
    let actions = call.receive(welcome("run1"));
    let join = ClientMessage::Join {
        call: "x".into(),
        receives: true,
        sends: false,
        media: kinds(&[Kind::Screen]),
        resume: None,
    };
    assert_eq!(actions, [Action::Send(join)]);
    assert_eq!(call.call.own_id(), None);
    let actions = call.receive(joined("me1", &[]));
    assert_eq!(actions, [Action::Tell(Event::State(CallState::Connected))]);
    assert_eq!(call.call.own_id(), Some(&id("me1")));
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn a_second_start_does_nothing() {
    let mut call = Harness::joined(&[]);
    assert_eq!(call.handle(Input::Start), []);
}

#[test]
fn the_first_connection_is_retried_for_five_seconds_and_then_an_error() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    for _ in 0..24 {
        assert_eq!(call.handle(Input::SocketClosed("refused".into())), []);
        assert_eq!(call.after(199), []);
        assert_eq!(call.after(1), [Action::Connect]);
    }
    call.handle(Input::SocketClosed("refused".into()));
    let actions = call.after(200);
    assert_eq!(
        told(&actions),
        [
            Event::Error(Trouble::Unreachable("refused".into())),
            Event::State(CallState::Disconnecting),
            Event::State(CallState::Disconnected),
        ]
    );
    assert_eq!(actions.last(), Some(&Action::Finished));
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn a_server_that_comes_up_late_is_joined() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketClosed("refused".into()));
    call.after(200);
    let actions = call.rejoin("run1", &[]);
    assert_eq!(states(&actions), [CallState::Connected]);
}

#[test]
fn a_connection_that_never_opens_ends_the_first_join_after_five_seconds() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    let actions = call.after(5000);
    assert!(matches!(
        told(&actions)[0],
        Event::Error(Trouble::Unreachable(_))
    ));
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_server_that_accepts_and_stays_silent_is_unreachable() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.after(1000);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    assert_eq!(call.after(4999), []);
    let actions = call.after(1);
    assert_eq!(actions[0], Action::Disconnect);
    assert!(matches!(
        told(&actions)[0],
        Event::Error(Trouble::Unreachable(_))
    ));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_fatal_error_before_the_first_join_ends_the_call() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    let actions = call.receive(error(ErrorCode::BadName));
    assert_eq!(told(&actions)[0], Event::Error(refused(ErrorCode::BadName)));
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_server_that_chooses_a_version_that_was_not_offered_is_refused() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    let actions = call.receive(ServerMessage::Welcome {
        version: 9,
        server: "run1".into(),
    });
    assert!(matches!(
        told(&actions)[0],
        Event::Error(Trouble::Refused {
            code: ErrorCode::UnsupportedVersion,
            ..
        })
    ));
}

#[test]
fn a_lost_connection_is_told_once_and_tried_for_ever_with_growing_delays() {
    let mut call = Harness::joined(&[]);
    let actions = call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(
        warnings(&actions),
        [Trouble::SignallingLost("cable".into())]
    );
    assert_eq!(call.call.state(), CallState::Connected);
    for delay in [200, 400, 800, 1000, 1000, 1000] {
        assert_eq!(call.after(delay - 1), []);
        assert_eq!(call.after(1), [Action::Connect]);
        assert_eq!(call.handle(Input::SocketClosed("refused".into())), []);
    }
    call.after(5000);
    let actions = call.rejoin("run1", &[]);
    assert_eq!(sent(&actions)[1], join(Some(resume("me1"))));
    assert_eq!(told(&actions), [], "the state was Connected all the time");
    let actions = call.handle(Input::SocketClosed("again".into()));
    assert_eq!(
        warnings(&actions),
        [Trouble::SignallingLost("again".into())]
    );
}

#[test]
fn the_delays_begin_anew_only_after_a_connection_that_held() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.rejoin("run1", &[]);
    call.after(9_000);
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(399), []);
    assert_eq!(call.after(1), [Action::Connect]);
    call.rejoin("run1", &[]);
    call.after(10_000);
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(200), [Action::Connect]);
}

#[test]
fn a_rejoin_without_an_answer_counts_as_a_failed_connection() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.handle(Input::SocketOpened);
    assert_eq!(call.after(5000), [Action::Disconnect]);
    assert_eq!(call.after(400), [Action::Connect]);
    // Nor does one that does not even open.
    assert_eq!(call.after(5000), [Action::Disconnect]);
    assert_eq!(call.after(800), [Action::Connect]);
}

#[test]
fn what_arrives_of_a_connection_that_was_given_up_is_ignored() {
    let mut call = Harness::joined(&[]);
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.receive(update(peer("bob"))), []);
    assert_eq!(call.handle(Input::SocketClosed("cable".into())), []);
    call.after(200);
    assert_eq!(call.receive(welcome("run1")), []);
    call.handle(Input::SocketOpened);
    assert_eq!(
        call.receive(joined("me1", &[])),
        [],
        "it has not even asked to join"
    );
}

#[test]
fn changes_are_sent_when_joined_and_otherwise_with_the_next_join() {
    let mut call = Harness::joined(&[]);
    let actions = call.handle(Input::Media(kinds(&[Kind::Audio])));
    assert_eq!(
        sent(&actions),
        [ClientMessage::Media {
            kinds: kinds(&[Kind::Audio])
        }]
    );
    assert_eq!(call.handle(Input::Media(kinds(&[Kind::Audio]))), []);
    let actions = call.handle(Input::Roles {
        receives: false,
        sends: true,
    });
    assert_eq!(
        sent(&actions),
        [ClientMessage::Roles {
            receives: false,
            sends: true
        }]
    );
    call.lose();
    assert_eq!(
        call.handle(Input::Roles {
            receives: true,
            sends: true
        }),
        []
    );
    assert_eq!(call.handle(Input::Media(Kinds::new())), []);
    let actions = call.rejoin("run1", &[]);
    assert_eq!(sent(&actions)[1..], [join(Some(resume("me1")))]);
}

#[test]
fn a_change_between_join_and_joined_is_sent_after_it() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    assert_eq!(call.handle(Input::Media(kinds(&[Kind::Video]))), []);
    let actions = call.receive(joined("me1", &[]));
    assert_eq!(
        sent(&actions),
        [ClientMessage::Media {
            kinds: kinds(&[Kind::Video])
        }]
    );
}

#[test]
fn the_latest_resume_identity_is_presented() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let fresh = Resume {
        key: "fresh".into(),
        ..resume("me1")
    };
    call.receive(ServerMessage::Joined {
        call: "x".into(),
        resume: fresh.clone(),
        participants: Vec::new(),
        ice_servers: Vec::new(),
    });
    call.handle(Input::SocketClosed("cable".into()));
    call.after(400);
    call.handle(Input::SocketOpened);
    assert_eq!(sent(&call.receive(welcome("run1"))), [join(Some(fresh))]);
}

#[test]
fn a_resume_that_is_refused_leads_to_a_new_participant_with_new_legs() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let actions = call.receive(error(ErrorCode::BadResume));
    assert_eq!(
        actions,
        [Action::Disconnect],
        "nothing to tell: it comes back by itself"
    );
    assert_eq!(call.after(400), [Action::Connect]);
    call.handle(Input::SocketOpened);
    assert_eq!(sent(&call.receive(welcome("run1"))), [join(None)]);
    let actions = call.receive(joined("me2", &[peer("bob")]));
    assert_eq!(actions, [Action::CloseLeg(leg), open(&sending("bob", 2))]);
    assert_eq!(call.call.own_id(), Some(&id("me2")));
}

#[test]
fn another_fatal_error_on_a_rejoin_is_told_once_and_tried_again() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.handle(Input::SocketOpened);
    let actions = call.receive(error(ErrorCode::LimitExceeded));
    assert_eq!(warnings(&actions), [refused(ErrorCode::LimitExceeded)]);
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(call.after(400), [Action::Connect]);
    call.handle(Input::SocketOpened);
    assert_eq!(
        call.receive(error(ErrorCode::LimitExceeded)),
        [Action::Disconnect]
    );
    assert_eq!(call.after(800), [Action::Connect]);
}

#[test]
fn a_token_that_is_refused_ends_the_call_also_on_a_rejoin() {
    for code in [
        ErrorCode::TokenRequired,
        ErrorCode::TokenMalformed,
        ErrorCode::TokenAlgorithm,
        ErrorCode::TokenSignature,
        ErrorCode::TokenExpired,
        ErrorCode::TokenNotYetValid,
        ErrorCode::TokenUser,
        ErrorCode::TokenCall,
    ] {
        let (mut call, leg) = Harness::connected(peer("bob"));
        call.lose();
        call.handle(Input::SocketOpened);
        if code == ErrorCode::TokenCall {
            call.receive(welcome("run1"));
        }
        let actions = call.receive(error(code));
        assert_eq!(
            told(&actions),
            [
                Event::Error(refused(code)),
                Event::State(CallState::Disconnecting),
                Event::State(CallState::Disconnected),
            ]
        );
        assert!(actions.contains(&Action::CloseLeg(leg)));
        assert!(actions.contains(&Action::Disconnect));
        assert_eq!(actions.last(), Some(&Action::Finished));
        assert_eq!(call.call.poll_timeout(), None);
    }
}

#[test]
fn a_fatal_error_in_the_call_is_a_loss() {
    let (mut call, _) = Harness::connected(peer("bob"));
    let actions = call.receive(error(ErrorCode::Replaced));
    let lost = Trouble::SignallingLost("no".into());
    assert_eq!(
        actions,
        [Action::Disconnect, Action::Tell(Event::Warning(lost))]
    );
    assert_eq!(call.after(200), [Action::Connect]);
}

#[test]
fn an_error_that_is_not_fatal_is_a_warning() {
    let mut call = Harness::joined(&[]);
    let actions = call.receive(error(ErrorCode::Other));
    assert_eq!(
        actions,
        [Action::Tell(Event::Warning(refused(ErrorCode::Other)))]
    );
}

#[test]
fn that_a_participant_left_before_a_message_reached_it_is_no_trouble() {
    let mut call = Harness::joined(&[]);
    assert_eq!(call.receive(error(ErrorCode::UnknownParticipant)), []);
}

#[test]
fn a_call_that_the_server_ends_is_over_in_order() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    let actions = call.receive(ServerMessage::CallEnded {
        reason: "all left".into(),
    });
    assert_eq!(
        told(&actions),
        [
            Event::Warning(Trouble::Ended("all left".into())),
            Event::State(CallState::Disconnecting),
            Event::State(CallState::Disconnected),
        ]
    );
    assert!(actions.contains(&Action::CloseLeg(leg)));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn leaving_tells_the_server_closes_the_legs_and_ends() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    let actions = call.handle(Input::Leave);
    assert_eq!(
        actions,
        [
            Action::Tell(Event::State(CallState::Disconnecting)),
            Action::Send(ClientMessage::Leave {}),
            Action::Disconnect,
            Action::CloseLeg(leg),
            Action::Tell(Event::State(CallState::Disconnected)),
            Action::Finished,
        ]
    );
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn leaving_ends_the_call_in_every_state_and_nothing_comes_after() {
    type Step = fn(&mut Harness);
    let steps: [(&str, bool, Step); 8] = [
        ("started", false, |call| drop(call.handle(Input::Start))),
        ("refused", false, |call| {
            drop(call.handle(Input::SocketClosed("refused".into())))
        }),
        ("tried again", false, |call| drop(call.after(200))),
        ("opened", false, |call| {
            drop(call.handle(Input::SocketOpened))
        }),
        ("welcomed", true, |call| drop(call.receive(welcome("run1")))),
        ("joined", true, |call| {
            drop(call.receive(joined("me1", &[peer("bob")])))
        }),
        ("lost", false, |call| {
            drop(call.handle(Input::SocketClosed("cable".into())))
        }),
        ("tried again after the loss", false, |call| {
            drop(call.after(200))
        }),
    ];
    for count in 0..=steps.len() {
        let mut call = Harness::new();
        call.handle(Input::Roles {
            receives: true,
            sends: true,
        });
        for (_, _, step) in &steps[..count] {
            step(&mut call);
        }
        let (name, says_so) = count
            .checked_sub(1)
            .map_or(("new", false), |at| (steps[at].0, steps[at].1));
        let actions = call.handle(Input::Leave);
        assert_eq!(actions.last(), Some(&Action::Finished), "{name}");
        let is_sent = sent(&actions).contains(&ClientMessage::Leave {});
        assert_eq!(is_sent, says_so, "{name}");
        assert_eq!(call.call.state(), CallState::Disconnected);
        assert_eq!(call.handle(Input::Leave), [], "{name}");
        assert_eq!(call.handle(Input::Start), [], "{name}");
        assert_eq!(call.handle(Input::SocketOpened), [], "{name}");
        assert_eq!(call.after(60_000), [], "{name}");
    }
}
