//! Calls over networks with too little bandwidth, in their own namespaces.

use std::process::Command;

use acscall_tests::namespace;
use acscall_tests::participant::Participant;
use acscall_tests::pipeline::{free_port, init};
use acscall_tests::skipped::skip;
use anyhow::{Result, ensure};

/// A call of two users in one process, in a namespace with only `lo`.
struct Network {
    both: Participant,
    is_narrow: bool,
}

impl Network {
    /// Returns `None`, and reports the test as skipped, if namespaces cannot be created.
    fn new() -> Result<Option<Network>> {
        if let Some(missing) = namespace::missing() {
            skip(&missing)?;
            return Ok(None);
        }
        init()?;
        let call = format!("server=ws://127.0.0.1:{} call=x", free_port()?);
        // The noise in one corner makes the encoder use its full bit rate.
        let description = format!(
            "videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=30/1 \
             ! s.video audiotestsrc is-live=true wave=pink-noise ! s.audio \
             acscallsink name=s {call} user=a \
             acscallsrc name=c {call} user=b c.video_a ! fakesink name=video sync=false \
             c.audio_a ! fakesink name=audio sync=false"
        );
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c"]);
        // The packet size of other networks.
        command.arg("ip link set lo up mtu 1500 && exec \"$0\" \"$1\"");
        command.args([env!("CARGO_BIN_EXE_participant"), &description]);
        Ok(Some(Network {
            both: Participant::start(&mut command)?,
            is_narrow: false,
        }))
    }

    /// Limits the network to `rate`, with a queue of 300 ms; `None` removes the limit.
    fn limit(&mut self, rate: Option<&str>) -> Result<()> {
        let mut tc = Command::new("nsenter");
        // Not every user has the system's programs in the path.
        let path = std::env::var("PATH").unwrap_or_default();
        tc.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        tc.args(["--preserve-credentials", "-U", "-n", "-t"]);
        tc.args([&self.both.process.id().to_string(), "tc", "qdisc"]);
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

    /// Waits until `wanted` returns true for the bit rate of the encoder.
    fn wait_rate(&mut self, what: &str, wanted: impl Fn(u64) -> bool) -> Result<()> {
        self.both.until(what, |now| wanted(rate(now)))
    }

    /// Waits until both ends have posted whether the path is too slow for video.
    fn wait_slow(&mut self, is_slow: bool) -> Result<()> {
        let slow = if is_slow { "slow=TRUE" } else { "slow=FALSE" };
        let posted = |now: &Participant, way: &str| {
            let mut messages = now.messages.iter();
            messages.any(|m| {
                ["acscall-slow", way, slow]
                    .iter()
                    .all(|part| m.contains(part))
            })
        };
        self.both.until(&format!("both ends post {slow}"), |now| {
            posted(now, "direction=send") && posted(now, "direction=receive")
        })
    }
}

/// The bit rate of the video, in kbit/s.
fn rate(now: &Participant) -> u64 {
    now.rates.get("video").copied().unwrap_or(0)
}

#[test]
fn the_encoder_follows_a_bottleneck_that_appears_and_disappears() -> Result<()> {
    let Some(mut network) = Network::new()? else {
        return Ok(());
    };
    network.both.wait_frames(&["video", "audio"], 60)?;
    network.wait_rate("the rate is the default", |rate| rate == 2500)?;

    network.limit(Some("1mbit"))?;
    network.wait_rate("the rate fits the network", |rate| rate < 1000)?;
    // The queue at the bottleneck drains, and media flows on.
    network.both.wait_frames(&["video", "audio"], 60)?;
    let narrow = rate(&network.both);
    ensure!((150..1000).contains(&narrow), "{narrow} kbit/s at 1 Mbit/s");

    network.limit(None)?;
    network.wait_rate("the rate rises again", |rate| rate > narrow)
}

#[test]
fn below_the_minimum_for_video_only_audio_is_sent_until_the_network_is_faster() -> Result<()> {
    let Some(mut network) = Network::new()? else {
        return Ok(());
    };
    network.both.wait_frames(&["video", "audio"], 30)?;
    network.limit(Some("100kbit"))?;
    network.wait_slow(true)?;
    // Frames on their way arrive first, then only audio.
    let mut pictures = None;
    while pictures != Some(network.both.count("video")) {
        pictures = Some(network.both.count("video"));
        network.both.wait_frames(&["audio"], 100)?;
    }

    network.limit(None)?;
    network.wait_slow(false)?;
    network.both.wait_frames(&["video"], 20)
}
