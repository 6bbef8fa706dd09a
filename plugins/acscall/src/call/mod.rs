//! One call in this process, shared by all elements that name it.
//!
//! ```text
//! elements ── Membership ── Call ── driver thread ── machine (acscall::call)
//!    │                                   │
//!    │ ReaderQueue, Publication             └── engine: the call's own GstPipeline
//!    └──────────── buffers ──────────────────── legs, encoders, decoders, mixer
//! ```
//!
//! Commands go to the driver thread over a channel and never wait for it; buffers go straight
//! between the elements' streaming threads and the engine's.

mod driver;
mod engine;
#[cfg(feature = "fuzzing")]
pub use engine::fuzzing;
mod linger;
mod registry;
mod serve;
mod source_health;
#[cfg(test)]
mod tests;

pub(crate) mod publication;
pub(crate) mod reader;
pub(crate) mod time;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use acscall::call::{
    CallState, Event, Incoming, Input, ParticipantState, ReaderId, Selector, Target, session_name,
};
use acscall::model::{Kind, Participant};
use acscall::signalling::client::ServerUrl;
use acscall::signalling::message::Token;

use driver::{Command, Driver};
pub(crate) use engine::{Codec, MissingElement};
use linger::Linger;
pub(crate) use publication::Publication;
use publication::PublicationSlot;
pub(crate) use reader::ReaderQueue;
pub(crate) use registry::JoinError;

/// The debug category of calls: `GST_DEBUG=acscall:5` tells how legs come to be.
static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("acscall", gst::DebugColorFlags::empty(), Some("Calls"))
});

/// What an element says of the call it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CallSettings {
    /// Where the signalling server is, or would be.
    pub(crate) server: ServerUrl,
    /// How there comes to be a call.
    pub(crate) target: Target,
    /// The user to be.
    pub(crate) user: String,
    /// The name to show.
    pub(crate) display_name: Option<String>,
    /// Proof that it is the user.
    pub(crate) token: Option<Token>,
    /// The jitter buffers' length in ms; `None` where the element has no say (a sink).
    pub(crate) latency: Option<u32>,
    /// `stun://host:port`.
    pub(crate) stun_server: Option<String>,
    /// `turn(s)://user:password@host:port`, each.
    pub(crate) turn_servers: Vec<String>,
    /// For how long the call is kept after the last element has left it.
    pub(crate) linger: Duration,
    /// Serve where nobody does.
    pub(crate) embedded_server: bool,
}

/// Without TURN's passwords.
impl fmt::Debug for CallSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSettings")
            .field("server", &self.server)
            .field("target", &self.target)
            .field("user", &self.user)
            .field("display_name", &self.display_name)
            .finish_non_exhaustive()
    }
}

/// The default of the property `latency`, in ms.
pub(crate) const DEFAULT_LATENCY: u32 = 40;

/// What an element does in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It takes streams.
    Receive,
    /// It sends streams.
    Send,
}

/// Told to elements on the driver's thread, with no lock held. Must not block.
pub(crate) type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// What the application can read of a call at any time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// The call's state.
    pub(crate) state: CallState,
    /// Its name, once known.
    pub(crate) name: Option<String>,
    /// The calls to the user that ring.
    pub(crate) incoming: Vec<Incoming>,
    /// The users who are being rung for it.
    pub(crate) ringing: Vec<String>,
    /// The others, those whose connection is lost included.
    pub(crate) participants: Vec<(Participant, ParticipantState)>,
}

impl Snapshot {
    /// Takes down the state; in a call that is over there is nobody.
    fn set_state(&mut self, state: CallState) {
        self.state = state;
        if state == CallState::Disconnected {
            self.incoming.clear();
            self.ringing.clear();
            self.participants.clear();
        }
    }

    /// The streams that are available: who sends, and which kind.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (&Participant, Kind)> {
        self.participants.iter().flat_map(|(participant, _)| {
            participant
                .media
                .iter()
                .map(move |kind| (participant, *kind))
        })
    }
}

/// The name of the pad of `acscallsrc` that a stream comes out of, such as `video_alice`.
pub(crate) fn pad_name(participant: &Participant, kind: Kind) -> String {
    format!(
        "{kind}_{}",
        session_name(&participant.user, participant.session)
    )
}

/// An element's part in a call. The call is left when the last one is dropped.
pub(crate) struct Membership {
    call: Arc<SharedCall>,
    id: MemberId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberId(u64);

impl Membership {
    /// Joins the call that `settings` name, or shares it if this process is in it already.
    ///
    /// Does not wait for the server: `listener` is told what becomes of it, beginning with
    /// what is known at this moment.
    pub(crate) fn join(
        settings: CallSettings,
        role: Role,
        listener: Listener,
    ) -> Result<Membership, JoinError> {
        let linger = settings.linger;
        let call = registry::call(settings)?;
        call.members.fetch_add(1, Ordering::AcqRel);
        call.linger.ask(linger);
        let id = MemberId(call.next_number());
        call.driver.send(Command::AddMember(id, role, listener));
        Ok(Membership { call, id })
    }

