//! Each case runs in namespaces of its own: its networks, mounts and processes are gone with it,
//! however it ends, and nothing of it reaches the machine's own network.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The argument with which this program runs a case inside.
pub(crate) const INSIDE: &str = "--inside";

/// This program again, to run `case` inside new namespaces.
pub(crate) fn inside(case: &str) -> Result<Command> {
    let program = std::env::current_exe().context("where this program is")?;
    let mut command = unshare();
    // Where `ip netns` keeps its namespaces.
    command.args(["sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh"]);
    command.arg(program).args([INSIDE, case]);
    Ok(command)
}

/// Finds out whether this can work here.
///
/// # Errors
/// It cannot, and why.
pub(crate) fn check() -> Result<()> {
    // In the order in which they are likely to be missing.
    let script = "mount -t tmpfs tmpfs /run && ip netns add try && exec 3<>/dev/net/tun";
    let output = unshare()
        .args(["sh", "-c", script])
        .output()
        .context("util-linux's `unshare` is needed")?;
    if !output.status.success() {
        bail!(
            "the faults are tried out in network namespaces, which needs root, or user namespaces \
             and a /dev/net/tun that everybody may open; please run this as root. \
             The system says: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn unshare() -> Command {
    // What runs inside ends with this process, also where that is killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare"]);
    // Not everybody has the system's programs in the path.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
    command.arg("--mount-proc");
    command
}
