//! The faults, and the promise for each.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::call::{Call, Setup, Who, clock};
use crate::measure::Figures;
use crate::record::Record;
use crate::table;

/// A fault.
pub(crate) struct Case {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// The description in the table.
    pub(crate) what: &'static str,
    fault: Fault,
    /// The minimum of frames that must be delivered during the fault, in percent.
    least: f64,
    /// The receiver's `latency`, if it is not the default.
    latency: Option<u32>,
}

enum Fault {
    /// The receiver's line has this round-trip time in ms all the time, and these conditions for
    /// this many seconds.
    Line(u64, &'static str, u64),
    /// The line of one process is down for this many seconds.
    Down(Who, u64),
    /// Its address is removed, and another is added a second later.
    Move(Who),
    /// It is killed, and restarted two seconds later.
    Kill(Who),
    /// It is stopped for this many seconds.
    Stop(Who, u64),
    /// The disk of a recording branch of the receiver is full.
    FullDisk,
    /// The wall clock of both parties is set forward by this many seconds, then back.
    Clock(i64),
}

use Fault::{Clock, Down, FullDisk, Kill, Line, Move, Stop};
use Who::{Receiver, Sender, Server};

/// A case in which frames may be lost.
const fn lossy(name: &'static str, what: &'static str, fault: Fault) -> Case {
    at_least(0.0, name, what, fault)
}

const fn at_least(least: f64, name: &'static str, what: &'static str, fault: Fault) -> Case {
    Case {
        name,
        what,
        fault,
        least,
        latency: None,
    }
}

/// All cases, in the order of the table.
pub(crate) const CASES: &[Case] = &[
    at_least(99.0, "none", "nothing, for comparison", Line(0, "", 20)),
    at_least(
        99.0,
        "loss-2",
        "2 % loss, 30 ms RTT",
        Line(30, "loss=2", 60),
    ),
    lossy("loss-5", "5 % loss, 30 ms RTT", Line(30, "loss=5", 30)),
    lossy("loss-10", "10 % loss, 30 ms RTT", Line(30, "loss=10", 30)),
    lossy(
        "loss-2-rtt-150",
        "2 % loss, 150 ms RTT",
        Line(150, "loss=2", 30),
    ),
    Case {
        latency: Some(200),
        ..at_least(
            95.0,
            "loss-2-latency-200",
            "2 % loss, 150 ms RTT, `latency=200`",
            Line(150, "loss=2", 30),
        )
    },
    lossy(
        "rtt-30",
        "RTT grows from 0 to 30 ms",
        Line(0, "delay=15", 20),
    ),
    lossy(
        "rtt-150",
        "RTT grows from 0 to 150 ms",
        Line(0, "delay=75", 20),
    ),
    lossy(
        "jitter",
        "0 to 30 ms of jitter, 30 ms RTT",
        Line(30, "jitter=30", 20),
    ),
    lossy(
        "reorder",
        "2 % delayed by 10 ms, 30 ms RTT",
        Line(30, "reorder=2 hold=10", 20),
    ),
    lossy(
        "duplicate",
        "5 % duplicated, 30 ms RTT",
        Line(30, "duplicate=5", 20),
    ),
    lossy(
        "rate-1000",
        "bottleneck of 1 Mbit/s, 30 ms RTT",
        Line(30, "rate=1000", 30),
    ),
    lossy(
        "rate-300",
        "bottleneck of 300 kbit/s, 30 ms RTT",
        Line(30, "rate=300", 30),
    ),
    lossy("down-5", "receiver's link down for 5 s", Down(Receiver, 5)),
    lossy(
        "down-60",
        "receiver's link down for 60 s",
        Down(Receiver, 60),
    ),
    lossy(
        "down-5-sender",
        "sender's link down for 5 s",
        Down(Sender, 5),
    ),
    lossy(
        "down-60-sender",
        "sender's link down for 60 s",
        Down(Sender, 60),
    ),
    lossy(
        "move-receiver",
        "receiver's address changes",
        Move(Receiver),
    ),
    lossy("move-sender", "sender's address changes", Move(Sender)),
    lossy(
        "kill-receiver",
        "receiver killed, started again",
        Kill(Receiver),
    ),
    lossy("kill-sender", "sender killed, started again", Kill(Sender)),
    at_least(
        99.0,
        "kill-server",
        "server killed, started again",
        Kill(Server),
    ),
    lossy(
        "stop-receiver",
        "receiver stopped for 10 s",
        Stop(Receiver, 10),
    ),
    lossy("stop-sender", "sender stopped for 10 s", Stop(Sender, 10)),
    at_least(
        99.0,
        "stop-server",
        "server stopped for 40 s",
        Stop(Server, 40),
    ),
    at_least(
        99.0,
        "disk-full",
        "disk of a recording branch full",
        FullDisk,
    ),
    at_least(
        99.0,
        "clock-step",
        "wall clock 1 h forward and back",
        Clock(3600),
    ),
];

/// The time in which media must be back, in ms.
const BACK: u64 = 3000;
/// How long the call is watched after a fault.
const AFTER: Duration = Duration::from_secs(10);
/// The maximum delay of frames that count as delivered.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// Runs a case in the namespaces around this process, and prints its row.
pub(crate) fn run_inside(name: &str) -> Result<()> {
    let case = CASES.iter().find(|case| case.name == name);
    let case = case.with_context(|| format!("there is no fault '{name}'"))?;
    let (figures, record) = case.run()?;
    // Printed before the check, so that the figures of a failure are shown.
    table::print_row(case, &figures, &record);
    case.check(&figures, &record)
}

impl Case {
    fn run(&self) -> Result<(Figures, Record)> {
        let usual = self.usual();
        let mut call = Call::start(self.setup()?, &usual)?;
        let begun = clock();
        let seconds = Duration::from_secs;
        match self.fault {
            Line(_, conditions, time) => {
                let line = format!("{usual} {conditions}");
                call.world.line(Receiver, &line)?;
                call.run(seconds(time))?;
            }
            Down(who, time) => {
                call.world.line(who, "down")?;
                call.run(seconds(time))?;
            }
            Move(who) => {
                call.world.address("del", who, 0)?;
                call.run(seconds(1))?;
                call.world.address("add", who, 1)?;
            }
            Kill(who) => {
                call.kill(who)?;
                call.run(seconds(2))?;
            }
            Stop(who, time) => {
                call.signal(who, "STOP")?;
                call.run(seconds(time))?;
            }
            FullDisk => call.run(seconds(20))?,
            Clock(step) => {
                for step in [step, -step] {
                    set_clock(step)?;
                    call.run(seconds(10))?;
                }
            }
        }
        let ended = clock();
        match self.fault {
            Line(..) => {
                let counts = call.world.counts(Receiver)?;
                call.record.messages.push(counts);
                call.world.line(Receiver, &usual)?;
            }
            Down(who, _) => call.world.line(who, "")?,
            Kill(who) => call.begin(who)?,
            Stop(who, _) => call.signal(who, "CONT")?,
            Clock(_) => set_clock(0)?,
            Move(_) | FullDisk => {}
        }
        call.run(AFTER)?;
        let over = clock();
        call.run(STRAGGLERS)?;
        let record = call.end()?;
        Ok((Figures::new(&record, begun..ended, over), record))
    }

