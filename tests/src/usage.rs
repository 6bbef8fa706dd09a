//! Resources that a process uses, as `/proc` shows them; see proc(5).

use std::fs;

use anyhow::{Context as _, Result};

/// Processor time that the process has used so far, in seconds.
///
/// # Errors
/// There is no such process.
pub fn cpu(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may contain anything and ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat has a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = ticks(11)
        .zip(ticks(12))
        .context("/proc/PID/stat has the times")?;
    // USER_HZ is 100 on every Linux that Debian supports.
    Ok((user + system) / 100.0)
}

/// The number in a field of `/proc/PROCESS/status`, such as `VmHWM`; sizes are in KiB. `self` is
/// this process.
///
/// # Errors
/// There is no such process or field.
pub fn status(process: &str, field: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("/proc/{process}/status has no {field}"))
}
