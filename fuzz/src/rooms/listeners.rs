//! The calls that ring for listening clients, from the messages that they received.

use std::collections::{BTreeMap, BTreeSet};

use acscall::signalling::message::ServerMessage;
use acscall::signalling::room::{ConnectionId, Stats};

use super::views::Views;

/// The listening clients.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    listeners: BTreeMap<ConnectionId, Listener>,
}

#[derive(Debug)]
struct Listener {
    user: String,
    /// The call that rings.
    call: Option<String>,
}

impl Listeners {
    pub(super) fn leave(&mut self, id: ConnectionId) {
        self.listeners.remove(&id);
    }

    /// Returns the call that rings on a connection.
    pub(super) fn rings(&self, id: ConnectionId) -> Option<&str> {
        self.listeners.get(&id)?.call.as_deref()
    }

    /// Returns all connections on which a call rings.
    pub(super) fn ringing(&self) -> impl Iterator<Item = (ConnectionId, &str)> {
        let listeners = self.listeners.iter();
        listeners.filter_map(|(id, listener)| Some((*id, listener.call.as_deref()?)))
    }

    pub(super) fn receive(
        &mut self,
        id: ConnectionId,
        user: Option<&str>,
        message: &ServerMessage,
    ) {
        match message {
            ServerMessage::Listening {} => {
                let user = user.expect("it was welcomed").to_owned();
                let listener = Listener { user, call: None };
                let before = self.listeners.insert(id, listener);
                assert!(before.is_none(), "{id:?} listens already");
            }
            ServerMessage::Incoming { call, .. } => {
                let before = self.listener(id).call.replace(call.clone());
                assert_eq!(before, None, "two calls ring");
            }
            ServerMessage::IncomingEnded { call, .. } => {
                let before = self.listener(id).call.take();
                assert_eq!(before.as_ref(), Some(call), "it does not ring");
            }
            ServerMessage::Joined { .. } => self.leave(id),
            _ => {}
        }
    }

    /// The client declined `call` and gets no more messages about it.
    pub(super) fn declined(&mut self, id: ConnectionId, call: &str) {
        if let Some(listener) = self.listeners.get_mut(&id)
            && listener.call.as_deref() == Some(call)
        {
            listener.call = None;
        }
    }

    /// Checks that the same call rings on all connections of a user, that its participants know the
    /// users being rung, and that the machine's counts agree.
    pub(super) fn check(&self, views: &Views, stats: &Stats) {
        assert_eq!(self.listeners.len(), stats.listening);
        let mut rung = BTreeMap::new();
        for Listener { user, call } in self.listeners.values() {
            let other = rung.insert(user, call);
            assert!(other.is_none_or(|other| other == call), "{user}");
        }
        let mut ringing = views.ringing();
        for (user, call) in rung {
            let of_call: BTreeSet<_> = ringing.iter().filter(|(_, of)| *of == user).collect();
            assert!(of_call.len() <= 1, "{user} is rung for {of_call:?}");
            if let Some((name, _)) = of_call.first() {
                assert_eq!(call.as_deref(), Some(*name), "{user}");
            }
            if let Some(call) = call {
                assert!(views.knows_ringing(call, user), "{user} is rung secretly");
                ringing.insert((call, user));
            }
        }
        assert!(ringing.len() <= stats.ringing, "{ringing:?}");
    }

    fn listener(&mut self, id: ConnectionId) -> &mut Listener {
        self.listeners
            .get_mut(&id)
            .unwrap_or_else(|| panic!("{id:?} does not listen"))
    }
}
