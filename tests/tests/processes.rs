//! Calls among processes: some leave, some are killed, and the server with them.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use acscall_tests::pipeline::{TIMEOUT, free_port, init, now};
use acscall_tests::process::Process;
use anyhow::{Context, Result, bail, ensure};

/// A participant in a process of its own.
struct Participant {
    process: Process,
    frames: BTreeMap<String, u64>,
    /// What it told and nobody has asked for yet.
    told: Vec<String>,
}

impl Participant {
    fn start(command: &mut Command) -> Result<Participant> {
        Ok(Participant {
            process: Process::start(command)?,
            frames: BTreeMap::new(),
            told: Vec::new(),
        })
    }

    /// Takes in one more line. An error or an end of stream fails the test: pipelines never stop.
    fn read(&mut self) -> Result<()> {
        let line = self.process.line(TIMEOUT)?;
        if let Some(rest) = line.strip_prefix("frames ") {
            let (sink, count) = rest.split_once(' ').context("SINK COUNT")?;
            self.frames.insert(sink.into(), count.parse()?);
        } else if line.starts_with("error ") || line == "eos" {
            bail!("{line}");
        } else {
            self.told.push(line);
        }
        Ok(())
    }

    /// Waits until more frames have come to each of these sinks.
    fn wait_frames(&mut self, sinks: &[&str]) -> Result<()> {
        self.catch_up()?;
        let before = self.frames.clone();
        let count =
            |frames: &BTreeMap<String, u64>, sink: &str| frames.get(sink).copied().unwrap_or(0);
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while sinks
            .iter()
            .any(|sink| count(&self.frames, sink) < count(&before, sink) + 3)
        {
            ensure!(
                now() < deadline,
                "no frames: before {before:?}, now {:?}",
                self.frames
            );
            self.read()?;
        }
        Ok(())
    }

    /// Waits for a line with all of these in it.
    fn wait_told(&mut self, parts: &[&str]) -> Result<()> {
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        loop {
            let found = self
                .told
                .iter()
                .position(|line| parts.iter().all(|p| line.contains(p)));
            if let Some(found) = found {
                self.told.drain(..=found);
                return Ok(());
            }
            ensure!(
                now() < deadline,
                "{parts:?} was not told, but {:?}",
                self.told
            );
            self.read()?;
        }
    }

    /// Takes in all that was printed up to now.
    fn catch_up(&mut self) -> Result<()> {
        // The counts come every 100 ms: after the next two of them nothing older is left.
        let deadline = now() + gst::ClockTime::from_mseconds(200);
        while now() < deadline {
            self.read()?;
        }
        Ok(())
    }
}

const USERS: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];

fn participant(port: u16, user: &str) -> Result<Participant> {
    let call = format!("server=ws://127.0.0.1:{port} call=five user={user}");
    let others: String = USERS
        .into_iter()
        .filter(|other| *other != user)
        .map(|other| {
            format!(
                "c.video_{other} ! fakesink name=v-{other} sync=false async=false \
                 c.audio_{other} ! fakesink name=a-{other} sync=false async=false "
            )
        })
        .collect();
    let description = format!(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=10/1 ! s.video \
         audiotestsrc is-live=true ! s.audio \
         acscallsink name=s {call} acscallsrc name=c {call} {others}"
    );
    Participant::start(Command::new(env!("CARGO_BIN_EXE_participant")).arg(description))
}

