//! Machines that are none: network namespaces, inside of namespaces that end with the test.
//!
//! A test runs itself once more inside ([`inside`]), where it is root of a network, a mount and a
//! process namespace of its own: whatever it makes there is gone when it ends, however it ends,
//! and nothing of it reaches the machine's own network. There it makes a [`Place`] for each
//! machine. What needs no more than this is shared by all tests that have networks.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Set for the test that runs inside.
const INSIDE: &str = "ACSCALL_INSIDE_NAMESPACES";

/// Whether this process runs inside.
#[must_use]
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Why there can be no namespaces on this machine, if so.
#[must_use]
pub fn missing() -> Option<String> {
    let tried = unshare(&["ip", "netns", "add", "try"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "network namespaces need root, or user namespaces: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Some(format!("util-linux's unshare is needed: {error}")),
    }
}

/// Runs the test of this name of this program again, inside.
///
/// # Errors
/// If it fails there; what it printed is above.
pub fn inside(test: &str) -> Result<()> {
    let program = std::env::current_exe()?;
    let program = program.to_str().context("a path in UTF-8")?;
    let status = unshare(&[program, "--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status()?;
    ensure!(status.success(), "{test} failed inside of its namespaces");
    Ok(())
}

/// `command` in new namespaces. Its processes end with it.
fn unshare(command: &[&str]) -> Command {
    let mut unshare = Command::new("unshare");
    // Not everybody has the system's programs in the path.
    let path = std::env::var("PATH").unwrap_or_default();
    unshare.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    if !nix::unistd::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
    unshare.arg("--mount-proc");
    // Where `ip netns` keeps its namespaces.
    unshare.args(["sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh"]);
    unshare.args(command);
    unshare
}

/// A machine: a network namespace with its own `lo`.
#[derive(Debug)]
pub struct Place(&'static str);

impl Place {
    /// Makes one. Only [`inside`].
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new(name: &'static str) -> Result<Place> {
        ip(&["netns", "add", name])?;
        let place = Place(name);
        place.ip(&["link", "set", "lo", "up"])?;
        Ok(place)
    }

    /// `ip ARGUMENTS` here.
    ///
    /// # Errors
    /// If it fails.
    pub fn ip(&self, arguments: &[&str]) -> Result<()> {
        ip(&[&["-n", self.0], arguments].concat())
    }

    /// A program that runs here.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.0));
        command.arg(program.as_ref());
        command
    }

    /// A cable to another place, with an address at each end such as `192.0.2.1/24`.
    ///
    /// # Errors
    /// If the system refuses.
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
        .context("iproute2's `ip` is needed")?;
    ensure!(
        output.status.success(),
        "ip {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
