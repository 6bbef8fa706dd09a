//! Figures, and readings of this process.

use std::fs;

use acscall_tests::usage::status;
use anyhow::Result;

/// One figure of each run.
#[derive(Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[count / 2],
            count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
        }
    }

    /// Prints one line: the name, minimum, median, maximum and target.
    pub(crate) fn print(&self, what: &str, unit: &str, target: &str) {
        let min = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let max = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        println!(
            "{what:<58} min {min:>8.2}  median {:>8.2}  max {max:>8.2} {unit}  ({} runs; target: {target})",
            self.median(),
            self.0.len(),
        );
    }
}

impl FromIterator<f64> for Figures {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Figures {
        Figures(figures.into_iter().collect())
    }
}

pub(crate) fn print_machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("acscall on {}, {cores} cores", gst::version_string());
}

/// Resident memory of this process, in MiB.
pub(crate) fn rss() -> Result<f64> {
    Ok(status("self", "VmRSS")? / 1024.0)
}

/// Threads of this process.
pub(crate) fn threads() -> Result<usize> {
    Ok(status("self", "Threads")? as usize)
}

/// Open file descriptors of this process.
pub(crate) fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}
