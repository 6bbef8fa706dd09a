//! The Chromium process: finds it, starts it without the user's settings and devices, and ends it
//! with all its children.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::devtools::{CommandError, DevTools};
use super::profile::Profile;
use crate::command::bridge::console::Console;
use crate::command::bridge::credentials::VARIABLES;
use crate::command::bridge::end::{Failure, Result};

/// The program names of Chromium, the preferred first.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// The shell script that runs Chromium. It moves the pipes from standard input and output to the
/// file descriptors 3 and 4, where Chromium expects them. If this program is killed, Chromium ends
/// with its pipe, and the shell removes the profile.
const SHELL: &str = r#"
    exec 3<&0 4>&1 </dev/null >&2
    "$@"
    status=$?
    exec 3<&- 4>&-
    rm -rf -- "$0"
    exit $status
"#;

/// Arguments of Chromium.
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
    // Chromium passes frames there, and containers often have only 64 MB.
    "--disable-dev-shm-usage",
    // The page is never visible.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--autoplay-policy=no-user-gesture-required",
    // This machine does not play the audio of the other call.
    "--mute-audio",
    // ACS refuses custom audio and video on a machine without devices. Fake devices also make sure
    // that no real one is ever opened.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    // No other process can take the page's place by listening on ::1.
    "--host-resolver-rules=MAP localhost 127.0.0.1",
    // Reach GStreamer on this machine over loopback.
    "--allow-loopback-in-peer-connection",
    // Servers often cannot resolve the mDNS names with which browsers hide their addresses. The
    // other features search for cast devices and download translation models.
    "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints",
];

/// The time for Chromium to end by itself.
const END: Duration = Duration::from_secs(3);
/// The time for Chromium to end after SIGKILL.
const KILL: Duration = Duration::from_secs(2);

/// The number of output lines to keep. They may say why Chromium ended.
const KEPT_LINES: usize = 2;

/// Marks the line in which Chromium says why it ends.
const FATAL: &str = ":FATAL:";

type LastLines = Arc<Mutex<VecDeque<String>>>;
pub(in crate::command::bridge) type Pipe = DevTools<ChildStdout, ChildStdin>;

/// A running Chromium. It is killed on drop.
pub(in crate::command::bridge) struct Chromium {
    pub(in crate::command::bridge) tools: Pipe,
    /// Whether it runs without its sandbox, as root requires.
    pub(in crate::command::bridge) is_unprotected: bool,
    shell: Child,
    group: Option<Pid>,
    last_lines: LastLines,
    // Declared last: it is removed once no process writes into it.
    _profile: Profile,
}

/// Finds the program, at `path` if that is given.
pub(in crate::command::bridge) fn find(path: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = path {
        // A path without a directory is relative to the current directory.
        let program = std::path::absolute(path).ok();
        return program.filter(is_program).ok_or_else(|| {
            let path = path.display();
            Failure::Machine(format!("{path}, which --chromium names, is not a program"))
        });
    }
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = NAMES
        .iter()
        .flat_map(|name| std::env::split_paths(&directories).map(move |place| place.join(name)));
    programs.find(is_program).ok_or_else(|| {
        Failure::Machine(format!(
            "no Chromium found in PATH ({}): install it (`apt install chromium`), or name it with \
             --chromium",
            NAMES.join(", ")
        ))
    })
}

fn is_program(path: &PathBuf) -> bool {
    let is_program = |file: Metadata| file.is_file() && file.mode() & 0o111 != 0;
    fs::metadata(path).is_ok_and(is_program)
}

impl Chromium {
    /// Starts Chromium. Its output goes to the console as details.
    pub(in crate::command::bridge) fn start(
        program: &Path,
        console: &Arc<Console>,
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
            // All its files are removed with the profile.
            .env("TMPDIR", profile.directory())
            .env("XDG_CONFIG_HOME", profile.directory())
            .env("XDG_CACHE_HOME", profile.directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C must not reach Chromium before the hang-up.
            .process_group(0);
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        let mut shell = command.spawn()?;
        let group = shell.id().and_then(|id| i32::try_from(id).ok());
        let group = group.map(Pid::from_raw);
        let none = || io::Error::other("Chromium has no pipes");
        let pipes = (shell.stdout.take(), shell.stdin.take());
        let (Some(from), Some(to)) = pipes else {
            return Err(none());
        };
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = shell.stderr.take().ok_or_else(none)?;
        tokio::spawn(read_output(stderr, console.clone(), last_lines.clone()));
        Ok(Chromium {
            tools: DevTools::new(from, to),
            is_unprotected,
            group,
            shell,
            last_lines,
            _profile: profile,
        })
    }

    /// Opens an empty page. Later commands and events are those of the page.
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

    /// Returns its last output in one line; empty if there was none.
    pub(in crate::command::bridge) fn last_output(&self) -> String {
        let lines = self.last_lines.lock();
        Vec::from_iter(lines.iter().map(String::as_str)).join(" / ")
    }

    /// Ends Chromium within 5 s, by force if necessary.
    pub(in crate::command::bridge) async fn end(mut self) {
        self.tools.set_session(None);
        let by_itself = async {
            // It may end before it answers.
            let _ = self.tools.command("Browser.close", json!({})).await;
            self.shell.wait().await
        };
        let has_ended = timeout(END, by_itself).await.is_ok();
        // The crash handler may outlive it and write into the profile.
        self.kill();
        if has_ended {
            return;
        }
        let gone = async {
            let _ = self.shell.wait().await;
            // The pipe closes with the last process that writes into the profile.
            while self.tools.event().await.is_ok() {}
        };
        let _ = timeout(KILL, gone).await;
    }

    /// Kills its remaining processes. Only once: the process group id may be reused afterwards.
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

async fn read_output(stderr: ChildStderr, console: Arc<Console>, last_lines: LastLines) {
    let mut output = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = output.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if line.is_empty() {
            continue;
        }
        console.detail(&format!("Chromium: {line}"));
        let mut lines = last_lines.lock();
        // Later lines are about the crash report.
        if lines.back().is_some_and(|last| last.contains(FATAL)) {
            continue;
        }
        lines.push_back(line);
        if lines.len() > KEPT_LINES {
            lines.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_an_executable_file() {
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
