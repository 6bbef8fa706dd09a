//! A live call: a server with a page to join it, a bot that answers, and a sample caller.
//!
//! The bot takes the camera and the screen of a caller, makes them black and white and sends them
//! back as its own, with a tone as its voice. The sample caller sends a clip, so that there is
//! something to see without other callers. `cargo xtask demo` builds and starts this program.

mod bot;
mod recording;
mod sample;
mod screen;
mod server;
mod stamp;
mod stream;
mod table;

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use gst::glib;
use gst::prelude::*;

use bot::Bot;
use recording::Recording;
use sample::{Played, Sample};
use screen::StatusLine;
use server::Server;

#[derive(Parser)]
#[command(name = "demo", about = "A live call to watch and join")]
struct Arguments {
    /// Ends after N seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// The file that the sample caller plays, instead of a test picture and a tune
    #[arg(long, value_name = "FILE")]
    media: Option<PathBuf>,
    /// The file with its audio, instead of the audio of --media
    #[arg(long, value_name = "FILE", requires = "media")]
    speech: Option<PathBuf>,
    /// The name of the call
    #[arg(long, default_value = "demo")]
    call: String,
    /// The server's port, on loopback only; 0 for any free port
    #[arg(long, default_value_t = 7788)]
    port: u16,
    /// Without the sample caller
    #[arg(long)]
    no_caller: bool,
    /// The program `acscall`
    #[arg(long, value_name = "FILE", default_value = "acscall")]
    server_program: PathBuf,
    /// The folder for the recording and for pictures of the received streams
    #[arg(long, value_name = "FOLDER", default_value = "target/demo")]
    pictures: PathBuf,
}

/// The server and the name of the call.
struct Place {
    server: String,
    call: String,
}

/// SIGHUP, SIGINT and SIGTERM. Their numbers are the same on every system.
const ENDING_SIGNALS: [i32; 3] = [1, 2, 15];

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("Error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let server = Server::start(&arguments.server_program, arguments.port)?;
    println!(
        "Open {} to join the call: the bot sends your picture back in black and white.",
        server.page(&arguments.call)
    );
    println!("Ctrl-C ends it.\n");

    gst::init()?;
    gstacscall::plugin_register_static()?;
    gstrawmedia::plugin_register_static()?;
    std::fs::create_dir_all(&arguments.pictures)
        .with_context(|| format!("{} cannot be created", arguments.pictures.display()))?;
    let place = Place {
        server: server.signalling(),
        call: arguments.call.clone(),
    };
    let demo = Demo {
        bot: Bot::join(&place)?,
        sample: if arguments.no_caller {
            None
        } else {
            let played = arguments.media.as_deref().map(|media| Played {
                media,
                speech: arguments.speech.as_deref(),
            });
            Some(Sample::join(&place, played, &arguments.pictures)?)
        },
        line: StatusLine::new(),
    };
    let (demo, played, failure) = play(demo, arguments.seconds)?;
    demo.line.finish();
    if let Some(failure) = failure {
        bail!(failure);
    }
    let came_back = demo.summarize(played, arguments)?;
    // Only the sample caller must have received an answer.
    Ok(if demo.sample.is_none() || came_back {
        ExitCode::SUCCESS
    } else {
        eprintln!("Error: the bot never answered the sample caller");
        ExitCode::FAILURE
    })
}

struct Demo {
    bot: Bot,
    sample: Option<Sample>,
    line: StatusLine,
}

/// Runs until the time is over, a signal interrupts it, or something fails. Returns the demo, the
/// elapsed time and the cause of a failure.
fn play(demo: Demo, seconds: Option<u32>) -> Result<(Demo, Duration, Option<String>)> {
    let main_loop = glib::MainLoop::new(None, false);
    let failure = Rc::new(RefCell::new(None));
    let begun = gst::get_timestamp();
    let pipelines: Vec<_> = demo.pipelines().cloned().collect();
    let demo = Rc::new(RefCell::new(demo));

    let mut sources = Vec::new();
    let mut watches = Vec::new();
    for pipeline in &pipelines {
        let bus = pipeline.bus().context("a pipeline has a bus")?;
        let (demo, failure, main_loop) = (demo.clone(), failure.clone(), main_loop.clone());
        watches.push(bus.add_watch_local(move |_, message| {
            if let Err(error) = demo.borrow_mut().handle(message) {
                failure.replace(Some(format!("{error:#}")));
                main_loop.quit();
            }
            glib::ControlFlow::Continue
        })?);
    }
    for signal in ENDING_SIGNALS {
        let main_loop = main_loop.clone();
        sources.push(glib_unix::unix_signal_add_local(signal, move || {
            main_loop.quit();
            glib::ControlFlow::Continue
        }));
    }
    sources.push(glib::timeout_add_seconds_local(1, {
        let demo = demo.clone();
        move || {
            demo.borrow_mut()
                .update_status(gst::get_timestamp() - begun);
            glib::ControlFlow::Continue
        }
    }));
    if let Some(seconds) = seconds {
        let main_loop = main_loop.clone();
        sources.push(glib::timeout_add_seconds_local(seconds, move || {
            main_loop.quit();
            glib::ControlFlow::Continue
        }));
    }
    main_loop.run();

    let played = gst::get_timestamp() - begun;
    drop(watches);
    for source in sources {
        source.remove();
    }
    let demo = Rc::into_inner(demo).context("nothing else holds the demo any more")?;
    Ok((demo.into_inner(), played.into(), failure.take()))
}

