//! A call machine that listens for calls, and short names for messages about them.

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

/// Listens for calls; the test answers them.
pub(super) fn listening() -> Harness {
    listening_with(false)
}

pub(super) fn listening_with(automatically: bool) -> Harness {
    let mut call = Harness::to(Target::Answer { automatically });
    call.handle(Input::Roles {
        receives: true,
        sends: true,
    });
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    call.receive(ServerMessage::Listening {});
    call
}

pub(super) fn rings(call: &str) -> ServerMessage {
    let Incoming {
        call,
        user,
        display_name,
    } = incoming(call);
    ServerMessage::Incoming {
        call,
        user,
        display_name,
    }
}

pub(super) fn incoming(call: &str) -> Incoming {
    Incoming {
        call: call.into(),
        user: "alice".into(),
        display_name: Some("Alice".into()),
    }
}

pub(super) fn ended(call: &str, reason: IncomingEnd) -> ServerMessage {
    let call = call.into();
    ServerMessage::IncomingEnded { call, reason }
}

pub(super) fn incoming_ended(call: &str, reason: Option<IncomingEnd>) -> Action {
    Action::Emit(Event::IncomingEnded(incoming(call), reason))
}

pub(super) fn accept(call: &str) -> Action {
    Action::Send(ClientMessage::Accept {
        call: call.into(),
        receives: true,
        sends: true,
        media: Kinds::new(),
    })
}

pub(super) fn reject(call: &str) -> Action {
    Action::Send(ClientMessage::Reject { call: call.into() })
}

pub(super) fn accepted(call: &str, others: &[Participant]) -> ServerMessage {
    ServerMessage::Joined {
        call: call.into(),
        resume: resume("me1"),
        participants: others.to_vec(),
        ringing: vec!["carol".into()],
        ice_servers: Vec::new(),
    }
}

pub(super) fn rung(call: &Harness) -> Vec<&str> {
    let names = call.call.incoming().map(|incoming| incoming.call.as_str());
    names.collect()
}

pub(super) fn nothing_rings(actions: &[Action]) -> bool {
    matches!(warnings(actions)[..], [CallError::NoIncoming(_)]) && actions.len() == 1
}
