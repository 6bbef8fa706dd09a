//! A client that floods the server with messages and connections.

use std::time::Duration;

use acscall::model::{Candidate, Kind, Kinds, Participant};
use acscall::signalling::client::{Receiver, Sender, connect};
use acscall::signalling::message::{
    ClientMessage, LegEnd, LegSignal, LegStep, ServerMessage, VERSIONS,
};
use acscall_tests::process::say;
use anyhow::{Result, bail};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::call::CALL;

/// An offer that reaches webrtcbin.
const OFFER: &str = include_str!("offer.sdp");
/// Intervals just below the server's limits for a connection: 100 messages per second, 20 of which
/// may change its media, subscriptions or roles.
const MESSAGES: Duration = Duration::from_millis(11);
const CHANGES: Duration = Duration::from_millis(51);
/// More than the server allows per address.
const CONNECTIONS: usize = 300;

/// A kind of flood.
#[derive(Clone, Copy)]
pub(crate) enum Flood {
    /// Messages that concern all participants, as fast as possible.
    Messages,
    /// Silent connections, as many as possible.
    Connections,
    /// Candidates to all participants, as fast as possible.
    Candidates,
    /// Candidates for legs that do not exist, at the allowed rate.
    Signals,
    /// Offers of new legs to all participants, at the allowed rate.
    Offers,
    /// Starts and stops receiving at the allowed rate: each start makes all participants create a leg.
    Roles,
    /// Wants all streams and none, alternately, at the allowed rate.
    Wants,
    /// Announces all kinds of media and none, alternately, at the allowed rate.
    Media,
    /// Joins and leaves.
    Joins,
}

impl Flood {
    pub(crate) fn named(name: &str) -> Option<Flood> {
        Some(match name {
            "messages" => Flood::Messages,
            "connections" => Flood::Connections,
            "candidates" => Flood::Candidates,
            "signals" => Flood::Signals,
            "offers" => Flood::Offers,
            "roles" => Flood::Roles,
            "wants" => Flood::Wants,
            "media" => Flood::Media,
            "joins" => Flood::Joins,
            _ => return None,
        })
    }

    /// Message number `n` to or about `other`.
    fn message(self, other: &Participant, n: u64) -> ClientMessage {
        let kinds = |all| {
            if all {
                Kinds::from(Kind::ALL)
            } else {
                Kinds::new()
            }
        };
        let is_even = n.is_multiple_of(2);
        match self {
            Flood::Candidates => candidate(other, 1, n),
            Flood::Signals => candidate(other, n, n),
            Flood::Offers => {
                let offer = OFFER.replace('\n', "\r\n");
                signal(other, n, LegEnd::Sender, LegStep::Offer(offer))
            }
            Flood::Roles => ClientMessage::Roles {
                receives: is_even,
                sends: false,
            },
            Flood::Wants => ClientMessage::Want {
                of: other.id.clone(),
                kinds: kinds(is_even),
            },
            Flood::Messages | Flood::Media | Flood::Connections | Flood::Joins => {
                ClientMessage::Media {
                    kinds: kinds(is_even),
                }
            }
        }
    }

    /// The interval between two messages; `None` means as fast as possible.
    fn pace(self) -> Option<Duration> {
        match self {
            Flood::Messages | Flood::Candidates | Flood::Connections | Flood::Joins => None,
            Flood::Offers | Flood::Signals => Some(MESSAGES),
            Flood::Roles | Flood::Wants | Flood::Media => Some(CHANGES),
        }
    }
}

/// Floods until it is killed.
pub(crate) fn flood(flood: Flood, port: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let url = format!("ws://127.0.0.1:{port}");
        match flood {
            Flood::Connections => open_many(&url).await,
            Flood::Joins => come_and_go(&url).await,
            _ => loop {
                if let Err(error) = talk(flood, &url).await {
                    say(&format!("refused {error:#}"))?;
                }
                say("closed")?;
            },
        }
    })
}

async fn talk(flood: Flood, url: &str) -> Result<()> {
    let (mut sender, mut receiver, others) = join(url).await?;
    let watch = async {
        while let Ok(message) = receiver.next().await {
            if let ServerMessage::Error { code, .. } = message {
                say(&format!("error {code:?}"))?;
            }
        }
        Ok(())
    };
    let talk = async {
        let mut pace = flood.pace().map(interval);
        for n in 1.. {
            for other in &others {
                if let Some(pace) = &mut pace {
                    pace.tick().await;
                }
                if sender.send(&flood.message(other, n)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    };
    let (watched, talked): (Result<()>, Result<()>) = tokio::join!(watch, talk);
    watched.and(talked)
}

/// Opens silent connections as fast as possible, and keeps them open.
async fn open_many(url: &str) -> Result<()> {
    let mut open = JoinSet::new();
    loop {
        while open.len() < CONNECTIONS {
            let url = url.to_owned();
            open.spawn(async move {
                let Ok((_sender, mut receiver)) = connect(&url).await else {
                    return None;
                };
                let mut error = None;
                while let Ok(message) = receiver.next().await {
                    if let ServerMessage::Error { code, .. } = message {
                        error = Some(code);
                    }
                }
                error
            });
        }
        if let Some(Ok(Some(code))) = open.join_next().await {
            say(&format!("error {code:?}"))?;
            say("closed")?;
        }
    }
}

/// Joins and leaves as fast as possible.
async fn come_and_go(url: &str) -> Result<()> {
    loop {
        match join(url).await {
            Ok((mut sender, _, _)) => {
                let _already_closed = sender
                    .send(&ClientMessage::Leave {
                        for_everyone: false,
                    })
                    .await;
                sender.close().await;
            }
            Err(error) => say(&format!("refused {error:#}"))?,
        }
    }
}

/// Joins the measured call.
pub(crate) async fn join(url: &str) -> Result<(Sender, Receiver, Vec<Participant>)> {
    let (mut sender, mut receiver) = connect(url).await?;
    let hello = ClientMessage::Hello {
        versions: VERSIONS.to_vec(),
        user: "mallory".into(),
        display_name: None,
        token: None,
    };
    let join = ClientMessage::Join {
        call: CALL.into(),
        receives: true,
        sends: true,
        media: Kinds::new(),
        resume: None,
    };
    sender.send(&hello).await?;
    sender.send(&join).await?;
    loop {
        match receiver.next().await? {
            ServerMessage::Joined { participants, .. } => {
                return Ok((sender, receiver, participants));
            }
            ServerMessage::Error { code, .. } => bail!("{code:?}"),
            _ => {}
        }
    }
}

/// Candidate number `n` for a leg with `to`.
fn candidate(to: &Participant, leg: u64, n: u64) -> ClientMessage {
    let step = LegStep::Candidate(Candidate {
        candidate: format!("candidate:{n} 1 UDP 1 127.0.0.1 9 typ host"),
        line: 0,
    });
    signal(to, leg, LegEnd::Receiver, step)
}

/// A step of the leg with `to`.
pub(crate) fn signal(to: &Participant, leg: u64, by: LegEnd, step: LegStep) -> ClientMessage {
    ClientMessage::Signal {
        to: to.id.clone(),
        signal: LegSignal { leg, by, step },
    }
}
