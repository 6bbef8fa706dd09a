//! Servers on simulated machines, and the metrics of a server.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::namespace::Place;
use crate::process::{Process, program};
use crate::wait::{TIMEOUT, until};

/// The port of the server on a simulated machine.
const PORT: u16 = 7788;
/// The call that its tokens are for.
const CALL: &str = "x";

/// A server on a simulated machine. Because it is not on loopback, it has a secret and a
/// certificate.
#[derive(Debug)]
pub struct RemoteServer {
    /// The files of the server.
    pub folder: PathBuf,
    address: &'static str,
}

impl RemoteServer {
    /// Creates the files of a server at `address`. They disappear with the namespaces.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn new(address: &'static str) -> Result<RemoteServer> {
        let folder = PathBuf::from("/run/acscall");
        fs::create_dir(&folder)?;
        let made = rcgen::generate_simple_self_signed(vec![address.to_owned()])?;
        fs::write(folder.join("cert.pem"), made.cert.pem())?;
        fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())?;
        let secret = "nobody reaches this server ".repeat(2);
        fs::write(folder.join("secret"), secret)?;
        Ok(RemoteServer { folder, address })
    }

    /// Starts the server with further options, and waits until it listens.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, place: &Place, options: &[&str]) -> Result<Process> {
        let mut command = place.command(program("acscall")?);
        command.args(["serve", "--listen", &format!("{}:{PORT}", self.address)]);
        for (option, file) in [
            ("--secret-file", "secret"),
            ("--tls-cert", "cert.pem"),
            ("--tls-key", "key.pem"),
        ] {
            command.arg(option).arg(self.folder.join(file));
        }
        let server = Process::start(command.args(options).env("ACSCALL_LOG", "warn"))?;
        server.line(TIMEOUT).context("the server does not start")?;
        Ok(server)
    }

    /// The properties with which an element joins as `user`.
    #[must_use]
    pub fn joining(&self, user: &str) -> String {
        format!(
            "server=wss://{}:{PORT} call={CALL} user={user}",
            self.address
        )
    }

    /// A command that runs `program` with what `user` needs to join.
    ///
    /// # Errors
    /// The token cannot be created.
    pub fn participant(
        &self,
        place: &Place,
        program_of_user: impl AsRef<Path>,
        user: &str,
    ) -> Result<Command> {
        let token = Command::new(program("acscall")?)
            .args(["token", "--user", user, "--call", CALL])
            .args(["--expires-in", "12h", "--secret-file"])
            .arg(self.folder.join("secret"))
            .output()?;
        ensure!(token.status.success(), "no token for {user}");
        let mut command = place.command(program_of_user);
        command
            .env("ACSCALL_TOKEN", String::from_utf8(token.stdout)?.trim())
            .env("SSL_CERT_FILE", self.folder.join("cert.pem"));
        Ok(command)
    }
}

/// Calls `start`, which makes one more connection accept calls and may start the server, and waits
/// until the server counts that connection.
///
/// # Errors
/// `start` fails, or no further connection accepts calls.
pub fn until_listening<T>(port: u16, start: impl FnOnce() -> Result<T>) -> Result<T> {
    // Without a server there is no connection.
    let before = listening(port).unwrap_or_default();
    let started = start()?;
    until("one more connection accepts calls", || {
        Ok((listening(port).unwrap_or_default() > before).then_some(()))
    })?;
    Ok(started)
}

/// The number of connections that accept calls.
fn listening(port: u16) -> Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("acscall_listening "))
        .context("the server has the metric acscall_listening")?;
    Ok(value.parse()?)
}
