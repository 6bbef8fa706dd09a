//! A client that floods by what it says to the server.

use std::time::Duration;

use acscall::model::{Candidate, Kind, Kinds, Participant};
use acscall::signalling::client::{Receiver, Sender, connect};
use acscall::signalling::message::{
    ClientMessage, LegEnd, LegSignal, LegStep, ServerMessage, VERSIONS,
};
use anyhow::{Result, bail};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::call::{CALL, say};

/// An offer that is taken as far as webrtcbin.
const OFFER: &str = include_str!("offer.sdp");
/// Just below what the server lets a connection say for ever: 100 messages per second, 20 of them
/// changes of what it sends, reads and is there for.
const MESSAGES: Duration = Duration::from_millis(11);
const CHANGES: Duration = Duration::from_millis(51);
/// More than the server lets an address open.
const CONNECTIONS: usize = 300;

/// What it floods with.
#[derive(Clone, Copy)]
pub(crate) enum Flood {
    /// As many messages as get through, that concern everybody.
    Messages,
    /// As many connections as get through, that say nothing.
    Connections,
    /// As many candidates as get through, to everybody.
    Candidates,
    /// As many candidates as are allowed, for legs that there are not.
    Signals,
    /// As many offers of new legs as are allowed, to everybody.
    Offers,
    /// It receives and does not, as often as is allowed: each time everybody makes a leg.
    Roles,
    /// It wants everything and nothing, as often as is allowed.
    Wants,
    /// It has everything and nothing, as often as is allowed.
    Media,
    /// It comes and goes.
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

    /// Its message number `n` to or about `other`.
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

    /// The time between two messages where they are to be let through.
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

/// Opens connections that say nothing, as fast as it can, and holds those that it gets.
async fn open_many(url: &str) -> Result<()> {
    let mut open = JoinSet::new();
    loop {
        while open.len() < CONNECTIONS {
            let url = url.to_owned();
            open.spawn(async move {
                let Ok((_sender, mut receiver)) = connect(&url).await else {
                    return None;
                };
                let mut told = None;
                while let Ok(message) = receiver.next().await {
                    if let ServerMessage::Error { code, .. } = message {
                        told = Some(code);
                    }
                }
                told
            });
        }
        if let Some(Ok(Some(code))) = open.join_next().await {
            say(&format!("error {code:?}"))?;
            say("closed")?;
        }
    }
}

/// Joins and leaves, as fast as it can.
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

/// A step of a leg with `to`.
pub(crate) fn signal(to: &Participant, leg: u64, by: LegEnd, step: LegStep) -> ClientMessage {
    ClientMessage::Signal {
        to: to.id.clone(),
        signal: LegSignal { leg, by, step },
    }
}
