//! The figures: each flood's runs beside runs without it, in turn.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use acscall_tests::pipeline::{TIMEOUT, free_port, now};
use anyhow::{Context, Result, ensure};

use crate::call::wait;

/// All floods, and the client that only receives.
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

/// Runs of each.
const RUNS: usize = 3;
const RUN: Duration = Duration::from_secs(5);
/// Until a flood, or the call after one, is as it stays.
const SETTLING: Duration = Duration::from_secs(2);

/// Measures these floods.
pub(crate) fn print(floods: &[&str]) -> Result<()> {
    println!(
        "a call of two, 640×360 at 30 and sound each way; medians of {RUNS} runs of {} s",
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
    /// The most that the server had, in MiB.
    memory: f64,
}

fn measure(flood: &str) -> Result<(Figures, Figures)> {
    let port = free_port()?.to_string();
    let server = Role::start(&["server", &port])?;
    let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
    while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        ensure!(now() < deadline, "the server does not listen");
    }
    let mut call = Role::start(&["call", &port])?;
    call.line()?;
    wait(SETTLING);
    let (mut alone, mut flooded) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        alone.push(run(&mut call, &server)?);
        let hostile = Role::start(&["hostile", flood, &port])?;
        wait(SETTLING);
        flooded.push(run(&mut call, &server)?);
        drop(hostile);
        wait(SETTLING);
    }
    Ok((medians(&alone), medians(&flooded)))
}

fn run(call: &mut Role, server: &Role) -> Result<Figures> {
    call.ages()?;
    let (cpu, of_server, begun) = (cpu(call.id())?, cpu_of(server)?, now());
    wait(RUN);
    let mut ages = call.ages()?;
    let seconds = (now() - begun).nseconds() as f64 / 1e9;
    ages.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (ages.len() as f64 * part) as usize;
        ages.get(index).copied().context("no picture came")
    };
    Ok(Figures {
        cpu: (self::cpu(call.id())? - cpu) / seconds,
        latency: at(0.5)?,
        late: at(0.95)?,
        rate: ages.len() as f64 / seconds,
        server: (cpu_of(server)? - of_server) / seconds,
        memory: memory(server.id())?,
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

/// This program in another role; killed when dropped.
struct Role {
    child: Child,
    input: ChildStdin,
    lines: Option<BufReader<ChildStdout>>,
}

impl Role {
    fn start(arguments: &[&str]) -> Result<Role> {
        // A client of another machine takes none of this one's time.
        let is_hostile = arguments[0] == "hostile";
        let nice = if is_hostile { "19" } else { "0" };
        let mut child = Command::new("nice")
            .arg(format!("--adjustment={nice}"))
            .arg(std::env::current_exe()?)
            .arg("--role")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("its input is piped")?;
        let mut lines = child.stdout.take().map(BufReader::new);
        if let Some(mut lines) = lines.take_if(|_| is_hostile) {
            // Nobody asks what it was answered.
            std::thread::spawn(move || io::copy(&mut lines, &mut io::sink()));
        }
        Ok(Role {
            child,
            input,
            lines,
        })
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let lines = self.lines.as_mut().context("its lines are not read")?;
        ensure!(lines.read_line(&mut line)? > 0, "a process ended early");
        Ok(line)
    }

    /// The ages of the pictures since the last time.
    fn ages(&mut self) -> Result<Vec<f64>> {
        writeln!(self.input)?;
        let line = self.line()?;
        Ok(line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _already_over = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}

fn cpu_of(role: &Role) -> Result<f64> {
    cpu(role.id())
}

/// Processor time that a process used so far, in seconds; see proc(5).
fn cpu(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = ticks(11)
        .zip(ticks(12))
        .context("/proc/PID/stat has the times")?;
    // USER_HZ is 100 on every Linux that Debian supports.
    Ok((user + system) / 100.0)
}

/// The most memory that a process had, in MiB.
fn memory(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .map(|kib| kib / 1024.0)
        .context("/proc/PID/status has VmHWM")
}
