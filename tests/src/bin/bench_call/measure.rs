//! Figures, and where they are read.

use std::fs;

use anyhow::{Context, Result};

/// What was measured, in runs.
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

    /// Prints one line: what, min, median, max, and the target to hold against.
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
    Ok(status("VmRSS:")? / 1024.0)
}

/// Threads of this process.
pub(crate) fn threads() -> Result<usize> {
    Ok(status("Threads:")? as usize)
}

/// Open file descriptors of this process.
pub(crate) fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// Processor time that a process used so far, in seconds.
pub(crate) fn cpu(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold anything but ends with the last parenthesis; see proc(5).
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    let used = ticks(11)
        .zip(ticks(12))
        .context("/proc/PID/stat has the times")?;
    // USER_HZ is 100 on every Linux that Debian supports.
    Ok((used.0 + used.1) / 100.0)
}

fn status(field: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("/proc/self/status has {field}"))
}