/// Starts `pipeline`; on failure the error is that of the element.
fn start(pipeline: &gst::Pipeline) -> Result<()> {
    pipeline
        .set_state(gst::State::Playing)
        .map(drop)
        .map_err(|error| words_of(pipeline, error))
}

/// Returns the error message of a pipeline that failed to start, and stops it so that it can be
/// dropped.
fn words_of(pipeline: &gst::Pipeline, error: gst::StateChangeError) -> anyhow::Error {
    let message = pipeline
        .bus()
        .and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
    let _stopped = pipeline.set_state(gst::State::Null);
    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Error(words)) => anyhow!("{}", words.error()),
        _ => error.into(),
    }
}

impl Demo {
    fn pipelines(&self) -> impl Iterator<Item = &gst::Pipeline> {
        self.sample
            .iter()
            .flat_map(Sample::pipelines)
            .chain([self.bot.pipeline()])
    }

    fn handle(&mut self, message: &gst::Message) -> Result<()> {
        match message.view() {
            gst::MessageView::Error(error) if self.is_of_recording(message) => {
                // The call continues.
                let recording = self.sample.as_mut().and_then(Sample::recording_mut);
                if recording.is_some_and(Recording::fail) {
                    let text = format!("The recording has failed: {}", error.error());
                    self.line.print(&text);
                }
            }
            gst::MessageView::Error(error) => bail!("{}", error.error()),
            gst::MessageView::Warning(warning) => {
                self.line.print(&format!("Warning: {}", warning.error()));
            }
            gst::MessageView::Latency(_) => {
                for pipeline in self.pipelines() {
                    // The next such message repeats it.
                    let _keeps_the_old_one = pipeline.recalculate_latency();
                }
            }
            gst::MessageView::SegmentDone(_) | gst::MessageView::Eos(_) => {
                if let Some(sample) = &self.sample {
                    sample.play_again(message)?;
                }
            }
            gst::MessageView::Element(_) => self.bot.follow(&mut self.line)?,
            _ => {}
        }
        Ok(())
    }

    fn is_of_recording(&self, message: &gst::Message) -> bool {
        let recording = self.sample.as_ref().and_then(Sample::recording);
        recording.is_some_and(|recording| recording.is_of(message))
    }

    /// Updates the status line.
    fn update_status(&mut self, time: gst::ClockTime) {
        let present = self.bot.present();
        let mut parts = vec![format!(
            "{:02}:{:02}  {} in the call: {}",
            time.minutes(),
            time.seconds() % 60,
            present.len(),
            present.join(", ")
        )];
        let mut received = vec![("bot", self.bot.received())];
        if let Some(sample) = &mut self.sample {
            sample.next_note();
            received.push(("sample", sample.received()));
        }
        for (who, streams) in received {
            let rates: Vec<_> = streams.iter().filter_map(|stream| stream.rate()).collect();
            if !rates.is_empty() {
                parts.push(format!("{who} gets {}", rates.join(", ")));
            }
        }
        if let Some(latency) = self.sample.as_ref().and_then(Sample::loop_latency) {
            parts.push(format!("round trip {} ms", latency.as_millis()));
        }
        self.line.renew(&parts.join(" │ "));
    }

    /// Prints what was sent and received, finishes the recording and writes the pictures. Returns
    /// whether the sample caller received an answer.
    fn summarize(&self, played: Duration, arguments: &Arguments) -> Result<bool> {
        let mut streams = self.bot.all_streams();
        let came_back = self.sample.as_ref().is_some_and(|sample| {
            streams.extend(sample.all_streams());
            sample
                .received()
                .iter()
                .any(|stream| stream.picture().is_some())
        });
        println!("After {:.0} s:", played.as_secs_f64());
        print!("{}", table::of(&streams));
        for stream in &streams {
            if let Some(path) = stream.save(&arguments.pictures)? {
                println!("{}", path.display());
            }
        }
        if let Some(recording) = self.sample.as_ref().and_then(Sample::recording) {
            let counted = recording.counted();
            match recording.finish() {
                Ok(()) => println!("{}: {counted}", recording.path().display()),
                Err(error) => eprintln!("Warning: {error:#}"),
            }
        }
        Ok(came_back)
    }
}
