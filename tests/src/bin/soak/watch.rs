//! Memory, threads and descriptors of a process, and their growth.

use std::collections::BTreeMap;
use std::fs;

use acscall_tests::usage::status;
use anyhow::Result;

/// The memory allocator of a run and of all processes that it starts.
pub(crate) const ALLOCATOR: &str = "libjemalloc.so.2";

/// Whether this process uses [`ALLOCATOR`].
pub(crate) fn has_allocator() -> Result<bool> {
    Ok(fs::read_to_string("/proc/self/maps")?.contains(ALLOCATOR))
}

/// The threads and descriptors at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// The number of threads with each name.
    pub(crate) threads: BTreeMap<String, usize>,
    /// The number of open descriptors of each kind.
    pub(crate) descriptors: BTreeMap<String, usize>,
}

impl Census {
    /// Counts those of this process.
    pub(crate) fn take() -> Result<Census> {
        let mut census = Census::default();
        for task in fs::read_dir("/proc/self/task")? {
            // A thread may end meanwhile.
            let Ok(name) = fs::read_to_string(task?.path().join("comm")) else {
                continue;
            };
            *census.threads.entry(name.trim().to_owned()).or_default() += 1;
        }
        for descriptor in fs::read_dir("/proc/self/fd")? {
            let Ok(target) = fs::read_link(descriptor?.path()) else {
                continue;
            };
            // All sockets (socket:[123]) count together; files count by path.
            let target = target.to_string_lossy();
            let what = match target.split_once(":[") {
                Some((what, _)) => what.to_owned(),
                None => target.into_owned(),
            };
            *census.descriptors.entry(what).or_default() += 1;
        }
        // The folder that is being read.
        census.descriptors.retain(|what, _| !what.ends_with("/fd"));
        Ok(census)
    }

    pub(crate) fn thread_count(&self) -> usize {
        self.threads.values().sum()
    }

    pub(crate) fn descriptor_count(&self) -> usize {
        self.descriptors.values().sum()
    }

    /// Describes the threads and descriptors with a higher count than in `earlier`.
    pub(crate) fn more_than(&self, earlier: &Census) -> Vec<String> {
        let more = |now: &BTreeMap<String, usize>, then: &BTreeMap<String, usize>, what: &str| {
            let then = |name: &String| then.get(name).copied().unwrap_or(0);
            now.iter()
                .filter(|(name, count)| **count > then(name))
                .map(|(name, count)| format!("{what} {name}: {} → {count}", then(name)))
                .collect::<Vec<_>>()
        };
        let mut all = more(&self.threads, &earlier.threads, "threads");
        all.extend(more(&self.descriptors, &earlier.descriptors, "descriptors"));
        all
    }
}

/// Resident memory of a process, in KiB; `self` for this one. File mappings are not included: code
/// becomes resident when it runs for the first time.
pub(crate) fn rss(process: &str) -> Result<f64> {
    status(process, "RssAnon")
}

/// A straight line through measured points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) slope: f64,
    /// The standard error of the slope.
    pub(crate) error: f64,
}

/// Fits a line by least squares; `None` for fewer than three points.
pub(crate) fn fit(points: &[(f64, f64)]) -> Option<Line> {
    let count = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let both: f64 = points
        .iter()
        .map(|(x, y)| (x - x_mean) * (y - y_mean))
        .sum();
    if spread == 0.0 {
        return None;
    }
    let slope = both / spread;
    let rest: f64 = points
        .iter()
        .map(|(x, y)| (y - y_mean - slope * (x - x_mean)).powi(2))
        .sum();
    Some(Line {
        slope,
        error: (rest / (count - 2.0) / spread).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_noise_is_found_and_has_no_error() {
        let points: Vec<_> = (0..10)
            .map(|x| (f64::from(x), 3.0 * f64::from(x) + 7.0))
            .collect();
        let line = fit(&points).unwrap();
        assert!(
            (line.slope - 3.0).abs() < 1e-9 && line.error < 1e-9,
            "{line:?}"
        );
    }

    #[test]
    fn the_error_of_the_slope_is_that_of_the_textbook() {
        // Residuals of 1, -2, 1 about y = 2 + x: s² = 6/1, Sxx = 2.
        let line = fit(&[(0.0, 3.0), (1.0, 1.0), (2.0, 5.0)]).unwrap();
        assert!((line.slope - 1.0).abs() < 1e-9);
        assert!((line.error - 3.0_f64.sqrt()).abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn two_points_or_a_single_moment_have_no_line() {
        assert_eq!(fit(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(fit(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn higher_counts_are_described() {
        let census = |threads: usize| Census {
            threads: BTreeMap::from([("a".into(), threads)]),
            descriptors: BTreeMap::from([("socket".into(), 2)]),
        };
        assert_eq!(census(3).more_than(&census(1)), ["threads a: 1 → 3"]);
        assert!(census(1).more_than(&census(3)).is_empty());
    }
}
