//! Each case runs in its own namespaces: its networks, mounts and processes disappear with it, however
//! it ends, and nothing reaches the machine's own network.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The argument that makes this program run a case inside namespaces.
pub(crate) const INSIDE: &str = "--inside";

/// A command that runs `case` inside new namespaces, with this program.
pub(crate) fn inside(case: &str) -> Result<Command> {
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    let mut command = unshare();
    // `ip netns` keeps its namespaces in /run.
    command.args(["sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh"]);
    command.arg(program).args([INSIDE, case]);
    Ok(command)
}

/// Checks whether the namespaces can be created here.
///
/// # Errors
/// They cannot; the text says why.
pub(crate) fn check() -> Result<()> {
    // The likeliest failure comes first.
    let script = "mount -t tmpfs tmpfs /run && ip netns add try && exec 3<>/dev/net/tun";
    let output = unshare()
        .args(["sh", "-c", script])
        .output()
        .context("setpriv (package util-linux) cannot be started")?;
    if !output.status.success() {
        bail!(
            "the faults run in network namespaces; run this as root, or with user namespaces and a \
             /dev/net/tun that everybody may open. The system says: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn unshare() -> Command {
    // The processes inside end with this process, even if it is killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare"]);
    // Not every user has the system's programs in the path.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
    command.arg("--mount-proc");
    command
}
