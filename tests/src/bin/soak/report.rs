//! The result of a run, as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::watch::{Census, Line, fit};

/// Memory in KiB while only one participant is in the call, and that of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) minutes: f64,
    pub(crate) rss: f64,
    pub(crate) server: f64,
}

/// The result of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// Whether the allocator's heap does not grow by itself.
    pub(crate) checks_memory: bool,
    pub(crate) steps: BTreeMap<&'static str, u64>,
    pub(crate) messages: u64,
    pub(crate) samples: Vec<Sample>,
    pub(crate) begin: Census,
    pub(crate) end: Census,
    pub(crate) living: (usize, usize),
    /// The number of log messages about known defects of GStreamer.
    pub(crate) known: usize,
    pub(crate) findings: Vec<String>,
}

/// Slower growth cannot be distinguished from noise, in KiB per minute: 30 MiB per day.
const TOLERATED: f64 = 20.0;

impl Report {
    /// The growth of both processes' memory, without the first third of the run.
    fn slopes(&self) -> [(&'static str, Option<Line>); 2] {
        let settled = &self.samples[self.samples.len() / 3..];
        let line = |of: fn(&Sample) -> f64| {
            let points: Vec<_> = settled
                .iter()
                .map(|sample| (sample.minutes, of(sample)))
                .collect();
            fit(&points)
        };
        [
            ("participants' memory", line(|sample| sample.rss)),
            ("server's memory", line(|sample| sample.server)),
        ]
    }

    /// Adds findings about the measured values.
    pub(crate) fn check(&mut self) {
        for (what, line) in self.slopes() {
            if let Some(line) = line
                && self.checks_memory
                && line.slope - 3.0 * line.error > TOLERATED
            {
                let slope = line.slope;
                self.findings
                    .push(format!("growth of the {what} by {slope:.0} KiB/min"));
            }
        }
        self.findings.extend(self.end.more_than(&self.begin));
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::from("\n| step | done |\n|---|---:|\n");
        // Writing into a String cannot fail.
        for (step, count) in &self.steps {
            let _ = writeln!(text, "| {step} | {count} |");
        }
        let _ = writeln!(text, "\n| watched | |\n|---|---:|");
        let _ = writeln!(text, "| messages on the buses | {} |", self.messages);
        for (what, line) in self.slopes() {
            let slope = line.map_or("too short".to_owned(), |line| {
                format!("{:.1} ± {:.1} KiB/min", line.slope, line.error)
            });
            let suffix = match self.checks_memory {
                true => "",
                false => " (not checked: no jemalloc)",
            };
            let _ = writeln!(text, "| growth of the {what} | {slope}{suffix} |");
        }
        if let (Some(first), Some(last)) = (self.samples.first(), self.samples.last()) {
            let _ = writeln!(
                text,
                "| memory at rest, first and last | {:.1}, {:.1} MiB |",
                first.rss / 1024.0,
                last.rss / 1024.0
            );
        }
        let (begin, end) = (&self.begin, &self.end);
        let threads = (begin.thread_count(), end.thread_count());
        let descriptors = (begin.descriptor_count(), end.descriptor_count());
        for (what, (begin, end)) in [
            ("threads", threads),
            ("descriptors", descriptors),
            ("live objects", self.living),
        ] {
            let _ = writeln!(text, "| {what} at the start and the end | {begin}, {end} |");
        }
        let _ = writeln!(
            text,
            "| known defects of GStreamer logged | {} |",
            self.known
        );
        let _ = writeln!(text, "| findings | {} |", self.findings.len());
        for finding in &self.findings {
            let _ = writeln!(text, "\nFOUND {finding}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rss: impl Fn(u32) -> f64) -> Report {
        let samples = (0..30).map(|minute| Sample {
            minutes: f64::from(minute),
            rss: rss(minute),
            server: 5000.0,
        });
        let mut report = Report {
            samples: samples.collect(),
            checks_memory: true,
            ..Report::default()
        };
        report.check();
        report
    }

    #[test]
    fn steady_growth_is_found_but_not_growth_that_ends() {
        let growing = report(|minute| 50_000.0 + 100.0 * f64::from(minute));
        assert_eq!(
            growing.findings,
            ["growth of the participants' memory by 100 KiB/min"]
        );
        let settling = report(|minute| 50_000.0 + 100.0 * f64::from(minute.min(8)));
        assert!(settling.findings.is_empty());
        let noisy = report(|minute| 50_000.0 + 500.0 * f64::from(minute % 3));
        assert!(noisy.findings.is_empty());
    }
}
