//! Two participants in a call over a real server, and a client that floods. `cargo xtask bench floods`
//! measures the cost.

use std::process::Command;

use acscall_tests::participant::Participant;
use acscall_tests::pipeline::{TIMEOUT, init, now};
use acscall_tests::process::Process;
use acscall_tests::usage::status;
use anyhow::{Context, Result, ensure};

/// The name of the call, which the hostile client knows.
const CALL: &str = "flooded";
/// Pictures that each participant must receive during the flood.
const PICTURES: u64 = 30;
/// The limit of the server's peak memory, in MiB. The queues of two slow readers stay below it.
const MEMORY: f64 = 64.0;

/// One of the two. The sink `shown` receives the video of the other.
fn participant(port: u16, user: &str, other: &str) -> Result<Participant> {
    let call = format!("server=ws://127.0.0.1:{port} call={CALL} user={user}");
    let description = format!(
        "acscallsink name=s {call} videotestsrc is-live=true \
         ! video/x-raw,width=320,height=240,framerate=15/1 ! s.video \
         acscallsrc {call} name=c c.video_{other} ! fakesink name=shown sync=false"
    );
    Participant::start(Command::new(env!("CARGO_BIN_EXE_participant")).arg(description))
}

/// Waits for more pictures of the other, who must never be lost or have a slow path.
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
        // Warnings are about the client that floods, whose legs never connect.
        ensure!(!is_lost && !message.contains("acscall-slow"), "{message}");
    }
    Ok(())
}

/// The two participants and their server.
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
        world.receive(5)?;
        Ok(world)
    }

    fn flood(&self, flood: &str) -> Result<Process> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench_floods"));
        Process::start(command.args(["--role", "hostile", flood, &self.port.to_string()]))
    }

    /// Waits for more pictures at both. Returns the numbers that are on their way or lost.
    fn receive(&mut self, pictures: u64) -> Result<[u64; 2]> {
        wait_for_pictures(&mut self.anna, pictures)?;
        wait_for_pictures(&mut self.bert, pictures)?;
        self.anna.catch_up()?;
        self.bert.catch_up()?;
        let encoded = |one: &Participant| one.encoded.get("video").copied().unwrap_or(0);
        let ways = [(&self.anna, &self.bert), (&self.bert, &self.anna)];
        Ok(ways.map(|(from, to)| encoded(from).saturating_sub(to.count("shown"))))
    }

    /// The number of lost pictures each way, including those sent before the other joined.
    fn missing(&mut self) -> Result<[u64; 2]> {
        // Takes the minimum, since pictures on their way are not lost.
        let mut least = self.receive(5)?;
        for _ in 0..3 {
            let now = self.receive(5)?;
            least = [least[0].min(now[0]), least[1].min(now[1])];
        }
        Ok(least)
    }

    /// Checks that the call is as without a flood.
    fn check(mut self, before: [u64; 2]) -> Result<()> {
        self.receive(PICTURES)?;
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        // On a busy machine pictures may arrive late.
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

/// The server answers this flood with an error and closes the connection; the others notice nothing.
fn ends_with_an_error(flood: &str) -> Result<()> {
    let mut world = World::new()?;
    let before = world.missing()?;
    let hostile = world.flood(flood)?;
    while hostile.line(TIMEOUT)? != "error LimitExceeded" {}
    while hostile.line(TIMEOUT)? != "closed" {}
    world.check(before)
}

/// This flood stays below the server's limits, and the others notice nothing.
fn is_tolerated(flood: &str) -> Result<()> {
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
fn changing_wants_at_the_allowed_rate_costs_the_others_nothing() -> Result<()> {
    is_tolerated("wants")
}

#[test]
fn changing_roles_at_the_allowed_rate_costs_the_others_nothing() -> Result<()> {
    is_tolerated("roles")
}

#[test]
fn offering_legs_at_the_allowed_rate_costs_the_others_nothing() -> Result<()> {
    is_tolerated("offers")
}

#[test]
fn a_flood_of_key_frame_requests_causes_at_most_one_key_frame_per_300_ms() -> Result<()> {
    let mut world = World::new()?;
    let before = world.missing()?;
    let hostile = world.flood("key-frames")?;
    let mut times = Vec::new();
    while times.len() < 6 {
        if let Some(time) = hostile.line(TIMEOUT)?.strip_prefix("key-frame ") {
            times.push(time.parse::<i64>()?);
        }
    }
    // The leg itself requests the first one.
    for pair in times.windows(2).skip(1) {
        // The printed time is rounded to milliseconds.
        ensure!(pair[1] - pair[0] >= 299, "key frames at {times:?} ms");
    }
    world.check(before)
}
