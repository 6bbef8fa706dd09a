//! One call in this process, shared by all elements that name the same call and user.
//!
//! ```text
//! elements ── Membership ── Call ── driver thread ── machine (acscall::call)
//!    │                                   │
//!    │ ReaderQueue, Publication             └── engine: the call's own GstPipeline
//!    └──────────── buffers ──────────────────── legs, encoders, decoders, mixer
//! ```
//!
//! Elements send commands to the driver thread over a channel that never waits. Buffers go directly
//! between the elements' streaming threads and the engine's.

mod at_exit;
mod driver;
mod encoder_retry;
mod engine;
#[cfg(feature = "fuzzing")]
pub use engine::fuzzing;
mod linger;
mod registry;
mod serve;
mod server_log;
mod source_health;
#[cfg(test)]
mod tests;
mod threads;

pub(crate) mod color_converter;
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
pub(crate) use engine::{Codec, MissingElement, missing_element, raw_audio};
use linger::Linger;
pub(crate) use publication::Publication;
use publication::PublicationSlot;
pub(crate) use reader::ReaderQueue;
pub(crate) use registry::JoinError;

/// The debug category of calls: `GST_DEBUG=acscall:5` shows how legs are negotiated.
static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("acscall", gst::DebugColorFlags::empty(), Some("Calls"))
});

/// An element's settings of its call.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CallSettings {
    /// The address of the signalling server, which this process may have to start.
    pub(crate) server: ServerUrl,
    /// Which call to join, place or answer.
    pub(crate) target: Target,
    /// The name of this end's user.
    pub(crate) user: String,
    /// The name that the others see.
    pub(crate) display_name: Option<String>,
    /// Authenticates the user.
    pub(crate) token: Option<Token>,
    /// The jitter buffers' length in ms; `None` for elements without that property (a sink).
    pub(crate) latency: Option<u32>,
    /// `stun://host:port`.
    pub(crate) stun_server: Option<String>,
    /// `turn(s)://user:password@host:port`, each.
    pub(crate) turn_servers: Vec<String>,
    /// How long the call is kept after the last element has left it.
    pub(crate) linger: Duration,
    /// Whether this process serves if nobody else does at that address.
    pub(crate) embedded_server: bool,
}

/// Leaves out the TURN passwords.
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
    Receive,
    Send,
}

/// Receives the call's events on the driver's thread, with no lock held. Must not block.
pub(crate) type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// The state of a call that the application can read at any time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) state: CallState,
    /// The call's name, once known.
    pub(crate) name: Option<String>,
    /// The incoming calls that ring.
    pub(crate) incoming: Vec<Incoming>,
    /// The users who are being rung.
    pub(crate) ringing: Vec<String>,
    /// The other participants, including those whose connection is lost.
    pub(crate) participants: Vec<(Participant, ParticipantState)>,
}

impl Snapshot {
    /// Sets the state. A call that is over has no participants.
    fn set_state(&mut self, state: CallState) {
        self.state = state;
        if state == CallState::Disconnected {
            self.incoming.clear();
            self.ringing.clear();
            self.participants.clear();
        }
    }

    /// The available streams: their sender and kind.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (&Participant, Kind)> {
        self.participants.iter().flat_map(|(participant, _)| {
            participant
                .media
                .iter()
                .map(move |kind| (participant, *kind))
        })
    }
}

/// Returns the name of a stream's source pad on `acscallsrc`, such as `video_alice`.
pub(crate) fn pad_name(participant: &Participant, kind: Kind) -> String {
    format!(
        "{kind}_{}",
        session_name(&participant.user, participant.session)
    )
}

/// An element's membership in a call. The call is left when the last one is dropped.
pub(crate) struct Membership {
    call: Arc<SharedCall>,
    id: MemberId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberId(u64);

impl Membership {
    /// Joins the call that `settings` name, or shares it if this process is in it already.
    ///
    /// Does not wait for the server: `listener` receives all events, beginning with those that
    /// describe the present state.
    pub(crate) fn join(
        settings: CallSettings,
        role: Role,
        listener: Listener,
    ) -> Result<Membership, JoinError> {
        let call = registry::join(&settings)?;
        call.linger.extend(settings.linger);
        let id = MemberId(call.next_number());
        call.driver.send(Command::AddMember(id, role, listener));
        Ok(Membership { call, id })
    }

    /// Binds `queue` to the stream that `selector` names, now or when it exists.
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

    /// Opens the call's outgoing stream of this kind. Returns `None` if another pad of this process
    /// holds it.
    pub(crate) fn send(&self, kind: Kind) -> Option<Publication> {
        Publication::open(&self.call, kind)
    }

    /// Passes a request of the application to the call machine, such as [`Input::Invite`].
    pub(crate) fn ask(&self, input: Input) {
        if let Input::Leave {
            for_everyone: false,
        } = input
        {
            self.call.is_left.store(true, Ordering::Release);
        }
        self.call.driver.send(Command::Input(input));
    }

    /// Returns the call's present state.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.call.driver.snapshot()
    }

    /// The call's statistics, in the form of the property `stats`.
    pub(crate) fn stats(&self) -> gst::Structure {
        self.call.driver.stats()
    }

    /// Returns how long after its PTS a buffer of the stream that `selector` names comes out at the
    /// latest.
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

/// Binds a reader's queue to its stream until it is dropped.
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
    /// In ms; set by the first element that receives.
    latency: Arc<OnceLock<u32>>,
    slots: BTreeMap<Kind, Arc<PublicationSlot>>,
    driver: Driver,
    numbers: AtomicU64,
    /// How many elements are in the call. Counted up under the registry's lock only.
    members: AtomicUsize,
    /// The call is being left: nobody can join it any more.
    is_left: AtomicBool,
    linger: Linger,
    /// Dropped last: see [`engine::WarmUp`].
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
            is_left: AtomicBool::new(false),
            linger: Linger::default(),
            warm_up,
        }))
    }

    /// Checks whether an element with these settings can share the call.
    fn check(&self, settings: &CallSettings) -> Result<(), JoinError> {
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

    /// Whether the call is over or about to be: left, refused or ended by the server. Nobody can
    /// join it any more.
    fn is_over(&self) -> bool {
        self.is_left.load(Ordering::Acquire) || self.driver.state() >= CallState::Disconnecting
    }

    fn slot(&self, kind: Kind) -> Arc<PublicationSlot> {
        self.slots[&kind].clone()
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}
