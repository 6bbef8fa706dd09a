//! A call between two users who can only reach a server between them. Debian's coturn on that
//! server relays it. Both are configured as in docs/server.md.
//!
//! ```text
//!   alice 192.0.2.2 ── 192.0.2.1  server  198.51.100.1 ── 198.51.100.2 bob
//!                              203.0.113.1
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use acscall_tests::namespace::{self, Place};
use acscall_tests::pipeline::{TIMEOUT, init, now};
use acscall_tests::process::Process;
use acscall_tests::server::RemoteServer;
use acscall_tests::skipped::skip;
use anyhow::{Context, Result, bail, ensure};

const SERVER: &str = "203.0.113.1";
const TURN_SECRET: &str = "north-of-the-river";

/// The number of frames that show that media flows: some seconds.
const FRAMES: u64 = 60;

#[test]
fn a_call_between_two_users_who_reach_only_the_relay_uses_it() -> Result<()> {
    in_a_world(
        "a_call_between_two_users_who_reach_only_the_relay_uses_it",
        || {
            let world = World::new()?;
            let relay = world.relay()?;
            let _server = world.server(TURN_SECRET)?;
            let (alice, bob) = world.participants()?;

            wait_until(&bob, |line| {
                frames_of(line).is_some_and(|frames| frames >= FRAMES)
            })?;
            // Both have authenticated with the passwords that they received when they joined.
            let mut expected = vec![
                [":alice>", "ALLOCATE processed, success"],
                [":bob>", "ALLOCATE processed, success"],
                ["session", "CHANNEL_BIND processed, success"],
            ];
            wait_until(&relay, |line| {
                expected.retain(|parts| !parts.iter().all(|part| line.contains(part)));
                expected.is_empty()
            })?;
            alice.leave()?;
            bob.leave()?;
            Ok(())
        },
    )
}

#[test]
fn a_wrong_turn_secret_is_named_where_the_call_fails() -> Result<()> {
    in_a_world("a_wrong_turn_secret_is_named_where_the_call_fails", || {
        let world = World::new()?;
        let relay = world.relay()?;
        let _server = world.server("south-of-the-river")?;
        let (alice, bob) = world.participants()?;
        for end in [&alice, &bob] {
            let warning = wait_until(end, |line| line.starts_with("warning "))?;
            assert!(
                warning.contains("no TURN server gave an address"),
                "{warning}"
            );
        }
        // The relay logs it, too.
        wait_until(&relay, |line| line.contains("error 401"))?;
        Ok(())
    })
}

/// Runs `body` inside namespaces. Skips the test if namespaces or coturn are not available.
fn in_a_world(test: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    if namespace::is_inside() {
        init()?;
        return body();
    }
    let missing = namespace::missing().or_else(|| {
        let tried = Command::new("turnserver").arg("--version").output();
        let error = tried.err()?;
        Some(format!(
            "turnserver (package coturn) cannot be started: {error}"
        ))
    });
    match missing {
        None => namespace::inside(&format!("relay::{test}")),
        Some(missing) => skip(&missing),
    }
}

struct World {
    signalling: RemoteServer,
    server: Place,
    alice: Place,
    bob: Place,
}

impl World {
    fn new() -> Result<World> {
        let (server, alice, bob) = (
            Place::new("server")?,
            Place::new("alice")?,
            Place::new("bob")?,
        );
        server.connect("192.0.2.1/24", &alice, "192.0.2.2/24")?;
        server.connect("198.51.100.1/24", &bob, "198.51.100.2/24")?;
        server.ip(&["address", "add", SERVER, "dev", "lo"])?;
        for (place, gateway) in [(&alice, "192.0.2.1"), (&bob, "198.51.100.1")] {
            place.ip(&["route", "add", SERVER, "via", gateway])?;
        }
        for (place, other) in [(&alice, "198.51.100.2"), (&bob, "192.0.2.2")] {
            let way = place.ip(&["route", "get", other]);
            ensure!(way.is_err(), "there is a route to {other} beside the relay");
        }
        Ok(World {
            signalling: RemoteServer::new(SERVER)?,
            server,
            alice,
            bob,
        })
    }

    /// Starts coturn with the settings in docs/server.md. It prints its log.
    fn relay(&self) -> Result<Process> {
        let page = fs::read_to_string(root().join("docs/server.md"))?;
        let (_, settings) = page
            .split_once("in `/etc/turnserver.conf`:\n\n```\n")
            .context("docs/server.md shows the settings")?;
        let (settings, _) = settings
            .split_once("```")
            .context("the settings end with a fence")?;
        let (before, after) = settings
            .split_once("<contents of /etc/acscall/turn-secret>")
            .context("the settings contain the secret")?;
        // The addresses and files of this test, and a verbose log.
        let here = format!(
            "listening-ip={SERVER}\nrelay-ip={SERVER}\nlog-file=stdout\nsimple-log\nverbose\n\
             pidfile={folder}/pid\nuserdb={folder}/users\n",
            folder = self.signalling.folder.display()
        );
        let file = self.signalling.folder.join("turnserver.conf");
        fs::write(&file, format!("{before}{TURN_SECRET}{after}{here}"))?;
        let relay = Process::start(self.server.command("turnserver").arg("-c").arg(file))?;
        wait_until(&relay, |line| {
            line.contains("UDP listener opened on") && line.contains(SERVER)
        })?;
        Ok(relay)
    }

    /// Starts the signalling server, which creates the passwords for the relay.
    fn server(&self, turn_secret: &str) -> Result<Process> {
        let file = self.signalling.folder.join("turn-secret");
        fs::write(&file, turn_secret)?;
        let options = [
            "--turn-server",
            &format!("turn:{SERVER}:3478"),
            "--turn-secret-file",
            file.to_str().context("a path in UTF-8")?,
        ];
        self.signalling.start(&self.server, &options)
    }

    /// Starts alice, who sends video, and bob, who receives it.
    fn participants(&self) -> Result<(Process, Process)> {
        let at = |place: &Place, user: &str, description: &str| -> Result<Process> {
            let program = env!("CARGO_BIN_EXE_participant");
            let mut command = self.signalling.participant(place, program, user)?;
            command.arg(description.replace("CALL", &self.signalling.joining(user)));
            // libnice warns when webrtcbin gives up a relay.
            Process::start(command.env_remove("G_DEBUG"))
        };
        let bob = at(
            &self.bob,
            "bob",
            "acscallsrc CALL name=c c.video_alice ! fakesink name=end sync=false",
        )?;
        let alice = at(
            &self.alice,
            "alice",
            "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 \
             ! acscallsink CALL",
        )?;
        Ok((alice, bob))
    }
}

/// Waits for a line and returns it. Fails if the pipeline has an error.
fn wait_until(process: &Process, mut wanted: impl FnMut(&str) -> bool) -> Result<String> {
    let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
    let mut other = Vec::new();
    while now() < deadline {
        let line = process.line(TIMEOUT)?;
        if wanted(&line) {
            return Ok(line);
        }
        ensure!(!line.starts_with("error "), "{line}");
        if frames_of(&line).is_none() {
            other.push(line);
        }
    }
    bail!("the expected line did not arrive; the output: {other:#?}")
}

/// The count in `frames end COUNT`.
fn frames_of(line: &str) -> Option<u64> {
    line.strip_prefix("frames end ")?.parse().ok()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
