//! The status of the bridge, from its page's reports.

use std::collections::BTreeMap;
use std::time::Duration;

use acscall::call::session_name;
use tokio::time::Instant;

use super::page::Report;
use super::summary::{Summary, bytes_in};

/// The bit rate is measured over this time: video comes in bursts.
const RATE_TIME: Duration = Duration::from_secs(3);

pub(super) struct Status {
    summary: Summary,
    /// When the state last changed.
    since: Instant,
    /// Number of guests per user: a user may join with several devices.
    guests: BTreeMap<String, usize>,
    /// When the bit rate was last computed, and the bytes received by then.
    counted: Option<(Instant, f64)>,
}

impl Status {
    pub(super) fn new(sends: bool, now: Instant) -> Status {
        Status {
            summary: Summary {
                sends,
                ..Summary::default()
            },
            since: now,
            guests: BTreeMap::new(),
            counted: None,
        }
    }

    /// Handles a report of the page. Returns a line to print, if any.
    pub(super) fn update(&mut self, report: Report, now: Instant) -> Option<String> {
        match report {
            Report::State { state } if state != self.summary.state => {
                self.summary.state = state;
                self.since = now;
                let parts = self.line(now);
                // Without the time, which is 0:00.
                let state = parts[0].rsplit_once(' ').map_or("", |(state, _)| state);
                Some(state.to_owned())
            }
            Report::Came { user, display_name } => {
                *self.guests.entry(user.clone()).or_default() += 1;
                let name = session_name(&user, 1);
                // Print it if it differs from the user.
                let pads = (name != user).then(|| format!("; in pad names: {name}"));
                let who = whole_name(&user, &display_name);
                Some(format!("{who} joined{}", pads.unwrap_or_default()))
            }
            Report::Left { user, display_name } => {
                let left = self.guests.remove(&user).unwrap_or_default();
                if left > 1 {
                    self.guests.insert(user.clone(), left - 1);
                }
                Some(format!("{} left", whole_name(&user, &display_name)))
            }
            Report::Stats { streams } => {
                self.count(bytes_in(&streams), now);
                self.summary.streams = streams;
                None
            }
            _ => None,
        }
    }

    /// Returns the parts of the status line.
    pub(super) fn line(&mut self, now: Instant) -> Vec<String> {
        self.summary.since = now.saturating_duration_since(self.since);
        self.summary.guests = self.guests.values().sum();
        self.summary.parts()
    }

    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Whether the bridge waits for the service, not for people.
    pub(super) fn is_joining(&self) -> bool {
        ["", "None", "Connecting"].contains(&self.summary.state.as_str())
    }

    pub(super) fn is_connected(&self) -> bool {
        self.summary.state == "Connected"
    }

    fn count(&mut self, bytes: f64, now: Instant) {
        match self.counted {
            Some((then, before)) if now >= then + RATE_TIME => {
                let time = (now - then).as_secs_f64();
                // The counters of guests that left are gone.
                let rate = (bytes >= before).then(|| 8.0 * (bytes - before) / time);
                self.summary.bits_per_second = rate;
            }
            Some(_) => return,
            None => {}
        }
        self.counted = Some((now, bytes));
    }
}

fn whole_name(user: &str, display_name: &str) -> String {
    match display_name.is_empty() || display_name == user {
        true => user.to_owned(),
        false => format!("{display_name} ({user})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(user: &str, display_name: &str) -> Report {
        let (user, display_name) = (user.to_owned(), display_name.to_owned());
        Report::Came { user, display_name }
    }

    fn state(state: &str) -> Report {
        let state = state.to_owned();
        Report::State { state }
    }

    #[test]
    fn each_change_is_printed_once() {
        let now = Instant::now();
        let mut status = Status::new(false, now);
        assert!(status.is_joining());
        let line = status.update(state("InLobby"), now);
        assert_eq!(line.as_deref(), Some("In the lobby"));
        assert_eq!(status.update(state("InLobby"), now), None);
        assert!(!status.is_joining() && !status.is_connected());
        assert_eq!(
            status.update(state("Connected"), now).as_deref(),
            Some("Connected")
        );
        assert!(status.is_connected());
    }

    #[test]
    fn a_user_with_two_devices_leaves_twice() {
        let now = Instant::now();
        let mut status = Status::new(false, now);
        let line = status.update(came("8:acs:a", "Anna"), now);
        let joined = "Anna (8:acs:a) joined; in pad names: 8%3Aacs%3Aa";
        assert_eq!(line.as_deref(), Some(joined));
        let line = status.update(came("acs-audio", "acs-audio"), now);
        assert_eq!(line.as_deref(), Some("acs-audio joined"));
        status.update(came("8:acs:a", "Anna"), now);
        assert_eq!(status.line(now)[1], "3 guests");
        let (user, display_name) = ("8:acs:a".to_owned(), String::new());
        let left = Report::Left { user, display_name };
        assert_eq!(status.update(left, now).as_deref(), Some("8:acs:a left"));
        assert_eq!(status.line(now)[1], "2 guests");
    }

    #[test]
    fn the_bit_rate_is_that_of_the_last_seconds() {
        let now = Instant::now();
        let mut status = Status::new(false, now);
        let mut at = |second: u64, bytes: f64| {
            let text = format!(
                r#"{{"type": "stats", "streams": [
                    {{"direction": "in", "kind": "audio", "bytes": {bytes}}}]}}"#
            );
            let report = serde_json::from_str(&text).unwrap();
            status.update(report, now + Duration::from_secs(second));
            status.line(now)[2].clone()
        };
        assert_eq!(at(0, 0.0), "in: audio");
        assert_eq!(at(1, 9_000.0), "in: audio");
        assert_eq!(at(3, 18_000.0), "in: audio, 48 kbit/s");
        assert_eq!(at(4, 99_000.0), "in: audio, 48 kbit/s");
        assert_eq!(at(7, 10.0), "in: audio");
    }
}
