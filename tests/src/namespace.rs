//! Simulated machines: network namespaces, inside namespaces that end with the program.
//!
//! A program runs itself again inside ([`again`]), where it is root of its own network, mount and
//! process namespaces. Everything that it creates there disappears when it ends, however it ends,
//! and nothing reaches the machine's own network. It creates a [`Place`] for each simulated machine.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// This variable is set for a program that runs inside.
const INSIDE: &str = "ACSCALL_INSIDE_NAMESPACES";

/// Whether this process runs inside namespaces.
#[must_use]
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Why namespaces cannot be created on this machine; `None` if they can.
#[must_use]
pub fn missing() -> Option<String> {
    check("ip netns add try")
        .err()
        .map(|error| error.to_string())
}

/// Checks whether a shell script succeeds inside namespaces.
///
/// # Errors
/// It fails; the text says why.
pub fn check(script: &str) -> Result<()> {
    let output = unshare(&["sh", "-c", script])
        .output()
        .context("setpriv (package util-linux) cannot be started")?;
    ensure!(
        output.status.success(),
        "network namespaces need root, or user namespaces: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// Runs the test with this name again, inside namespaces.
///
/// # Errors
/// The test fails there.
pub fn inside(test: &str) -> Result<()> {
    let status = again(&["--exact", test, "--nocapture"])?.status()?;
    ensure!(status.success(), "{test} failed inside its namespaces");
    Ok(())
}

/// A command that runs this program again, inside namespaces.
///
/// # Errors
/// The program's path is unknown.
pub fn again(arguments: &[&str]) -> Result<Command> {
    let program = std::env::current_exe()?;
    let program = program.to_str().context("a path in UTF-8")?;
    let mut command = unshare(&[&[program], arguments].concat());
    command.env(INSIDE, "1");
    Ok(command)
}

/// `command` in new namespaces, whose processes end with it.
fn unshare(command: &[&str]) -> Command {
    // The processes inside end with this process, even if it is killed.
    let mut unshare = Command::new("setpriv");
    unshare.args(["--pdeathsig", "KILL", "unshare"]);
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
