//! `cargo xtask soak`: participants join, leave, send, read, are killed and return, in an order
//! given by a seed. Messages are checked during the run, and leaks at its end.

mod actor;
mod checker;
mod expected;
mod leaks;
mod log;
mod plan;
mod report;
mod runner;
mod watch;

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::time::Duration;

use acscall::server::Embedded;
use acscall_tests::pipeline::{free_port, init, now};
use acscall_tests::process::Process;
use anyhow::{Context, Result, bail};
use gst::glib;

use expected::Step;
use plan::{Move, Plan};
use report::{Report, Sample};
use runner::Runner;
use watch::Census;

const USAGE: &str = "usage: soak [--seed N] [--minutes N | --rounds N] [--steps N] [--pause MS] \
    [--server PROGRAM] [--verbose] [--busy]";

/// How long closing connections may take to disappear after the last participant has left.
const GONE: Duration = Duration::from_secs(10);
/// After this time a killed participant is given up: it has 30 s to come back.
const GIVEN_UP: Duration = Duration::from_secs(45);
/// After this time objects without users are freed.
const AT_REST: Duration = Duration::from_secs(1);

struct Arguments {
    seed: u64,
    minutes: Option<f64>,
    rounds: Option<u64>,
    /// Steps of a round.
    steps: usize,
    /// The longest pause between two steps.
    pause: Duration,
    /// The path of `acscall`; `None` for a server in this process.
    server: Option<String>,
    verbose: bool,
    /// Whether other programs, such as other tests, keep the machine busy.
    busy: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns true if there are no findings.
fn run() -> Result<bool> {
    let arguments = Arguments::parse()?;
    if std::env::var_os("GST_TRACERS").is_none() {
        // These variables are read when a process starts. glibc's heap fragments: it grows by
        // 400 KiB per minute without a leak. jemalloc's does not, and with these settings it
        // returns free memory at once. Stacks of ended threads must not be kept either.
        let program = std::env::current_exe()?;
        let failed = Command::new(program)
            .args(std::env::args_os().skip(1))
            .args(["--seed", &arguments.seed.to_string()])
            .env("GST_TRACERS", "leaks")
            .env("LD_PRELOAD", watch::ALLOCATOR)
            .env("MALLOC_CONF", "narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0")
            .env("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=0")
            .exec();
        bail!("this program cannot be started again: {failed}");
    }
    log::catch();
    init()?;
    println!("seed {}", arguments.seed);
    let mut report = Report {
        seed: arguments.seed,
        checks_memory: watch::has_allocator()?,
        ..Report::default()
    };
    let done = soak(&arguments, &mut report);
    if let Err(error) = done {
        report.findings.push(format!("{error:#}"));
    }
    let (logged, known) = log::take();
    report.findings.extend(logged);
    report.known = known;
    println!("{}", report.text());
    if !report.findings.is_empty() {
        println!("repeat with: cargo xtask soak --seed {}", report.seed);
    }
    Ok(report.findings.is_empty())
}

fn soak(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let server = Server::start(arguments.server.as_deref())?;
    let mut runner = Runner::new(server.address.clone(), arguments.busy);
    let done = perform(arguments, &server, &mut runner, report);
    report.messages = runner.messages;
    report.findings.append(&mut runner.findings);
    done
}

fn perform(
    arguments: &Arguments,
    server: &Server,
    runner: &mut Runner,
    report: &mut Report,
) -> Result<()> {
    let mut plan = Plan::new(arguments.seed);
    follow(plan.tour(), arguments, runner, report)?;
    glib::ThreadPool::set_max_unused_threads(Some(0));
    runner.run_for(AT_REST);
    report.begin = Census::take()?;
    let before = leaks::living()?;

    let begun = now();
    let minutes = || (now() - begun).nseconds() as f64 / 6e10;
    let mut rounds = 0;
    let mut least = usize::MAX;
    while arguments.minutes.is_none_or(|limit| minutes() < limit)
        && arguments.rounds.is_none_or(|limit| rounds < limit)
    {
        follow(plan.round(arguments.steps), arguments, runner, report)?;
        rounds += 1;
        // Legs to participants that have left are closing; those to killed ones stay longer.
        let deadline = now() + gst::ClockTime::try_from(GIVEN_UP)?;
        let mut threads = rest(runner)?;
        while threads > least && now() < deadline {
            threads = rest(runner)?;
        }
        least = least.min(threads);
        let sample = Sample {
            minutes: minutes(),
            rss: watch::rss("self")?,
            server: server.rss()?,
        };
        println!(
            "{:6.1} min, {rounds} rounds: {:.0} KiB, {threads} threads, server {:.0} KiB, \
             {} findings",
            sample.minutes,
            sample.rss,
            sample.server,
            runner.findings.len()
        );
        report.samples.push(sample);
    }
    follow(plan.end(Vec::new()), arguments, runner, report)?;

    let deadline = now() + gst::ClockTime::try_from(GONE)?;
    loop {
        glib::ThreadPool::stop_unused_threads();
        runner.run_for(AT_REST);
        report.end = Census::take()?;
        if report.end.more_than(&report.begin).is_empty() || now() > deadline {
            break;
        }
    }
    let after = leaks::living()?;
    report.living = (leaks::count(&before), leaks::count(&after));
    report.findings.extend(leaks::more(&after, &before));
    report.check();
    Ok(())
}

/// Waits until freed objects are gone, and returns the number of threads.
fn rest(runner: &mut Runner) -> Result<usize> {
    glib::ThreadPool::stop_unused_threads();
    runner.run_for(AT_REST);
    Ok(Census::take()?.thread_count())
}

fn follow(
    moves: Vec<Move>,
    arguments: &Arguments,
    runner: &mut Runner,
    report: &mut Report,
) -> Result<()> {
    for Move { step, pause } in moves {
        let begun = now();
        let found = runner.findings.len();
        runner.perform(&step)?;
        *report.steps.entry(step.name()).or_default() += 1;
        let pause = arguments.pause * u32::try_from(pause).unwrap_or(0) / 1000;
        if arguments.verbose {
            let took = (now() - begun).mseconds();
            println!("{step} ({took} ms, then {} ms)", pause.as_millis());
        }
        if step != Step::Rest {
            runner.run_for(pause);
        }
        for finding in &runner.findings[found..] {
            println!("after '{step}': {finding}");
        }
    }
    Ok(())
}

/// The signalling server of a run.
struct Server {
    address: String,
    running: Running,
}

enum Running {
    Process(Process),
    Here(#[expect(dead_code, reason = "it serves until it is dropped")] Embedded),
}

impl Server {
    fn start(program: Option<&str>) -> Result<Server> {
        let port = free_port()?;
        let running = match program {
            Some(program) => {
                let mut command = Command::new(program);
                let listen = format!("127.0.0.1:{port}");
                command.args([
                    "serve",
                    "--listen",
                    &listen,
                    "--max-new-connections",
                    "1000",
                ]);
                let process = Process::start(command.env("ACSCALL_LOG", "warn"))?;
                process.line(GONE).context("the server does not start")?;
                Running::Process(process)
            }
            None => Running::Here(Embedded::start(SocketAddr::from(([127, 0, 0, 1], port)))?),
        };
        Ok(Server {
            address: format!("ws://127.0.0.1:{port}"),
            running,
        })
    }

