//! A running script of pipelines/.

use std::env;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use acscall_tests::pipeline::TIMEOUT;

use super::meeting::{CALL, Meeting};

/// The folder of the scripts.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines")
}

/// The process of a script, which becomes gst-launch-1.0.
pub(crate) struct Script {
    name: String,
    child: Child,
    /// Its output, sent when it has ended.
    printed: Receiver<String>,
}

impl Script {
    /// Starts a script in the meeting's call, with further variables.
    pub(crate) fn start(meeting: &Meeting, name: &str, settings: &[(&str, &str)]) -> Script {
        let mut child = Command::new(folder().join(name))
            .env("GST_PLUGIN_PATH", plugins())
            .env("CALL", CALL)
            .env("SERVER", meeting.server())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, printed) = mpsc::channel();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).map(|_| text)
        });
        thread::spawn(move || {
            let mut text = String::new();
            let read = out.read_to_string(&mut text);
            let errors = errors.join().unwrap().unwrap();
            let _receiver_dropped = sender.send(read.map(|_| text + &errors).unwrap());
        });
        Script {
            name: name.to_owned(),
            child,
            printed,
        }
    }

    /// Interrupts it as Ctrl-C does. It must succeed.
    pub(crate) fn interrupt(self) {
        self.signal("INT");
        self.end();
    }

    /// Waits for its end. It must succeed.
    pub(crate) fn end(mut self) {
        let printed = self.printed.recv_timeout(TIMEOUT);
        let name = self.name.clone();
        let printed = printed.unwrap_or_else(|_| panic!("{name} does not end"));
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{name} ended with {status}:\n{printed}");
        assert!(
            !printed.contains("CRITICAL"),
            "{name} printed a critical:\n{printed}"
        );
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill")
            .args(["-s", signal, &id])
            .status()
            .unwrap();
        assert!(status.success(), "{} ended too early", self.name);
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // `timeout` forwards SIGTERM, but cannot forward the SIGKILL of `Child::kill`.
            self.signal("TERM");
            let _any_status = self.child.wait();
            if thread::panicking() {
                eprintln!("{}", self.printed.recv_timeout(TIMEOUT).unwrap_or_default());
            }
        }
    }
}

/// The plugin path: that of the environment, and the folder of the built plugins.
fn plugins() -> OsString {
    let test = env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap();
    let users = env::var_os("GST_PLUGIN_PATH").unwrap_or_default();
    let all = env::split_paths(&users).chain([built.to_path_buf()]);
    env::join_paths(all).unwrap()
}
