//! Calls over networks that are too narrow, in namespaces of their own.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use acscall_tests::pipeline::{free_port, init, now};
use acscall_tests::process::Process;
use anyhow::{Result, ensure};

/// A call of two users in one process, in a namespace in which there is only `lo`.
struct Network {
    process: Process,
    is_narrow: bool,
    /// Frames that came to each sink, in all.
    frames: BTreeMap<String, u64>,
    /// The bit rate of each sent stream, in kbit/s.
    rates: BTreeMap<String, u64>,
    told: Vec<String>,
}

impl Network {
    fn new() -> Result<Network> {
        init()?;
        let call = format!("server=ws://127.0.0.1:{} call=x", free_port()?);
        // Of noise in one corner an encoder makes as much as it may.
        let description = format!(
            "videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=30/1 \
             ! s.video audiotestsrc is-live=true wave=pink-noise ! s.audio \
             acscallsink name=s {call} user=a \
             acscallsrc name=c {call} user=b c.video_a ! fakesink name=video sync=false \
             c.audio_a ! fakesink name=audio sync=false"
        );
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c"]);
        // As large packets as on other networks.
        command.arg("ip link set lo up mtu 1500 && exec \"$0\" \"$1\"");
        command.args([env!("CARGO_BIN_EXE_participant"), &description]);
        Ok(Network {
            process: Process::start(&mut command)?,
            is_narrow: false,
            frames: BTreeMap::new(),
            rates: BTreeMap::new(),
            told: Vec::new(),
        })
    }

    /// Lets no more through than `rate`, with a queue of 300 ms; all of it with `None`.
    fn limit(&mut self, rate: Option<&str>) -> Result<()> {
        let mut tc = Command::new("nsenter");
        // Not everybody has the system's programs in the path.
        let path = std::env::var("PATH").unwrap_or_default();
        tc.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        tc.args(["--preserve-credentials", "-U", "-n", "-t"]);
        tc.args([&self.process.id().to_string(), "tc", "qdisc"]);
        match rate {
            Some(rate) => {
                let action = if self.is_narrow { "change" } else { "add" };
                tc.args([action, "dev", "lo", "root", "tbf", "rate", rate]);
                tc.args(["burst", "3000", "latency", "300ms"]);
            }
            None => drop(tc.args(["del", "dev", "lo", "root"])),
        }
        ensure!(tc.status()?.success(), "the network cannot be limited");
        self.is_narrow = rate.is_some();
        Ok(())
    }

    /// Takes in what is told for this long. Pipelines never end and never fail.
    fn run(&mut self, time: Duration) -> Result<()> {
        let end = now() + gst::ClockTime::try_from(time)?;
        while now() < end {
            let line = self.process.line(Duration::from_secs(10))?;
            let parts: Vec<&str> = line.split_whitespace().collect();
            match parts[..] {
                ["frames", sink, count] => {
                    self.frames.insert(sink.into(), count.parse()?);
                }
                ["rate", pad, rate, _encoded] => {
                    self.rates.insert(pad.into(), rate.parse()?);
                }
                ["told", ..] => self.told.push(line),
                ["warning", ..] => {}
                _ => anyhow::bail!("{line}"),
            }
        }
        Ok(())
    }

    fn rate(&self) -> u64 {
        self.rates.get("video").copied().unwrap_or(0)
    }

    /// How many frames came to both sinks in this time.
    fn count(&mut self, time: Duration) -> Result<(u64, u64)> {
        let count = |network: &Network, sink| network.frames.get(sink).copied().unwrap_or(0);
        let (video, audio) = (count(self, "video"), count(self, "audio"));
        self.run(time)?;
        Ok((count(self, "video") - video, count(self, "audio") - audio))
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_encoder_follows_a_bottleneck_that_appears_and_goes() -> Result<()> {
    let mut network = Network::new()?;
    network.run(4 * SECOND)?;
    ensure!(network.rate() == 2500, "{} kbit/s at first", network.rate());

    network.limit(Some("1mbit"))?;
    // Time to find it, and to empty its queue.
    network.run(5 * SECOND)?;
    let (video, audio) = network.count(4 * SECOND)?;
    let narrow = network.rate();
    ensure!((150..1000).contains(&narrow), "{narrow} kbit/s at 1 Mbit/s");
    ensure!(video >= 40 && audio >= 150, "{video} and {audio} in 4 s");

    network.limit(None)?;
    network.run(10 * SECOND)?;
    let wide = network.rate();
    ensure!(wide > narrow, "{narrow} and then {wide} kbit/s");
    Ok(())
}

#[test]
fn below_the_least_video_only_sound_is_sent_until_the_network_is_wider() -> Result<()> {
    let mut network = Network::new()?;
    network.run(3 * SECOND)?;
    network.limit(Some("100kbit"))?;
    let is_slow = |network: &Network, slow: &str| {
        ["direction=send", "direction=receive"].iter().all(|way| {
            network.told.iter().any(|line| {
                line.contains("acscall-slow")
                    && line.contains(way)
                    && line.contains(&format!("slow={slow}"))
            })
        })
    };
    for _ in 0..20 {
        network.run(SECOND)?;
        if is_slow(&network, "TRUE") {
            break;
        }
    }
    ensure!(is_slow(&network, "TRUE"), "{:?}", network.told);
    // What was on its way comes first.
    network.run(2 * SECOND)?;
    let (video, audio) = network.count(2 * SECOND)?;
    ensure!(video == 0 && audio >= 50, "{video} and {audio} in 2 s");

    network.limit(None)?;
    for _ in 0..30 {
        network.run(SECOND)?;
        if is_slow(&network, "FALSE") {
            break;
        }
    }
    ensure!(is_slow(&network, "FALSE"), "{:?}", network.told);
    let (video, _) = network.count(4 * SECOND)?;
    ensure!(video >= 20, "{video} in 4 s");
    Ok(())
}