    /// Resident memory in KiB; 0 if the server is in this process.
    fn rss(&self) -> Result<f64> {
        match &self.running {
            Running::Process(process) => watch::rss(&process.id().to_string()),
            Running::Here(_) => Ok(0.0),
        }
    }
}

impl Arguments {
    fn parse() -> Result<Arguments> {
        let mut arguments = Arguments {
            seed: now_as_seed(),
            minutes: None,
            rounds: None,
            steps: 60,
            pause: Duration::from_millis(800),
            server: None,
            verbose: false,
            busy: false,
        };
        let mut given = std::env::args().skip(1);
        while let Some(name) = given.next() {
            let mut value = || {
                given
                    .next()
                    .with_context(|| format!("{name} needs a value"))
            };
            match name.as_str() {
                "--seed" => arguments.seed = value()?.parse()?,
                "--minutes" => arguments.minutes = Some(value()?.parse()?),
                "--rounds" => arguments.rounds = Some(value()?.parse()?),
                "--steps" => arguments.steps = value()?.parse()?,
                "--pause" => arguments.pause = Duration::from_millis(value()?.parse()?),
                "--server" => arguments.server = Some(value()?),
                "--verbose" => arguments.verbose = true,
                "--busy" => arguments.busy = true,
                _ => bail!("{USAGE}"),
            }
        }
        if arguments.minutes.is_none() && arguments.rounds.is_none() {
            arguments.minutes = Some(30.0);
        }
        Ok(arguments)
    }
}

#[expect(clippy::disallowed_methods, reason = "any number will do")]
fn now_as_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_secs())
}
