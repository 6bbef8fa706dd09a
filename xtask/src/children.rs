//! The processes that steps start, and the ones that those start.
//!
//! Some of them make process groups of their own, such as browsers, and some outlive who started
//! them. This program becomes the parent of all that are orphaned, so that it finds every one.

use std::fs;
use std::process;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How long those that were asked to end may take.
const GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// The exit code of a program that an interrupt ended, by the shell's convention.
const INTERRUPTED: i32 = 130;

/// From now on an interrupt (Ctrl-C, SIGTERM, SIGHUP) ends all that was started, then this program.
///
/// # Errors
/// If the system refuses.
pub(crate) fn end_on_interrupt() -> Result<()> {
    prctl::set_child_subreaper(true).context("orphans cannot be adopted")?;
    ctrlc::set_handler(|| {
        println!("\nInterrupted; ending what was started");
        end_all();
        process::exit(INTERRUPTED);
    })
    .context("interrupts cannot be handled")
}

/// Ends all processes that descend from this one: by SIGTERM, and those that are still there
/// after a moment by SIGKILL.
pub(crate) fn end_all() {
    end_descendants(process::id().cast_signed());
}

fn end_descendants(root: i32) {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        for one in descendants(root) {
            // It may have ended already.
            let _gone = kill(one, signal);
        }
        if wait_for_end(root) {
            return;
        }
    }
}

/// Whether all were gone within [`GRACE`].
#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells of the end of another process's children"
)]
fn wait_for_end(root: i32) -> bool {
    for _ in 0..GRACE.as_millis() / POLL.as_millis() {
        let all = descendants(root);
        if all.is_empty() {
            return true;
        }
        for one in all {
            // Those that were adopted are this program's to reap.
            let _still_runs_or_is_anothers = waitpid(one, Some(WaitPidFlag::WNOHANG));
        }
        std::thread::sleep(POLL);
    }
    descendants(root).is_empty()
}

/// The processes that descend from `root`, those that have ended but were not reaped included.
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

/// The fourth field of `/proc/PID/stat`; the second may hold spaces and brackets.
fn parent(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_a_name_with_brackets() {
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
        // It waited for nothing else.
        shell.wait().unwrap();
        assert!(descendants(id).is_empty());
    }
}
