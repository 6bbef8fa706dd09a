//! The figures: runs with each flood alternate with runs without it.

use std::process::Command;
use std::time::Duration;

use acscall_tests::pipeline::{TIMEOUT, free_port, now};
use acscall_tests::process::Process;
use acscall_tests::usage::{cpu, status};
use anyhow::{Context, Result, ensure};

use crate::call::wait;

/// All floods, and `receives`, a client that only receives.
pub(crate) const FLOODS: [&str; 11] = [
    "messages",
    "connections",
    "candidates",
    "signals",
    "receives",
    "key-frames",
    "offers",
    "roles",
    "wants",
    "media",
    "joins",
];

/// Runs with and without each flood.
const RUNS: usize = 3;
const RUN: Duration = Duration::from_secs(5);
/// The time after which a flood, or the call after one, is steady.
const SETTLING: Duration = Duration::from_secs(2);

/// Measures these floods.
pub(crate) fn print(floods: &[&str]) -> Result<()> {
    println!(
        "a call of two, 640×360 at 30 and audio each way; medians of {RUNS} runs of {} s",
        RUN.as_secs()
    );
    for flood in floods {
        let (alone, flooded) = measure(flood).with_context(|| flood.to_string())?;
        let ratio = |figure: fn(&Figures) -> f64| figure(&flooded) / figure(&alone);
        println!(
            "{flood:<12} call {:.2} → {:.2} cores (× {:.2}), latency {:.1} → {:.1} ms (× {:.2}), \
             95 % {:.1} → {:.1} ms, pictures/s {:.0} → {:.0}; server {:.3} → {:.3} cores, {:.0} MiB",
            alone.cpu,
            flooded.cpu,
            ratio(|f| f.cpu),
            alone.latency,
            flooded.latency,
            ratio(|f| f.latency),
            alone.late,
            flooded.late,
            alone.rate,
            flooded.rate,
            alone.server,
            flooded.server,
            flooded.memory,
        );
    }
    println!("target: × 1.20 at most");
    Ok(())
}

#[derive(Clone, Copy)]
struct Figures {
    /// Of the call, in cores.
    cpu: f64,
    /// Median and 95 % of the pictures' ages, in ms.
    latency: f64,
    late: f64,
    /// Pictures per second, both ways.
    rate: f64,
    /// Of the server, in cores.
    server: f64,
    /// Peak memory of the server, in MiB.
    memory: f64,
}

fn measure(flood: &str) -> Result<(Figures, Figures)> {
    let port = free_port()?.to_string();
    let server = Process::start(&mut role(0, &["server", &port])?)?;
    let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
    while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        ensure!(now() < deadline, "the server does not listen");
    }
    let mut call = Process::start(&mut role(0, &["call", &port])?)?;
    call.line(TIMEOUT)?;
    wait(SETTLING);
    let (mut alone, mut flooded) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        alone.push(run(&mut call, &server)?);
        // A client on another machine takes no processor time from the call. Its output is discarded.
        let mut hostile = role(19, &["hostile", flood, &port])?;
        let hostile = Process::start_with(&mut hostile, |_| true)?;
        wait(SETTLING);
        flooded.push(run(&mut call, &server)?);
        drop(hostile);
        wait(SETTLING);
    }
    Ok((medians(&alone), medians(&flooded)))
}

fn run(call: &mut Process, server: &Process) -> Result<Figures> {
    ages(call)?;
    let (call_before, server_before, begun) = (cpu(call.id())?, cpu(server.id())?, now());
    wait(RUN);
    let mut ages = ages(call)?;
    let seconds = (now() - begun).nseconds() as f64 / 1e9;
    ages.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (ages.len() as f64 * part) as usize;
        ages.get(index).copied().context("no picture arrived")
    };
    Ok(Figures {
        cpu: (cpu(call.id())? - call_before) / seconds,
        latency: at(0.5)?,
        late: at(0.95)?,
        rate: ages.len() as f64 / seconds,
        server: (cpu(server.id())? - server_before) / seconds,
        memory: status(&server.id().to_string(), "VmHWM")? / 1024.0,
    })
}

fn medians(runs: &[Figures]) -> Figures {
    let median = |figure: fn(&Figures) -> f64| {
        let mut figures: Vec<f64> = runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Figures {
        cpu: median(|f| f.cpu),
        latency: median(|f| f.latency),
        late: median(|f| f.late),
        rate: median(|f| f.rate),
        server: median(|f| f.server),
        memory: median(|f| f.memory),
    }
}

/// This program in another role.
fn role(nice: u32, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new("nice");
    command
        .arg(format!("--adjustment={nice}"))
        .arg(std::env::current_exe()?)
        .arg("--role")
        .args(arguments);
    Ok(command)
}

/// The ages of the pictures since the last request.
fn ages(call: &mut Process) -> Result<Vec<f64>> {
    call.write("")?;
    let line = call.line(TIMEOUT)?;
    Ok(line
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?)
}
