//! Two participants in a call over a real server, and one that floods. What it costs them is
//! measured by `cargo xtask bench floods`.

use std::process::Command;

use acscall_tests::participant::Participant;
use acscall_tests::pipeline::{TIMEOUT, init, now};
use acscall_tests::process::Process;
use acscall_tests::usage::status;
use anyhow::{Context, Result, ensure};

/// The call that the hostile client knows.
const CALL: &str = "flooded";
/// Pictures that come to each while the flood goes on.
const PICTURES: u64 = 30;
/// What the limits of a server let wait for two slow readers is below that; in MiB.
const MEMORY: f64 = 64.0;

/// One of the two, who sees the other as `shown`.
fn participant(port: u16, user: &str, other: &str) -> Result<Participant> {
    let call = format!("server=ws://127.0.0.1:{port} call={CALL} user={user}");
    let description = format!(
        "acscallsink name=s {call} videotestsrc is-live=true \
         ! video/x-raw,width=320,height=240,framerate=15/1 ! s.video \
         acscallsrc {call} name=c c.video_{other} ! fakesink name=shown sync=false"
    );
    Participant::start(Command::new(env!("CARGO_BIN_EXE_participant")).arg(description))
}

/// Waits for more pictures of the other, who is never lost and whose path is never too slow.
fn wait_for_pictures(one: &mut Participant, more: u64) -> Result<()> {
    one.wait_frames(&["shown"], more)?;
    for message in one
        .messages
        .drain(..)
        .filter(|message| !message.contains("mallory"))
    {
        let is_lost = ["acscall-participant", "acscall-stream"]
            .iter()
            .any(|name| message.contains(name) && message.contains("connecting"));
        // A warning is about one who floods, whose legs never connect.
        ensure!(!is_lost && !message.contains("acscall-slow"), "{message}");
    }
    Ok(())
}

/// The two and their server.
struct World {
    server: Process,
    port: u16,
    anna: Participant,
    bert: Participant,
}

impl World {
    fn new() -> Result<World> {
        init()?;
        let target = std::env::current_exe()?;
        let programs = target
            .ancestors()
            .nth(2)
            .context("tests run in target/PROFILE/deps")?;
        let server = Process::start(
            Command::new(programs.join("acscall"))
                .args(["serve", "--listen", "127.0.0.1:0"])
                .env("ACSCALL_LOG", "off"),
        )?;
        // http://127.0.0.1:7788/
        let address = server.line(TIMEOUT)?;
        let port = address.trim_end_matches('/').rsplit_once(':');
        let port = port.context("an address with a port")?.1.parse()?;
        let mut world = World {
            server,
            port,
            anna: participant(port, "anna", "bert")?,
            bert: participant(port, "bert", "anna")?,
        };
        world.go_on(5)?;
        Ok(world)
    }

    fn flood(&self, flood: &str) -> Result<Process> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench_floods"));
        Process::start(command.args(["--role", "hostile", flood, &self.port.to_string()]))
    }

    /// So many pictures come to both. Gives how many are under way to each, or lost.
    fn go_on(&mut self, pictures: u64) -> Result<[u64; 2]> {
        wait_for_pictures(&mut self.anna, pictures)?;
        wait_for_pictures(&mut self.bert, pictures)?;
        self.anna.catch_up()?;
        self.bert.catch_up()?;
        let encoded = |one: &Participant| one.encoded.get("video").copied().unwrap_or(0);
        let ways = [(&self.anna, &self.bert), (&self.bert, &self.anna)];
        Ok(ways.map(|(from, to)| encoded(from).saturating_sub(to.count("shown"))))
    }

    /// The pictures that are missing on each way: those that came to nobody before there was
    /// anybody, and later those that are lost.
    fn missing(&mut self) -> Result<[u64; 2]> {
        // What is under way is not missing: the least counts.
        let mut least = self.go_on(5)?;
        for _ in 0..3 {
            let now = self.go_on(5)?;
            least = [least[0].min(now[0]), least[1].min(now[1])];
        }
        Ok(least)
    }

    /// The two go on as if there were no flood.
    fn check(mut self, before: [u64; 2]) -> Result<()> {
        self.go_on(PICTURES)?;
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        // A machine that is busy may bring them late.
        loop {
            let after = self.missing()?;
            if after
                .iter()
                .zip(before)
                .all(|(after, before)| *after <= before + 1)
            {
                break;
            }
            ensure!(
                now() < deadline,
                "missing before {before:?}, after {after:?}"
            );
        }
        let memory = status(&self.server.id().to_string(), "VmHWM")? / 1024.0;
        ensure!(memory < MEMORY, "the server took {memory:.0} MiB");
        self.anna.process.leave()?;
        self.bert.process.leave()
    }
}

/// Who floods in this way is told so and closed, and the others notice nothing.
fn ends_with_an_error(flood: &str) -> Result<()> {
    let mut world = World::new()?;
    let before = world.missing()?;
    let hostile = world.flood(flood)?;
    while hostile.line(TIMEOUT)? != "error LimitExceeded" {}
    while hostile.line(TIMEOUT)? != "closed" {}
    world.check(before)
}

/// Who floods in this way stays below the server's limits, and the others notice nothing.
fn is_borne(flood: &str) -> Result<()> {
    let mut world = World::new()?;
    let before = world.missing()?;
    let _hostile = world.flood(flood)?;
    world.check(before)
}

#[test]
fn a_flood_of_messages_ends_with_an_error_and_the_others_lose_nothing() -> Result<()> {
    ends_with_an_error("messages")
}

#[test]
fn a_flood_of_connections_ends_with_an_error_and_the_others_lose_nothing() -> Result<()> {
    ends_with_an_error("connections")
}

#[test]
fn a_flood_of_candidates_ends_with_an_error_and_the_others_lose_nothing() -> Result<()> {
    ends_with_an_error("candidates")
}

#[test]
fn one_that_wants_and_does_not_as_often_as_it_may_costs_the_others_nothing() -> Result<()> {
    is_borne("wants")
}

#[test]
fn one_that_needs_a_leg_and_does_not_as_often_as_it_may_costs_the_others_nothing() -> Result<()> {
    is_borne("roles")
}

#[test]
fn one_that_offers_legs_as_often_as_it_may_costs_the_others_nothing() -> Result<()> {
    is_borne("offers")
}

#[test]
fn a_flood_of_key_frame_requests_makes_no_more_than_one_key_frame_per_300_ms() -> Result<()> {
    let mut world = World::new()?;
    let before = world.missing()?;
    let hostile = world.flood("key-frames")?;
    let mut times = Vec::new();
    while times.len() < 6 {
        if let Some(time) = hostile.line(TIMEOUT)?.strip_prefix("key-frame ") {
            times.push(time.parse::<i64>()?);
        }
    }
    // The leg starts with one of its own.
    for pair in times.windows(2).skip(1) {
        // The RTP time, at 90 kHz, is told in whole milliseconds.
        ensure!(pair[1] - pair[0] >= 299, "key frames at {times:?} ms");
    }
    world.check(before)
}