#[test]
fn five_participants_leave_are_killed_and_come_back_while_the_pipelines_go_on() -> Result<()> {
    init()?;
    let port = free_port()?;
    // The first one serves.
    let mut first = participant(port, "p0")?;
    first.wait_told(&["acscall-state", "state=connected"])?;
    let mut others: BTreeMap<&str, Participant> = BTreeMap::new();
    for user in &USERS[1..] {
        others.insert(user, participant(port, user)?);
    }
    let sinks = |users: &[&str], me: &str| -> Vec<String> {
        let others = users.iter().filter(|user| **user != me);
        others
            .flat_map(|user| [format!("v-{user}"), format!("a-{user}")])
            .collect()
    };
    let all_see = |process: &mut Participant, me: &str, users: &[&str]| -> Result<()> {
        let sinks = sinks(users, me);
        let sinks: Vec<&str> = sinks.iter().map(String::as_str).collect();
        process
            .wait_frames(&sinks)
            .with_context(|| format!("at {me}"))
    };
    all_see(&mut first, "p0", &USERS)?;
    for (user, process) in &mut others {
        all_see(process, user, &USERS)?;
    }

    // One leaves, one is killed.
    others.remove("p1").context("p1 runs")?.process.leave()?;
    drop(others.remove("p2"));
    let left = ["p0", "p3", "p4"];
    for (user, process) in &mut others {
        process.wait_told(&[
            "acscall-participant",
            "participant=p1",
            "state=disconnected",
        ])?;
        process.wait_told(&["acscall-participant", "participant=p2", "state=connecting"])?;
        all_see(process, user, &left)?;
    }

    // Both come back: the same pads go on.
    for user in ["p1", "p2"] {
        others.insert(user, participant(port, user)?);
    }
    all_see(&mut first, "p0", &USERS)?;
    for (user, process) in &mut others {
        all_see(process, user, &USERS)?;
    }

    // The one that serves is killed: another takes over, the rest goes on, and one more can join.
    drop(first);
    let rest = ["p1", "p2", "p3", "p4"];
    for (user, process) in &mut others {
        all_see(process, user, &rest)?;
    }
    let mut first = participant(port, "p0")?;
    all_see(&mut first, "p0", &USERS)?;
    for (user, process) in &mut others {
        all_see(process, user, &USERS)?;
    }
    Ok(())
}

#[test]
fn a_call_works_on_a_machine_without_a_network() -> Result<()> {
    init()?;
    let port = free_port()?;
    let call = format!("server=ws://127.0.0.1:{port} call=lonely");
    let description = format!(
        "videotestsrc is-live=true ! acscallsink {call} user=a \
         acscallsrc name=c {call} user=b c.video_a ! fakesink name=end sync=false"
    );
    // A namespace of its own, in which only lo is up.
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "sh", "-c"]);
    command.arg("ip link set lo up && exec \"$0\" \"$1\"");
    command.args([env!("CARGO_BIN_EXE_participant"), &description]);
    let mut process = Participant::start(&mut command)?;
    process.wait_frames(&["end"])?;
    process.process.leave()
}

#[test]
fn two_gst_launch_lines_are_in_a_call() -> Result<()> {
    init()?;
    let port = free_port()?;
    let call = format!("server=ws://127.0.0.1:{port} call=x");
    let launch = |line: &str| -> Result<Child> {
        let target = std::env::current_exe()?;
        let plugins = target
            .ancestors()
            .nth(2)
            .context("tests run in target/PROFILE/deps")?;
        Ok(Command::new("gst-launch-1.0")
            .args(line.split_whitespace())
            .env("GST_PLUGIN_PATH", plugins)
            .stdout(Stdio::null())
            .spawn()?)
    };
    let mut sender = launch(&format!(
        "videotestsrc is-live=true ! acscallsink {call} user=a"
    ))?;
    // Ends by itself when ten frames have come.
    let mut receiver = launch(&format!(
        "acscallsrc {call} user=b ! videoconvert ! identity eos-after=10 ! fakesink"
    ))?;
    let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
    let status = loop {
        if let Some(status) = receiver.try_wait()? {
            break Some(status);
        }
        if now() > deadline {
            break None;
        }
        std::thread::yield_now();
    };
    sender.kill()?;
    sender.wait()?;
    if status.is_none() {
        receiver.kill()?;
        receiver.wait()?;
    }
    ensure!(
        status.is_some_and(|status| status.success()),
        "no frames came: {status:?}"
    );
    Ok(())
}
