//! The numbers of tests that passed, failed and were skipped, as the test runners print them.

use std::fmt;
use std::ops::AddAssign;

/// Numbers of tests, or of steps without tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    /// Parses a line of the summary of `cargo test`, cargo-nextest or Node.js. The sum over all
    /// lines is the result of the run.
    pub(crate) fn of_line(line: &str) -> Option<Counts> {
        // The output of a test itself is indented, or follows other words.
        if let Some(result) = line.strip_prefix("test result: ") {
            let (_, numbers) = result.split_once(". ")?;
            return Some(Counts {
                passed: before(numbers, "passed"),
                failed: before(numbers, "failed"),
                skipped: before(numbers, "ignored"),
            });
        }
        if let Some(summary) = line.strip_prefix("     Summary [") {
            let (_, numbers) = summary.split_once(':')?;
            return Some(Counts {
                passed: before(numbers, "passed"),
                failed: before(numbers, "failed") + before(numbers, "timed out"),
                // Its skipped tests are those of other steps.
                skipped: 0,
            });
        }
        let (name, number) = line.strip_prefix("ℹ ")?.split_once(' ')?;
        let number = number.parse().ok()?;
        let mut counts = Counts::default();
        match name {
            "pass" => counts.passed = number,
            "fail" | "cancelled" => counts.failed = number,
            "skipped" | "todo" => counts.skipped = number,
            _ => return None,
        }
        Some(counts)
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Counts::default()
    }
}

/// The number before `word`, as in `3 passed (1 slow), 2 failed`; 0 if there is none.
fn before(text: &str, word: &str) -> usize {
    text.split([',', ';', '('])
        .filter_map(|part| part.trim().split_once(' '))
        .find(|(_, after)| *after == word)
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, skipped: usize) -> Option<Counts> {
        Some(Counts {
            passed,
            failed,
            skipped,
        })
    }

    #[test]
    fn the_summaries_of_all_runners_are_parsed() {
        for (line, expected) in [
            (
                "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out",
                counts(3, 1, 2),
            ),
            (
                "     Summary [  12.345s] 6 tests run: 3 passed (1 slow), 2 failed, 1 timed out, 4 skipped",
                counts(3, 3, 0),
            ),
            (
                "     Summary [   0.1s] 1 test run: 1 passed, 0 skipped",
                counts(1, 0, 0),
            ),
            ("ℹ pass 12", counts(12, 0, 0)),
            ("ℹ fail 2", counts(0, 2, 0)),
            ("ℹ duration_ms 2", None),
            ("test a ... ok", None),
            (
                "    test result: FAILED. 0 passed; 1 failed; 0 ignored",
                None,
            ),
        ] {
            assert_eq!(Counts::of_line(line), expected, "{line}");
        }
    }
}