    /// Binds `queue` to what `selector` names, now or when it comes.
    pub(crate) fn read(&self, selector: Selector, queue: Arc<ReaderQueue>) -> Reading {
        let id = ReaderId(self.call.next_number());
        self.call
            .driver
            .send(Command::AddReader(id, selector, queue));
        Reading {
            call: self.call.clone(),
            id,
        }
    }

    /// Opens the one outgoing stream of this kind. `None` if another pad of this process
    /// has it already.
    pub(crate) fn send(&self, kind: Kind) -> Option<Publication> {
        Publication::open(&self.call, kind)
    }

    /// Tells the call's machine what the application asks for, such as [`Input::Invite`].
    pub(crate) fn ask(&self, input: Input) {
        if let Input::Leave {
            for_everyone: false,
        } = input
        {
            self.call.hung_up.store(true, Ordering::Release);
        }
        self.call.driver.send(Command::Ask(input));
    }

    /// The call as it stands.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.call.driver.snapshot()
    }

    /// The call's statistics, in the form of the property `stats`.
    pub(crate) fn stats(&self) -> gst::Structure {
        self.call.driver.stats()
    }

    /// How long after its PTS what `selector` names comes out, at the latest.
    pub(crate) fn latency(&self, selector: &Selector) -> gst::ClockTime {
        let jitter_buffer = gst::ClockTime::from_mseconds(u64::from(
            *self.call.latency.get_or_init(|| DEFAULT_LATENCY),
        ));
        match selector {
            Selector::MixedAudio => jitter_buffer + engine::MIX_LATENCY,
            Selector::Of { .. } | Selector::Any { .. } => jitter_buffer,
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.call.driver.send(Command::RemoveMember(self.id));
        if self.call.members.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.call.linger.begin(&self.call);
        }
    }
}

/// A reader's hold on its stream, ended by dropping it.
pub(crate) struct Reading {
    call: Arc<SharedCall>,
    id: ReaderId,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.call.driver.send(Command::RemoveReader(self.id));
    }
}

/// A call that this process is in.
pub(crate) struct SharedCall {
    settings: CallSettings,
    /// In ms; the first element that receives decides.
    latency: Arc<OnceLock<u32>>,
    slots: BTreeMap<Kind, Arc<PublicationSlot>>,
    driver: Driver,
    numbers: AtomicU64,
    /// The elements in it.
    members: AtomicUsize,
    /// It is being left.
    hung_up: AtomicBool,
    linger: Linger,
    /// Dropped last: see there.
    warm_up: engine::WarmUp,
}

impl SharedCall {
    fn start(settings: CallSettings) -> Result<Arc<SharedCall>, JoinError> {
        let warm_up = engine::WarmUp::start();
        let slots: BTreeMap<_, _> = Kind::ALL
            .into_iter()
            .map(|kind| (kind, Arc::new(PublicationSlot::new(kind))))
            .collect();
        let latency: Arc<OnceLock<u32>> = Arc::default();
        if let Some(wanted) = settings.latency {
            latency.get_or_init(|| wanted);
        }
        let driver = Driver::start(settings.clone(), latency.clone(), slots.clone())
            .map_err(JoinError::Engine)?;
        Ok(Arc::new(SharedCall {
            settings,
            latency,
            slots,
            driver,
            numbers: AtomicU64::new(0),
            members: AtomicUsize::new(0),
            hung_up: AtomicBool::new(false),
            linger: Linger::default(),
            warm_up,
        }))
    }

    /// Whether an element with these settings can share the call.
    fn agree(&self, settings: &CallSettings) -> Result<(), JoinError> {
        let latency_differs = settings
            .latency
            .is_some_and(|wanted| *self.latency.get_or_init(|| wanted) != wanted);
        let difference = if latency_differs {
            Some("latency")
        } else {
            self.settings.difference(settings)
        };
        match difference {
            Some(property) => Err(JoinError::Differs {
                property,
                call: self.settings.target.to_string(),
                user: self.settings.user.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Whether it has ended or is about to: left, refused or ended by the server. Nobody can share
    /// it any more.
    fn is_over(&self) -> bool {
        self.hung_up.load(Ordering::Acquire)
            || self.driver.snapshot().state >= CallState::Disconnecting
    }

    fn slot(&self, kind: Kind) -> Arc<PublicationSlot> {
        self.slots[&kind].clone()
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}
