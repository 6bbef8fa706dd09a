//! The signalling server, as a separate process.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// A process of `acscall serve`, killed when dropped.
pub(crate) struct Server {
    process: Child,
    port: u16,
    /// Kept open, since the server may print more.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the server, on a free port if `port` is 0, and waits until it listens.
    ///
    /// # Errors
    /// If it does not start; it prints the reason itself.
    pub(crate) fn start(program: &Path, port: u16) -> Result<Server> {
        let mut process = Command::new(program)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .env("ACSCALL_LOG", "warn")
            .stdout(Stdio::piped())
            // Keeps Ctrl-C from the server: this program leaves the call first.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let mut output = BufReader::new(
            process
                .stdout
                .take()
                .context("the server's output is a pipe")?,
        );
        // It prints its address when it listens: http://127.0.0.1:7788/
        let mut address = String::new();
        output.read_line(&mut address)?;
        let port = address
            .trim_end()
            .trim_end_matches('/')
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        let Some(port) = port else {
            let _it_ended_by_itself = process.kill();
            process.wait()?;
            bail!("the server did not start; --port selects another port");
        };
        Ok(Server {
            process,
            port,
            _output: output,
        })
    }

    /// The URL of the page that joins `call`.
    pub(crate) fn page(&self, call: &str) -> String {
        let call: String = call
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).into(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        format!("http://127.0.0.1:{}/?call={call}", self.port)
    }

    /// The value for the elements' property `server`.
    pub(crate) fn signalling(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}
