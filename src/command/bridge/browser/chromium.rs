//! Chromium as a process: found, started without anything of this user's or this machine's, and
//! ended with all its children.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::devtools::{CommandError, DevTools};
use super::profile::Profile;
use crate::command::bridge::console::Console;
use crate::command::bridge::credentials::VARIABLES;
use crate::command::bridge::end::{Failure, Result};

/// The names of Chromium, the preferred first.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// What starts it. The pipes come as standard input and output, and Chromium expects them as the
/// file descriptors 3 and 4. The shell is the one who removes the profile when this program cannot,
/// because it was killed: Chromium ends when its pipe does.
const SHELL: &str = r#"
    exec 3<&0 4>&1 </dev/null >&2
    "$@"
    status=$?
    exec 3<&- 4>&-
    rm -rf -- "$0"
    exit $status
"#;

/// What every bridge's Chromium is told.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-startup-window",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--password-store=basic",
    // Servers have no GPU, and headless Chromium does not encode on one.
    "--disable-gpu",
    // Containers often have no more than 64 MB there, and pictures are passed in it.
    "--disable-dev-shm-usage",
    // The page is one that nobody looks at.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--autoplay-policy=no-user-gesture-required",
    // What is heard in the other call is not played here.
    "--mute-audio",
    // ACS refuses custom sound and pictures where there are no devices, and whatever happens no
    // real one is opened.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    // Nobody else on this machine can take the page's place by listening on ::1.
    "--host-resolver-rules=MAP localhost 127.0.0.1",
    // GStreamer on this machine is reached without leaving it.
    "--allow-loopback-in-peer-connection",
    // Servers seldom resolve the names by which browsers hide their addresses; nobody wants
    // multicasts in search of screens to cast to, or models for translations.
    "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints",
];

/// The time for it to end by itself.
const END: Duration = Duration::from_secs(3);
/// The time for it to be gone once it is killed.
const KILL: Duration = Duration::from_secs(2);

/// As many of its lines are kept, for the case that they say why it ended.
const WORDS: usize = 2;

/// Chromium's mark of a line that says why it ends.
const FATAL: &str = ":FATAL:";

type Words = Arc<Mutex<VecDeque<String>>>;
pub(in crate::command::bridge) type Pipe = DevTools<ChildStdout, ChildStdin>;

/// A running Chromium. Dropped, it is killed.
pub(in crate::command::bridge) struct Chromium {
    pub(in crate::command::bridge) tools: Pipe,
    /// Whether it runs without its sandbox, as it has to for root.
    pub(in crate::command::bridge) is_unprotected: bool,
    shell: Child,
    group: Option<Pid>,
    words: Words,
    // The last: it is removed when nobody writes into it any more.
    _profile: Profile,
}

/// Where Chromium is: at `path` if that is given.
pub(in crate::command::bridge) fn find(path: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = path {
        // A path without directory is not looked for in PATH.
        let program = std::path::absolute(path).ok();
        return program.filter(is_program).ok_or_else(|| {
            let path = path.display();
            Failure::Machine(format!("{path}, which --chromium names, is no program"))
        });
    }
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = NAMES
        .iter()
        .flat_map(|name| std::env::split_paths(&directories).map(move |place| place.join(name)));
    programs.find(is_program).ok_or_else(|| {
        Failure::Machine(format!(
            "there is no Chromium in PATH ({}): install one (`apt install chromium`), or name it \
             with --chromium",
            NAMES.join(", ")
        ))
    })
}

fn is_program(path: &PathBuf) -> bool {
    let is_program = |file: Metadata| file.is_file() && file.mode() & 0o111 != 0;
    fs::metadata(path).is_ok_and(is_program)
}

impl Chromium {
    /// Starts it. What it says goes to the screen, as a detail.
    pub(in crate::command::bridge) fn start(
        program: &Path,
        screen: &Arc<Console>,
    ) -> io::Result<Chromium> {
        let profile = Profile::new()?;
        let is_unprotected = profile.is_of_root()?;
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(SHELL)
            .arg(profile.directory())
            .arg(program)
            .args(ARGUMENTS)
            .args(is_unprotected.then_some("--no-sandbox"))
            .arg(option("--user-data-dir=", profile.directory()))
            .arg(option(
                "--use-file-for-fake-audio-capture=",
                &profile.silence(),
            ))
            .arg(option(
                "--use-file-for-fake-video-capture=",
                &profile.black(),
            ))
            // Whatever it writes is gone with the profile.
            .env("TMPDIR", profile.directory())
            .env("XDG_CONFIG_HOME", profile.directory())
            .env("XDG_CACHE_HOME", profile.directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for this program: it has to hang up first.
            .process_group(0);
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        let mut shell = command.spawn()?;
        let group = shell.id().and_then(|id| i32::try_from(id).ok());
        let group = group.map(Pid::from_raw);
        let none = || io::Error::other("its pipes are missing");
        let pipes = (shell.stdout.take(), shell.stdin.take());
        let (Some(from), Some(to)) = pipes else {
            return Err(none());
        };
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = shell.stderr.take().ok_or_else(none)?;
        tokio::spawn(listen(stderr, screen.clone(), words.clone()));
        Ok(Chromium {
            tools: DevTools::new(from, to),
            is_unprotected,
            group,
            shell,
            words,
            _profile: profile,
        })
    }

    /// Opens a page that is empty; commands and events are its own from now on.
    pub(in crate::command::bridge) async fn open_page(
        &mut self,
    ) -> std::result::Result<(), CommandError> {
        let target = json!({ "url": "about:blank" });
        let target = self.tools.command("Target.createTarget", target).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.tools.command("Target.attachToTarget", attach).await?;
        let session = attached["sessionId"].as_str().map(str::to_owned);
        self.tools.set_session(session);
        Ok(())
    }

    /// What it said last, in one line; empty if it said nothing.
    pub(in crate::command::bridge) fn last_words(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        Vec::from_iter(words.iter().map(String::as_str)).join(" / ")
    }

    /// Ends it, by force where it does not end by itself, in at most 5 s.
    pub(in crate::command::bridge) async fn end(mut self) {
        self.tools.set_session(None);
        let by_itself = async {
            // Answered or not, it may be gone.
            let _ = self.tools.command("Browser.close", json!({})).await;
            self.shell.wait().await
        };
        let has_ended = timeout(END, by_itself).await.is_ok();
        // Who collects what a crash leaves may outlive it, and writes into the profile.
        self.kill();
        if has_ended {
            return;
        }
        let gone = async {
            let _ = self.shell.wait().await;
            // The pipe ends with the last of those who write into the profile.
            while self.tools.event().await.is_ok() {}
        };
        let _ = timeout(KILL, gone).await;
    }

    /// Kills what is left of its processes, once: the group's number may be another one's then.
    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.kill();
    }
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

async fn listen(stderr: ChildStderr, screen: Arc<Console>, words: Words) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if line.is_empty() {
            continue;
        }
        screen.detail(&format!("Chromium: {line}"));
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        // What comes after it is about the report of the crash.
        if words.back().is_some_and(|last| last.contains(FATAL)) {
            continue;
        }
        words.push_back(line);
        if words.len() > WORDS {
            words.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_a_file_that_can_be_executed() {
        assert_eq!(
            find(Some(Path::new("/bin/sh"))).unwrap(),
            Path::new("/bin/sh")
        );
        for none in ["/nowhere/chromium", "/tmp", "/etc/passwd"] {
            let error = find(Some(Path::new(none))).unwrap_err();
            assert!(matches!(error, Failure::Machine(_)));
            assert!(error.to_string().contains(none), "{error}");
        }
    }
}
