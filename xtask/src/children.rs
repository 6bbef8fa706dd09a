//! The processes that steps start, and their descendants.
//!
//! Some of them, such as browsers, create their own process groups, and some outlive their parent.
//! This program becomes the parent of all orphans, so that it finds every descendant.

use std::fs;
use std::process;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How long processes may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// The exit code of an interrupted program, by the shell's convention.
const INTERRUPTED: i32 = 130;

/// Makes an interrupt (Ctrl-C, SIGTERM, SIGHUP) end all descendants, then this program.
///
/// # Errors
/// The system refuses.
pub(crate) fn end_on_interrupt() -> Result<()> {
    prctl::set_child_subreaper(true).context("orphans cannot be adopted")?;
    ctrlc::set_handler(|| {
        println!("\nInterrupted; ending all processes");
        end_all();
        process::exit(INTERRUPTED);
    })
    .context("interrupts cannot be handled")
}

/// Ends all descendants of this process: by SIGTERM and, after [`GRACE`], by SIGKILL.
pub(crate) fn end_all() {
    end_descendants(process::id().cast_signed());
}

fn end_descendants(root: i32) {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        for one in descendants(root) {
            // Fails if the process has ended.
            let _gone = kill(one, signal);
        }
        if wait_for_end(root) {
            return;
        }
    }
}

/// Waits for the end of all descendants. Returns false if one is left after [`GRACE`].
#[expect(
    clippy::disallowed_methods,
    reason = "no event reports the end of another process's children"
)]
fn wait_for_end(root: i32) -> bool {
    for _ in 0..GRACE.as_millis() / POLL.as_millis() {
        let all = descendants(root);
        if all.is_empty() {
            return true;
        }
        for one in all {
            // Reaps adopted processes.
            let _still_runs_or_is_anothers = waitpid(one, Some(WaitPidFlag::WNOHANG));
        }
        std::thread::sleep(POLL);
    }
    descendants(root).is_empty()
}

/// The descendants of `root`, including zombies.
fn descendants(root: i32) -> Vec<Pid> {
    let parents: Vec<(i32, i32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let id = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            Some((id, parent(&stat)?))
        })
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(one) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == one)
                .map(|(id, _)| *id),
        );
        next += 1;
    }
    found[1..].iter().copied().map(Pid::from_raw).collect()
}

/// The fourth field of `/proc/PID/stat`; the second may contain spaces and parentheses.
fn parent(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_after_a_name_with_parentheses() {
        assert_eq!(parent("7 (a) b) S 42 7 7 0"), Some(42));
    }

    #[test]
    fn a_process_in_a_session_of_its_own_is_ended() {
        let mut shell = process::Command::new("sh")
            .args(["-c", "setsid sleep 600 & wait"])
            .spawn()
            .unwrap();
        let id = shell.id().cast_signed();
        while descendants(id).is_empty() {
            std::thread::yield_now();
        }
        end_descendants(id);
        // The shell ends with its only child.
        shell.wait().unwrap();
        assert!(descendants(id).is_empty());
    }
}
