//! A network in user space with adjustable faults: `link NAMESPACE…`.
//!
//! Each network namespace gets a TUN device `link0`. IP packets that enter one device leave the device
//! that has their destination. A *line* connects each device with the middle; its [`Conditions`]
//! apply each way. The link learns addresses from the sources of packets, as a switch does, so an
//! address may move.
//!
//! On standard input, `NAMESPACE CONDITION…` changes a line and is answered with `ok`;
//! `count NAMESPACE` is answered with the packet counts of the line. The link ends with its input.
//!
//! It does not use netem, because kernels without that module are common where tests run
//! (containers, small virtual machines) and because its own random numbers have a seed. It is not
//! for measuring throughput: each packet passes one or two threads.

mod conditions;
mod network;
mod shape;

use std::io::{BufRead as _, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use acscall_tests::process::say;
use anyhow::{Context as _, Result, bail};
use conditions::Conditions;
use network::Network;
use nix::sched::{CloneFlags, setns};

/// As on most networks; the packets of calls are smaller.
const MTU: u16 = 1500;
/// The seed of the random numbers: every run is the same as far as it depends on this program.
const SEED: u64 = 1;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("link: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// An event for the thread that owns the network.
enum Event {
    Packet(usize, Vec<u8>),
    Line(String),
    End,
}

fn run() -> Result<()> {
    let namespaces: Vec<String> = std::env::args().skip(1).collect();
    if namespaces.is_empty() {
        bail!("usage: link NAMESPACE…");
    }
    let (sender, events) = channel();
    let mut writers = Vec::new();
    for (port, namespace) in namespaces.iter().enumerate() {
        let device = open_in(namespace.clone())?;
        let (reader, writer) = device.split();
        writers.push(writer);
        let sender = sender.clone();
        std::thread::spawn(move || read_packets(port, reader, &sender));
    }
    std::thread::spawn(move || read_lines(&sender));
    say("ready")?;
    forward(&namespaces, &events, &mut writers)
}

fn forward(
    namespaces: &[String],
    events: &Receiver<Event>,
    writers: &mut [tun::Writer],
) -> Result<()> {
    let start = clock();
    let mut network = Network::new(namespaces.len(), SEED);
    loop {
        let now = clock() - start;
        let event = match network.next() {
            Some(next) => events.recv_timeout(next.saturating_sub(now)),
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let now = clock() - start;
        match event {
            Ok(Event::Packet(port, packet)) => network.enter(port, packet, now),
            Ok(Event::Line(line)) => say(&handle_command(&line, namespaces, &mut network))?,
            Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        while let Some((port, packet)) = network.leave(now) {
            // Fails if the device is down, as a pulled cable would.
            let _lost = writers[port].write(&packet);
        }
    }
}

/// Handles a line of standard input, and returns the answer.
fn handle_command(line: &str, namespaces: &[String], network: &mut Network) -> String {
    let mut words = line.split_whitespace();
    let done = (|| {
        let first = words.next().context("an empty line")?;
        let port = |name: &str| {
            let port = namespaces.iter().position(|known| known == name);
            port.with_context(|| format!("no namespace '{name}'"))
        };
        if first == "count" {
            let port = port(words.next().unwrap_or_default())?;
            return Ok(network.counts(port));
        }
        let port = port(first)?;
        network.change(port, &Conditions::parse(words)?);
        anyhow::Ok("ok".to_owned())
    })();
    done.unwrap_or_else(|error| format!("error {error:#}"))
}

/// Creates a device in the namespace, on a thread that ends afterwards: entering a namespace affects
/// the calling thread.
fn open_in(namespace: String) -> Result<tun::Device> {
    let opened = std::thread::spawn(move || {
        let path = format!("/run/netns/{namespace}");
        let file = std::fs::File::open(&path).with_context(|| path.clone())?;
        setns(file, CloneFlags::CLONE_NEWNET).context(path)?;
        let mut configuration = tun::configure();
        configuration.tun_name("link0").mtu(MTU);
        tun::create(&configuration).context("the TUN device cannot be created")
    });
    opened
        .join()
        .unwrap_or_else(|_| bail!("opening a device panicked"))
}

fn read_packets(port: usize, mut reader: tun::Reader, sender: &Sender<Event>) {
    let mut packet = [0; MTU as usize];
    // Reading fails until the device is up.
    loop {
        match reader.read(&mut packet) {
            Ok(length) => {
                if sender
                    .send(Event::Packet(port, packet[..length].to_vec()))
                    .is_err()
                {
                    return;
                }
            }
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EIO as i32) => {
                std::thread::yield_now();
            }
            Err(_) => return,
        }
    }
}

fn read_lines(sender: &Sender<Event>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if sender.send(Event::Line(line)).is_err() {
            return;
        }
    }
    let _receiver_dropped = sender.send(Event::End);
}

#[expect(clippy::disallowed_methods, reason = "the one clock of this program")]
fn clock() -> Instant {
    Instant::now()
}

/// For the tests of several files.
#[cfg(test)]
const MILLISECOND: std::time::Duration = std::time::Duration::from_millis(1);
