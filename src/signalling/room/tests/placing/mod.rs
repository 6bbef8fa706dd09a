//! Placing calls, being called, and how such calls end.

mod answering;
mod ending;
mod finding;
mod inviting;
mod returning;
mod walk;

use super::*;
use crate::model::{CalleeState, IncomingEnd};
use crate::signalling::message::PLACED;

const RINGING: Duration = Duration::from_secs(60);
const RESUME: Duration = Duration::from_secs(30);
const MOMENT: Duration = Duration::from_millis(1);

/// A client in a placed or accepted call.
#[derive(Clone, Debug)]
struct Party {
    client: Client,
    call: String,
    ringing: Vec<String>,
}

impl std::ops::Deref for Party {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

fn names(users: &[&str]) -> Vec<String> {
    users.iter().map(|user| (*user).to_owned()).collect()
}

fn callee(user: &str, state: CalleeState) -> ServerMessage {
    let user = user.to_owned();
    ServerMessage::Callee { user, state }
}

fn incoming(call: &str, user: &str) -> ServerMessage {
    ServerMessage::Incoming {
        call: call.to_owned(),
        user: user.to_owned(),
        display_name: Some(user.to_uppercase()),
    }
}

fn no_longer(call: &str, reason: IncomingEnd) -> ServerMessage {
    let call = call.to_owned();
    ServerMessage::IncomingEnded { call, reason }
}

impl Stage {
    /// Opens a connection that listens for calls to `user`.
    fn listen(&mut self, user: &str) -> ConnectionId {
        let id = self.hello(user);
        self.send(id, &ClientMessage::Listen {});
        let answer = self.received.get_mut(&id).unwrap().remove(0);
        assert_eq!(answer, ServerMessage::Listening {});
        id
    }

    fn say_place(&mut self, id: ConnectionId, callees: &[&str]) {
        let place = ClientMessage::Place {
            callees: names(callees),
            receives: true,
            sends: true,
            media: set(&[Kind::Audio]),
        };
        self.send(id, &place);
    }

    /// Places a call, and asserts that the caller receives these states of its callees.
    fn place(&mut self, user: &str, states: &[(&str, CalleeState)]) -> Party {
        let id = self.hello(user);
        let callees: Vec<&str> = states.iter().map(|(user, _)| *user).collect();
        self.say_place(id, &callees);
        let mut received = self.take(id);
        let party = party(id, received.remove(0));
        let states: Vec<_> = states
            .iter()
            .map(|(user, state)| callee(user, *state))
            .collect();
        assert_eq!(received, states);
        party
    }

    /// Calls a listening user. Returns the caller and the connection that is rung.
    fn ring(&mut self, caller: &str, user: &str) -> (Party, ConnectionId) {
        let rung = self.listen(user);
        let party = self.place(caller, &[(user, CalleeState::Ringing)]);
        assert_eq!(only(self.take(rung)), incoming(&party.call, caller));
        (party, rung)
    }

    fn say_accept(&mut self, id: ConnectionId, call: &str) {
        let accept = ClientMessage::Accept {
            call: call.to_owned(),
            receives: true,
            sends: true,
            media: set(&[Kind::Video]),
        };
        self.send(id, &accept);
    }

    fn accept(&mut self, id: ConnectionId, call: &str) -> Party {
        self.say_accept(id, call);
        party(id, only(self.take(id)))
    }

    /// Places a call that `user` accepts, and takes the messages to both.
    fn call(&mut self, caller: &str, user: &str) -> (Party, Party) {
        let (anna, rung) = self.ring(caller, user);
        let bert = self.accept(rung, &anna.call);
        assert_eq!(self.received(&anna).len(), 2);
        (anna, bert)
    }

    fn reject(&mut self, id: ConnectionId, call: &str) {
        let call = call.to_owned();
        self.send(id, &ClientMessage::Reject { call });
    }

    fn invite(&mut self, client: &Client, users: &[&str]) {
        let users = names(users);
        self.send(client.connection, &ClientMessage::Invite { users });
    }

    fn leave(&mut self, client: &Client, for_everyone: bool) {
        self.send(client.connection, &ClientMessage::Leave { for_everyone });
    }

    /// Resumes the session of `party`.
    fn back(&mut self, user: &str, party: &Party) -> Party {
        let id = self.hello(user);
        self.say_join(id, &party.call, Some(party.resume.clone()));
        self::party(id, only(self.take(id)))
    }

    /// Returns the reason with which the call ended for this connection.
    fn over(&mut self, id: ConnectionId) -> String {
        match only(self.take(id)) {
            ServerMessage::CallEnded { reason } => {
                assert!(self.closed.contains(&id));
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    /// Restricts the grants of clients to the call `call`.
    fn restrict(&mut self, call: &str, place: bool) {
        self.grants = Ok(Grants {
            calls: CallScope::Only(call.to_owned()),
            place,
        });
    }

    /// Asserts that no state of any call is left.
    fn is_clean(&mut self) {
        assert!(self.rooms.calls.is_empty(), "{:?}", self.rooms);
        assert!(self.rooms.invitations.is_empty(), "{:?}", self.rooms);
        for id in std::mem::take(&mut self.closed) {
            self.input(Input::Closed(id));
        }
        self.advance(RINGING);
        assert!(self.rooms.tombstones.is_empty(), "{:?}", self.rooms);
        assert!(self.rooms.timers.is_empty(), "{:?}", self.rooms);
    }
}

fn party(connection: ConnectionId, joined: ServerMessage) -> Party {
    match joined {
        ServerMessage::Joined {
            call,
            resume,
            participants,
            ringing,
            ..
        } => Party {
            client: Client {
                connection,
                resume,
                roster: participants,
            },
            call,
            ringing,
        },
        other => panic!("{other:?}"),
    }
}