    /// The conditions of the receiver's line all the time.
    fn usual(&self) -> String {
        match self.fault {
            // Half of it each way.
            Line(round_trip, ..) => format!("delay={}", round_trip as f64 / 2.0),
            _ => String::new(),
        }
    }

    fn setup(&self) -> Result<Setup> {
        let mut setup = Setup {
            latency: self.latency,
            ..Setup::default()
        };
        match self.fault {
            FullDisk => {
                let disk = "/run/disk";
                std::fs::create_dir_all(disk)?;
                // Holds half a second of raw video.
                let status = Command::new("mount")
                    .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk])
                    .status()?;
                ensure!(status.success(), "the small disk cannot be mounted");
                setup.receiving = Some(format!(
                    "rawtap name=t ! fakesink name=video sync=false async=false \
                     t.tap_0 ! filesink name=recording location={disk}/video.raw sync=false \
                     async=false"
                ));
            }
            Clock(_) => {
                let library = faketime().context("no libfaketime: install Debian's `faketime`")?;
                let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
                std::fs::write(CLOCK, "+0")?;
                setup.environment = vec![
                    set("LD_PRELOAD", &library),
                    set("FAKETIME_TIMESTAMP_FILE", CLOCK),
                    set("FAKETIME_NO_CACHE", "1"),
                    // Only the wall clock.
                    set("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ];
            }
            _ => {}
        }
        Ok(setup)
    }

    /// Compares the figures with the promise.
    fn check(&self, figures: &Figures, record: &Record) -> Result<()> {
        let errors: Vec<&String> = record
            .errors
            .iter()
            .filter(|error| !self.expects(error))
            .collect();
        ensure!(errors.is_empty(), "a pipeline failed: {errors:?}");
        ensure!(
            figures.percent() >= self.least,
            "{:.2} % of the frames were delivered, {} are promised",
            figures.percent(),
            self.least
        );
        for (what, back) in [
            ("video", figures.picture_back),
            ("audio", figures.sound_back),
        ] {
            let back = back.with_context(|| format!("{what} never came back"))?;
            ensure!(back <= BACK, "{what} was back after {back} ms");
        }
        if let FullDisk = self.fault {
            let is_full = record.errors.iter().any(|error| self.expects(error));
            ensure!(is_full, "the disk did not become full");
        }
        Ok(())
    }

    /// Whether the error is that of the recording branch, which the application handles.
    fn expects(&self, error: &str) -> bool {
        matches!(self.fault, FullDisk) && error.starts_with("receiver: error recording ")
    }
}

/// The file with the offset of the parties' wall clock.
const CLOCK: &str = "/run/clock";

fn set_clock(offset: i64) -> Result<()> {
    Ok(std::fs::write(CLOCK, format!("{offset:+}"))?)
}

fn faketime() -> Option<String> {
    let folders = ["x86_64-linux-gnu/", "aarch64-linux-gnu/", ""];
    folders
        .iter()
        .map(|folder| format!("/usr/lib/{folder}faketime/libfaketimeMT.so.1"))
        .find(|path| std::path::Path::new(path).is_file())
}
