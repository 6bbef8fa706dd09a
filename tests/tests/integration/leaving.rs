//! Pads and calls when a participant leaves.

use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use acscall_tests::participant::Participant;
use acscall_tests::pipeline::{Pipeline, TIMEOUT, call, until};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

fn sender(call: &str, user: &str) -> Result<Pipeline> {
    Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 \
         ! acscallsink name=s {call} user={user}"
    ))
}

fn is_participant<'a>(user: &'a str, state: &'a str) -> impl Fn(&gst::StructureRef) -> bool + 'a {
    move |message| {
        message.name() == "acscall-participant"
            && message.get("participant") == Ok(user)
            && message.get("state") == Ok(state)
    }
}

#[test]
fn a_pad_ends_when_its_user_leaves_if_on_leave_is_eos() -> Result<()> {
    let call = call()?;
    let receive = |on_leave: &str| {
        Pipeline::playing(&format!(
            "acscallsrc name=c {call} user={on_leave} on-leave={on_leave} \
             c.video_alice ! fakesink name=end sync=false"
        ))
    };
    let (ends, keeps) = (receive("eos")?, receive("keep")?);
    let [ending, kept] = [ends.arrivals("end")?, keeps.arrivals("end")?];
    let alice = sender(&call, "alice")?;
    for arrivals in [&ending, &kept] {
        arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
    }
    drop(alice);
    ends.wait_eos()?;
    keeps.wait_element_message(is_participant("alice", "disconnected"))?;

    // A pad that is kept gets the stream again.
    for _ in kept.try_iter() {}
    let _alice = sender(&call, "alice")?;
    kept.recv_timeout(TIMEOUT)
        .context("no frame arrived again")?;
    let bus = keeps.0.bus().context("a bus")?;
    ensure!(
        bus.pop_filtered(&[gst::MessageType::Eos]).is_none(),
        "the pad has ended"
    );
    Ok(())
}

#[test]
fn a_pad_for_the_first_stream_ends_with_the_last_stream_that_can_replace_it() -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=ear on-leave=eos c. ! video/x-raw ! fakesink name=end \
         sync=false"
    ))?;
    let arrivals = receiving.arrivals("end")?;
    let alice = sender(&call, "alice")?;
    arrivals
        .recv_timeout(TIMEOUT)
        .context("no frame of alice arrived")?;
    let bob = sender(&call, "bob")?;
    receiving.wait_element_message(|message| {
        message.name() == "acscall-stream" && message.get("participant") == Ok("bob")
    })?;
    drop(alice);
    receiving.wait_element_message(is_participant("alice", "disconnected"))?;
    for _ in arrivals.try_iter() {}
    arrivals
        .recv_timeout(TIMEOUT)
        .context("no frame of bob arrived")?;
    drop(bob);
    receiving.wait_eos()
}

/// The participant id of alice.
fn id_of_alice(pipeline: &Pipeline) -> Result<String> {
    let participants = pipeline
        .element("c")?
        .property::<gst::Structure>("participants");
    let alice = participants.get::<gst::Structure>("alice")?;
    Ok(alice.get::<String>("id")?)
}

#[test]
fn a_user_who_returns_while_the_call_lingers_is_the_same_participant_on_the_same_legs() -> Result<()>
{
    let call = call()?;
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob c.video_alice ! fakesink name=end sync=false"
    ))?;
    let arrivals = receiving.arrivals("end")?;
    let legs = || -> Result<Vec<String>> {
        let stats = receiving.element("c")?.property::<gst::Structure>("stats");
        let names = stats.fields().filter(|field| field.starts_with("leg-"));
        Ok(names.map(ToString::to_string).collect())
    };
    let send = |linger: u32, name: &str| {
        Pipeline::playing(&format!(
            "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 \
             ! acscallsink {call} user=alice linger={linger} display-name={name}"
        ))
    };
    let is_stream = |available: bool| {
        move |message: &gst::StructureRef| {
            message.name() == "acscall-stream" && message.get("available") == Ok(available)
        }
    };
    let first = send(60_000, "a")?;
    arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
    let (id, before) = (id_of_alice(&receiving)?, legs()?);
    receiving.wait_element_message(is_stream(true))?;
    drop(first);
    receiving.wait_element_message(is_stream(false))?;
    ensure!(id_of_alice(&receiving)? == id, "alice is still there");
    for _ in arrivals.try_iter() {}

    let second = send(0, "a")?;
    receiving.wait_element_message(is_stream(true))?;
    arrivals
        .recv_timeout(TIMEOUT)
        .context("no frame arrived again")?;
    ensure!(id_of_alice(&receiving)? == id, "another participant");
    ensure!(legs()? == before, "a leg was replaced");
    second.wait_connected()?;
    drop(second);
    receiving.wait_element_message(is_stream(false))?;

    // An element with other call properties does not resume the lingering call.
    let _third = send(0, "b")?;
    receiving.wait_element_message(is_participant("alice", "disconnected"))?;
    receiving.wait_element_message(is_stream(true))?;
    ensure!(id_of_alice(&receiving)? != id, "the same participant");
    Ok(())
}

