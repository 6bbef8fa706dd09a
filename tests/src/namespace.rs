//! Simulated machines: network namespaces, inside namespaces that end with the test.
//!
//! A test runs itself again inside ([`inside`]), where it is root of its own network, mount and
//! process namespaces. Everything that it creates there disappears when it ends, however it ends,
//! and nothing reaches the machine's own network. It creates a [`Place`] for each simulated machine.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// This variable is set for a test that runs inside.
const INSIDE: &str = "ACSCALL_INSIDE_NAMESPACES";

/// Whether this process runs inside namespaces.
#[must_use]
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Why namespaces cannot be created on this machine; `None` if they can.
#[must_use]
pub fn missing() -> Option<String> {
    let tried = unshare(&["ip", "netns", "add", "try"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "network namespaces need root, or user namespaces: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Some(format!(
            "unshare (package util-linux) cannot be started: {error}"
        )),
    }
}

/// Runs the test with this name again, inside namespaces.
///
/// # Errors
/// The test fails there.
pub fn inside(test: &str) -> Result<()> {
    let program = std::env::current_exe()?;
    let program = program.to_str().context("a path in UTF-8")?;
    let status = unshare(&[program, "--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status()?;
    ensure!(status.success(), "{test} failed inside its namespaces");
    Ok(())
}

/// `command` in new namespaces, whose processes end with it.
fn unshare(command: &[&str]) -> Command {
    let mut unshare = Command::new("unshare");
    // Not every user has the system's programs in the path.
    let path = std::env::var("PATH").unwrap_or_default();
    unshare.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    if !nix::unistd::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
    unshare.arg("--mount-proc");
    // `ip netns` keeps its namespaces in /run.
    unshare.args(["sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh"]);
    unshare.args(command);
    unshare
}

/// A simulated machine: a network namespace with its own `lo`.
#[derive(Debug)]
pub struct Place(&'static str);

impl Place {
    /// Creates a machine. Works only [`inside`].
    ///
    /// # Errors
    /// The system refuses.
    pub fn new(name: &'static str) -> Result<Place> {
        ip(&["netns", "add", name])?;
        let place = Place(name);
        place.ip(&["link", "set", "lo", "up"])?;
        Ok(place)
    }

    /// Runs `ip ARGUMENTS` on this machine.
    ///
    /// # Errors
    /// The command fails.
    pub fn ip(&self, arguments: &[&str]) -> Result<()> {
        ip(&[&["-n", self.0], arguments].concat())
    }

    /// A command that runs on this machine.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.0));
        command.arg(program.as_ref());
        command
    }

    /// Connects another machine by a cable, with an address such as `192.0.2.1/24` at each end.
    ///
    /// # Errors
    /// The system refuses.
    pub fn connect(&self, address: &str, other: &Place, others: &str) -> Result<()> {
        let (here, there) = (other.0, self.0);
        self.ip(&[
            "link", "add", here, "type", "veth", "peer", "name", there, "netns", other.0,
        ])?;
        for (place, link, address) in [(self, here, address), (other, there, others)] {
            place.ip(&["address", "add", address, "dev", link])?;
            place.ip(&["link", "set", link, "up"])?;
        }
        Ok(())
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .context("ip (package iproute2) cannot be started")?;
    ensure!(
        output.status.success(),
        "ip {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
