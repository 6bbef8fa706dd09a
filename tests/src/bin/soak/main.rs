//! `cargo xtask soak`: participants that join, leave, send, read, are killed and come back, in an
//! order that a seed gives, and a look at what is left of it all.

mod actor;
mod judge;
mod leaks;
mod log;
mod plan;
mod random;
mod report;
mod show;
mod stage;
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

use plan::{Move, Plan};
use report::{Report, Sample};
use show::Show;
use stage::Step;
use watch::Census;

const USAGE: &str = "usage: soak [--seed N] [--minutes N | --rounds N] [--steps N] [--pause MS] \
    [--server PROGRAM] [--verbose] [--busy]";

/// How long what was left may take to be gone: the server's farewell, a connection that closes.
const GONE: Duration = Duration::from_secs(10);
/// Who was killed is given up: it has 30 s to come back.
const GIVEN_UP: Duration = Duration::from_secs(45);
/// What is freed at once, is freed.
const AT_REST: Duration = Duration::from_secs(1);

struct Arguments {
    seed: u64,
    minutes: Option<f64>,
    rounds: Option<u64>,
    /// In a round.
    steps: usize,
    /// The longest between two steps.
    pause: Duration,
    /// `acscall`, or none for a server in this process.
    server: Option<String>,
    verbose: bool,
    /// Other programs keep the machine busy, such as other tests.
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

/// True if nothing was found.
fn run() -> Result<bool> {
    let arguments = Arguments::parse()?;
    if std::env::var_os("GST_TRACERS").is_none() {
        // They are read at the start, and this process cannot change its own safely. glibc's heap
        // falls to pieces: 400 KiB more each minute, of which nothing is in use. jemalloc's does
        // not, and as set here it gives back at once what is free. Nor are stacks of threads that
        // have ended to be kept.
        let program = std::env::current_exe()?;
        let failed = Command::new(program)
            .args(std::env::args_os().skip(1))
            .args(["--seed", &arguments.seed.to_string()])
            .env("GST_TRACERS", "leaks")
            .env("LD_PRELOAD", watch::ALLOCATOR)
            .env("MALLOC_CONF", "narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0")
            .env("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=0")
            .exec();
        bail!("cannot start itself again: {failed}");
    }
    log::catch();
    init()?;
    println!("seed {}", arguments.seed);
    let mut report = Report {
        seed: arguments.seed,
        judges_memory: watch::has_allocator()?,
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
        println!("again: cargo xtask soak --seed {}", report.seed);
    }
    Ok(report.findings.is_empty())
}

fn soak(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let server = Server::start(arguments.server.as_deref())?;
    let mut show = Show::new(server.address.clone(), arguments.busy);
    let done = perform(arguments, &server, &mut show, report);
    report.messages = show.messages;
    report.findings.append(&mut show.findings);
    done
}

fn perform(
    arguments: &Arguments,
    server: &Server,
    show: &mut Show,
    report: &mut Report,
) -> Result<()> {
    let mut plan = Plan::new(arguments.seed);
    follow(plan.tour(), arguments, show, report)?;
    glib::ThreadPool::set_max_unused_threads(Some(0));
    show.listen(AT_REST);
    report.begin = Census::take()?;
    let before = leaks::living()?;

    let begun = now();
    let minutes = || (now() - begun).nseconds() as f64 / 6e10;
    let mut rounds = 0;
    let mut least = usize::MAX;
    while arguments.minutes.is_none_or(|limit| minutes() < limit)
        && arguments.rounds.is_none_or(|limit| rounds < limit)
    {
        follow(plan.round(arguments.steps), arguments, show, report)?;
        rounds += 1;
        // Legs to who has just left are on their way out; those to who was killed stay longer.
        let deadline = now() + gst::ClockTime::try_from(GIVEN_UP)?;
        let mut threads = rest(show)?;
        while threads > least && now() < deadline {
            threads = rest(show)?;
        }
        least = least.min(threads);
        let sample = Sample {
            minutes: minutes(),
            rss: watch::rss("self")?,
            server: server.rss()?,
        };
        println!(
            "{:6.1} min, {rounds} rounds: {:.0} KiB, {threads} threads, the server {:.0} KiB, \
             {} findings",
            sample.minutes,
            sample.rss,
            sample.server,
            show.findings.len()
        );
        report.samples.push(sample);
    }
    follow(plan.end(Vec::new()), arguments, show, report)?;

    let deadline = now() + gst::ClockTime::try_from(GONE)?;
    loop {
        glib::ThreadPool::stop_unused_threads();
        show.listen(AT_REST);
        report.end = Census::take()?;
        if report.end.more_than(&report.begin).is_empty() || now() > deadline {
            break;
        }
    }
    let after = leaks::living()?;
    report.living = (leaks::count(&before), leaks::count(&after));
    report.findings.extend(leaks::more(&after, &before));
    report.judge();
    Ok(())
}

/// Lets what has been freed go; says how many threads there are.
fn rest(show: &mut Show) -> Result<usize> {
    glib::ThreadPool::stop_unused_threads();
    show.listen(AT_REST);
    Ok(Census::take()?.thread_count())
}

fn follow(
    moves: Vec<Move>,
    arguments: &Arguments,
    show: &mut Show,
    report: &mut Report,
) -> Result<()> {
    for Move { step, pause } in moves {
        let begun = now();
        let found = show.findings.len();
        show.perform(&step)?;
        *report.steps.entry(step.name()).or_default() += 1;
        let pause = arguments.pause * u32::try_from(pause).unwrap_or(0) / 1000;
        if arguments.verbose {
            let took = (now() - begun).mseconds();
            println!("{step} ({took} ms, then {} ms)", pause.as_millis());
        }
        if step != Step::Rest {
            show.listen(pause);
        }
        for finding in &show.findings[found..] {
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
                process.line(GONE).context("the server is silent")?;
                Running::Process(process)
            }
            None => Running::Here(Embedded::start(SocketAddr::from(([127, 0, 0, 1], port)))?),
        };
        Ok(Server {
            address: format!("ws://127.0.0.1:{port}"),
            running,
        })
    }

    /// In KiB; 0 where it is in this process.
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
            let mut value = || given.next().with_context(|| format!("{name} what?"));
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
