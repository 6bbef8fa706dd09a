//! A running example.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use acscall_tests::pipeline::TIMEOUT;

/// The language of an example.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Language {
    /// `examples/src/bin`.
    Rust,
    /// `examples/python`.
    Python,
    /// `examples/c`.
    C,
}

impl Language {
    /// All languages.
    pub(crate) const ALL: [Language; 3] = [Language::Rust, Language::Python, Language::C];
}

/// The process of an example, killed when dropped.
pub(crate) struct Program {
    child: Child,
    incoming: mpsc::Receiver<String>,
    lines: Vec<String>,
}

impl Program {
    /// Starts `examples/…/EXAMPLE` with `arguments`.
    pub(crate) fn start(language: Language, example: &str, arguments: &[&str]) -> Program {
        let mut command = match language {
            Language::Rust => Command::new(built(example)),
            Language::Python => python(example),
            Language::C => c(example),
        };
        command
            .args(arguments)
            .env("RUST_BACKTRACE", "0")
            // UTF-8, as in most terminals: examples print "1500×845".
            .env("LC_ALL", "C.UTF-8")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (send, incoming) = mpsc::channel();
        forward(child.stdout.take().expect("it is piped"), send.clone());
        forward(child.stderr.take().expect("it is piped"), send);
        Program {
            child,
            incoming,
            lines: Vec::new(),
        }
    }

    /// Reads lines until one begins with `beginning`, and returns it.
    pub(crate) fn wait_for(&mut self, beginning: &str) -> String {
        self.wait_until(beginning, |line| line.starts_with(beginning))
    }

    /// Reads lines until `condition` holds for one, and returns it.
    pub(crate) fn wait_until(&mut self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        loop {
            let Ok(line) = self.incoming.recv_timeout(TIMEOUT) else {
                panic!("'{what}' was not printed; the output: {:#?}", self.lines);
            };
            self.lines.push(line.clone());
            if condition(&line) {
                return line;
            }
        }
    }

    /// Interrupts it as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let kill = Command::new("sh")
            .args(["-c", "kill -INT \"$0\"", &self.child.id().to_string()])
            .status();
        assert!(kill.expect("there is a shell").success());
    }

    /// Waits for the end and returns the exit code. Panics if a signal ended the process.
    pub(crate) fn finish(&mut self) -> i32 {
        loop {
            match self.incoming.recv_timeout(TIMEOUT) {
                Ok(line) => self.lines.push(line),
                // Both outputs are closed: it has ended or is about to.
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("it did not end after {:#?}", self.lines)
                }
            }
        }
        let status = self.child.wait().expect("a child can be waited for");
        let code = status.code();
        code.unwrap_or_else(|| panic!("{status} after {:#?}", self.lines))
    }

    /// The lines read so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn forward(output: impl Read + Send + 'static, to: mpsc::Sender<String>) {
    thread::spawn(move || {
        BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| to.send(line))
    });
}

fn python(example: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/python")
        .join(example)
        .with_extension("py");
    // The system's Python has the bindings (python3-gi, gir1.2-gstreamer-1.0).
    let mut command = Command::new("/usr/bin/python3");
    command.arg(script);
    find_plugins(&mut command);
    // Python must not write into the checkout.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Builds the C examples if necessary.
fn c(example: &str) -> Command {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/c");
    let build = target_folder().join("examples-c");
    std::fs::create_dir_all(&build).expect("the folder can be made");
    // Another test, perhaps in another process, must not start what make is still linking.
    let lock = std::fs::File::create(build.join("lock")).expect("the lock can be made");
    lock.lock().expect("the folder can be locked");
    let make = Command::new("make")
        .arg("--silent")
        .arg("--directory")
        .arg(sources)
        .arg(format!("BUILD={}", build.display()))
        .arg("CFLAGS=-O1 -g -Werror")
        .output()
        .expect("there is make");
    assert!(
        make.status.success(),
        "{}",
        String::from_utf8_lossy(&make.stderr)
    );
    let mut command = Command::new(build.join(example));
    find_plugins(&mut command);
    command
}

/// Sets the plugin folder and the registry of the tests.
fn find_plugins(command: &mut Command) {
    command.env("GST_PLUGIN_PATH", target_folder());
    if std::env::var_os("GST_REGISTRY").is_none() {
        command.env(
            "GST_REGISTRY",
            target_folder().join("../gst-registry-debug.bin"),
        );
    }
}

fn built(example: &str) -> PathBuf {
    let path = target_folder().join(example);
    let hint = "build the examples first: cargo build -p acscall-examples";
    assert!(path.is_file(), "{} is missing; {hint}", path.display());
    path
}

/// The folder with the programs; this test is in its subfolder `deps`.
fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test is known");
    test.ancestors()
        .nth(2)
        .expect("the test is in target/PROFILE/deps")
        .to_path_buf()
}