#[test]
fn a_lingering_call_is_left_after_its_time() -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::playing(&format!("acscallsrc name=c {call} user=bob"))?;
    receiving.wait_connected()?;
    let sending = Pipeline::playing(&format!("acscallsink {call} user=alice linger=200"))?;
    receiving.wait_element_message(is_participant("alice", "connected"))?;
    drop(sending);
    receiving.wait_element_message(is_participant("alice", "disconnected"))?;
    // Its thread must end, too, before the process does. Calls of other tests do not linger.
    until("no call lingers", || {
        let lingers = threads()?.iter().any(|name| name == "acscall-linger");
        Ok((!lingers).then_some(()))
    })?;
    Ok(())
}

/// The names of this process's threads.
fn threads() -> Result<Vec<String>> {
    let tasks = std::fs::read_dir("/proc/self/task")?;
    // A thread may end meanwhile.
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    Ok(names.map(|name| name.trim().to_owned()).collect())
}

/// The state in the message, if it is a state message of `element`.
fn state_of(element: &str, message: &gst::Message) -> Option<String> {
    let structure = message.structure()?;
    if message.src()?.name() != element {
        return None;
    }
    (structure.name() == "acscall-state").then(|| structure.get("state").ok())?
}

#[test]
fn no_message_about_a_call_is_posted_after_its_end() -> Result<()> {
    /// The time that the application takes for the first message.
    const HANDLING: Duration = Duration::from_millis(300);
    let call = call()?;
    let leaving = Pipeline::new(&format!(
        "acscallsink name=s {call} user=both acscallsrc {call} user=both"
    ))?;
    let (state_sender, states) = channel();
    let (begun, beginning) = channel();
    let (left, end) = channel::<()>();
    let end = Mutex::new(end);
    let bus = leaving.0.bus().context("a bus")?;
    bus.set_sync_handler(move |_, message| {
        if let Some(state) = state_of("s", message) {
            if state == "connecting" {
                let _receiver_dropped = begun.send(());
                let end = end.lock().unwrap_or_else(PoisonError::into_inner);
                let _left_or_timeout = end.recv_timeout(HANDLING);
            }
            let _receiver_dropped = state_sender.send(state);
        }
        gst::BusSyncReply::Drop
    });
    leaving.0.set_state(gst::State::Playing)?;
    beginning
        .recv_timeout(TIMEOUT)
        .context("no message was posted")?;
    leaving.0.set_state(gst::State::Ready)?;
    let _receiver_dropped = left.send(());
    drop(leaving);
    bus.unset_sync_handler();
    let states: Vec<_> = states.iter().collect();
    ensure!(
        states.last().is_some_and(|state| state == "disconnected"),
        "{states:?}"
    );
    ensure!(
        states
            .iter()
            .filter(|state| *state == "disconnected")
            .count()
            == 1
    );
    Ok(())
}

#[test]
fn the_server_of_a_process_runs_until_the_last_call_of_the_process_ends() -> Result<()> {
    let call = call()?;
    // This one runs the server.
    let alice = sender(&call, "alice")?;
    alice.wait_connected()?;
    let bob = Pipeline::playing(&format!("acscallsrc name=c {call} user=bob"))?;
    bob.wait_connected()?;
    drop(alice);
    let carol = sender(&call, "carol")?;
    carol.wait_connected()?;
    let is_carol = is_participant("carol", "connected");
    let next = bob.wait_element_message(|message| {
        // Bob's state changes if he loses the server.
        message.name() == "acscall-state" || is_carol(message)
    })?;
    ensure!(is_carol(&next), "{next}");
    Ok(())
}

#[test]
fn a_process_that_exits_without_stopping_its_pipeline_leaves_the_call() -> Result<()> {
    let call = call()?;
    let watcher = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=watcher c.audio ! fakesink sync=false"
    ))?;
    let mut leaving = Participant::start(
        Command::new(env!("CARGO_BIN_EXE_participant"))
            .arg("--abandon")
            .arg(format!(
                "audiotestsrc is-live=true ! acscallsink {call} user=brief"
            )),
    )?;
    let is_watcher = [
        "acscall-participant",
        "participant=watcher",
        "state=connected",
    ];
    leaving.wait_message(&is_watcher)?;
    watcher.wait_element_message(is_participant("brief", "connected"))?;
    leaving.process.leave()?;
    // A user whose connection was lost would be `connecting` for 30 s first.
    let is_brief = |message: &gst::StructureRef| {
        message.name() == "acscall-participant" && message.get("participant") == Ok("brief")
    };
    let message = watcher.wait_element_message(is_brief)?;
    ensure!(message.get::<&str>("state")? == "disconnected", "{message}");
    Ok(())
}

/// The key of the DTLS connections takes up to 300 ms, joining and connecting somewhat longer.
#[test]
fn a_process_that_exits_at_any_time_does_not_crash() -> Result<()> {
    let call = call()?;
    let _watcher = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=watcher c.audio ! fakesink sync=false"
    ))?;
    for time in (0..600).step_by(60) {
        let status = Command::new(env!("CARGO_BIN_EXE_participant"))
            .args(["--exit-after", &time.to_string()])
            .arg(format!(
                "videotestsrc is-live=true ! s.video audiotestsrc is-live=true ! s.audio \
                 acscallsink name=s {call} user=brief-{time}"
            ))
            .status()?;
        ensure!(status.success(), "after {time} ms: {status}");
    }
    Ok(())
}
