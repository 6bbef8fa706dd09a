//! Calls between processes: some leave, some are killed, including the one with the server.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use acscall_tests::namespace;
use acscall_tests::participant::Participant;
use acscall_tests::pipeline::{free_port, init, until};
use acscall_tests::skipped::skip;
use anyhow::{Context, Result, ensure};

const USERS: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];

fn participant(port: u16, user: &str) -> Result<Participant> {
    let call = format!("server=ws://127.0.0.1:{port} call=five user={user}");
    let others: String = USERS
        .into_iter()
        .filter(|other| *other != user)
        .map(|other| {
            format!(
                "c.video_{other} ! fakesink name=v-{other} sync=false async=false \
                 c.audio_{other} ! fakesink name=a-{other} sync=false async=false "
            )
        })
        .collect();
    let description = format!(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=10/1 ! s.video \
         audiotestsrc is-live=true ! s.audio \
         acscallsink name=s {call} acscallsrc name=c {call} {others}"
    );
    Participant::start(Command::new(env!("CARGO_BIN_EXE_participant")).arg(description))
}

#[test]
fn five_participants_leave_are_killed_and_return_while_the_pipelines_run_on() -> Result<()> {
    init()?;
    let port = free_port()?;
    // The first process runs the server.
    let mut first = participant(port, "p0")?;
    first.wait_message(&["acscall-state", "state=connected"])?;
    let mut others: BTreeMap<&str, Participant> = BTreeMap::new();
    for user in &USERS[1..] {
        others.insert(user, participant(port, user)?);
    }
    let sinks = |users: &[&str], me: &str| -> Vec<String> {
        let others = users.iter().filter(|user| **user != me);
        others
            .flat_map(|user| [format!("v-{user}"), format!("a-{user}")])
            .collect()
    };
    let all_see = |process: &mut Participant, me: &str, users: &[&str]| -> Result<()> {
        let sinks = sinks(users, me);
        let sinks: Vec<&str> = sinks.iter().map(String::as_str).collect();
        process
            .wait_frames(&sinks, 3)
            .with_context(|| format!("at {me}"))
    };
    all_see(&mut first, "p0", &USERS)?;
    for (user, process) in &mut others {
        all_see(process, user, &USERS)?;
    }

    // One participant leaves, one is killed.
    others.remove("p1").context("p1 runs")?.process.leave()?;
    drop(others.remove("p2"));
    let left = ["p0", "p3", "p4"];
    for (user, process) in &mut others {
        process.wait_message(&[
            "acscall-participant",
            "participant=p1",
            "state=disconnected",
        ])?;
        process.wait_message(&["acscall-participant", "participant=p2", "state=connecting"])?;
        all_see(process, user, &left)?;
    }

    // Both return: the same pads continue.
    for user in ["p1", "p2"] {
        others.insert(user, participant(port, user)?);
    }
    all_see(&mut first, "p0", &USERS)?;
    for (user, process) in &mut others {
        all_see(process, user, &USERS)?;
    }

    // The process with the server is killed: another takes over, the rest continues, and one joins.
    drop(first);
    let rest = ["p1", "p2", "p3", "p4"];
    for (user, process) in &mut others {
        all_see(process, user, &rest)?;
    }
    let mut first = participant(port, "p0")?;
    all_see(&mut first, "p0", &USERS)?;
    for (user, process) in &mut others {
        all_see(process, user, &USERS)?;
    }
    Ok(())
}

#[test]
fn a_call_works_on_a_machine_without_a_network() -> Result<()> {
    if let Some(missing) = namespace::missing() {
        return skip(&missing);
    }
    init()?;
    let port = free_port()?;
    let call = format!("server=ws://127.0.0.1:{port} call=lonely");
    let description = format!(
        "videotestsrc is-live=true ! acscallsink {call} user=a \
         acscallsrc name=c {call} user=b c.video_a ! fakesink name=end sync=false"
    );
    // A namespace in which only lo is up.
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "sh", "-c"]);
    command.arg("ip link set lo up && exec \"$0\" \"$1\"");
    command.args([env!("CARGO_BIN_EXE_participant"), &description]);
    let mut process = Participant::start(&mut command)?;
    process.wait_frames(&["end"], 3)?;
    process.process.leave()
}

fn launch(line: &str) -> Result<Child> {
    let target = std::env::current_exe()?;
    let plugins = target
        .ancestors()
        .nth(2)
        .context("tests run in target/PROFILE/deps")?;
    Ok(Command::new("gst-launch-1.0")
        .args(line.split_whitespace())
        .env("GST_PLUGIN_PATH", plugins)
        .stdout(Stdio::null())
        .spawn()?)
}

#[test]
fn a_server_that_closes_a_connection_at_once_does_not_end_the_process() -> Result<()> {
    init()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    // Not TLS: the client answers with an alert, to a connection that is closed by then.
    let answer = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept()?;
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
        connection.shutdown(std::net::Shutdown::Both)
    });
    let mut sender = launch(&format!(
        "videotestsrc is-live=true ! acscallsink call=x user=a server=wss://127.0.0.1:{port}"
    ))?;
    answer
        .join()
        .map_err(|_| anyhow::anyhow!("it panicked"))??;
    let ended = until("the pipeline has failed", || Ok(sender.try_wait()?));
    if ended.is_err() {
        sender.kill()?;
        sender.wait()?;
    }
    let status = ended?;
    ensure!(status.code() == Some(1), "{status}");
    Ok(())
}

#[test]
fn two_gst_launch_lines_form_a_call() -> Result<()> {
    init()?;
    let port = free_port()?;
    let call = format!("server=ws://127.0.0.1:{port} call=x");
    let mut sender = launch(&format!(
        "videotestsrc is-live=true ! acscallsink {call} user=a"
    ))?;
    // Ends after ten frames.
    let mut receiver = launch(&format!(
        "acscallsrc {call} user=b ! videoconvert ! identity eos-after=10 ! fakesink"
    ))?;
    let ended = until("the receiver has received its frames", || {
        Ok(receiver.try_wait()?)
    });
    sender.kill()?;
    sender.wait()?;
    if ended.is_err() {
        receiver.kill()?;
        receiver.wait()?;
    }
    let status = ended?;
    ensure!(status.success(), "the receiver failed: {status}");
    Ok(())
}
