//! Durations on the command line.

use std::time::Duration;

/// Reads `90s`, `15m`, `1h` or `7d`.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    const BAD: &str = "it has to be a whole number with s, m, h or d, such as 90s, 15m, 1h or 7d";
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(BAD),
    };
    let number = &text[..text.len() - 1];
    let number = number
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| number.parse::<u32>().ok());
    match number.flatten() {
        None | Some(0) => Err(BAD),
        Some(number) => Ok(Duration::from_secs(u64::from(number) * unit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_with_a_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in [
            "",
            "s",
            "0s",
            "90",
            "-1s",
            "+1s",
            "1.5h",
            "1w",
            "1 h",
            "99999999999s",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
