//! Figures of a period of a record.

use std::ops::Range;

use crate::record::{Record, Time};

/// How many consecutive frames without a loss mean that the stream has recovered.
const WHOLE: usize = 30;

/// The figures of one case.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Frames sent during the fault.
    pub(crate) sent: usize,
    /// How many of them were delivered.
    pub(crate) delivered: usize,
    /// Their delay in ms: the median and the maximum.
    pub(crate) delay: Option<(u64, u64)>,
    /// The longest pause between pictures until the end of the case, in ms.
    pub(crate) picture_pause: u64,
    /// The longest pause between sounds until the end of the case, in ms.
    pub(crate) sound_pause: u64,
    /// From the end of the fault to the arrival of the first frame sent after it, in ms.
    pub(crate) picture_back: Option<u64>,
    /// From the end of the fault to the first sound, in ms.
    pub(crate) sound_back: Option<u64>,
    /// From the end of the fault to the first of a second of frames without a loss, in ms.
    pub(crate) whole: Option<u64>,
}

impl Figures {
    /// Calculates the figures of a fault that lasted for `fault`, in a case that ended at `end`.
    pub(crate) fn new(record: &Record, fault: Range<Time>, end: Time) -> Figures {
        let during: Vec<(u32, Time)> = record
            .sent
            .iter()
            .map(|(number, at)| (*number, *at))
            .filter(|(_, at)| fault.contains(at))
            .collect();
        let mut delays: Vec<u64> = during
            .iter()
            .filter_map(|(number, at)| Some(record.got.get(number)?.saturating_sub(*at) / 1000))
            .collect();
        delays.sort_unstable();
        let back = |at: Option<Time>| at.map(|at| (at - fault.end) / 1000);
        Figures {
            sent: during.len(),
            delivered: delays.len(),
            delay: delays.last().map(|last| (delays[delays.len() / 2], *last)),
            picture_pause: longest_pause(&record.arrivals, fault.start..end) / 1000,
            sound_pause: longest_pause(&record.sounds, fault.start..end) / 1000,
            picture_back: back(first_frame_after(record, fault.end)),
            sound_back: back(record.sounds.iter().copied().find(|at| *at >= fault.end)),
            whole: back(whole_after(record, fault.end)),
        }
    }

    /// The share of the frames that were delivered, in percent.
    pub(crate) fn percent(&self) -> f64 {
        100.0 * self.delivered as f64 / self.sent.max(1) as f64
    }
}

fn longest_pause(times: &[Time], range: Range<Time>) -> u64 {
    let mut last = range.start;
    let mut longest = 0;
    for time in times.iter().filter(|time| range.contains(*time)) {
        longest = longest.max(time.saturating_sub(last));
        last = *time;
    }
    longest.max(range.end.saturating_sub(last))
}

fn first_frame_after(record: &Record, end: Time) -> Option<Time> {
    let sent_after = record.sent.iter().filter(|(_, at)| **at >= end);
    sent_after
        .filter_map(|(number, _)| record.got.get(number).copied())
        .min()
}

/// When the first of [`WHOLE`] consecutive delivered frames arrived.
fn whole_after(record: &Record, end: Time) -> Option<Time> {
    let sent_after: Vec<u32> = record
        .sent
        .iter()
        .filter(|(_, at)| **at >= end)
        .map(|(number, _)| *number)
        .collect();
    let run = sent_after
        .windows(WHOLE)
        .find(|run| run.iter().all(|number| record.got.contains_key(number)))?;
    record.got.get(run.first()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame every 33 ms that arrives after 50 ms, except for the frames in `lost`.
    fn record(frames: u32, lost: Range<u32>) -> Record {
        let mut record = Record::default();
        for number in 0..frames {
            let sent = u64::from(number) * 33_000;
            record.sent.insert(number, sent);
            if !lost.contains(&number) {
                record.got.insert(number, sent + 50_000);
                record.arrivals.push(sent + 50_000);
                record.sounds.push(sent + 40_000);
            }
        }
        record
    }

    #[test]
    fn losses_and_the_time_until_media_is_back_are_found() {
        // Frames 100 to 199 are lost; the fault ends at 180.
        let record = record(300, 100..200);
        let at = |number: u64| number * 33_000;
        let figures = Figures::new(&record, at(90)..at(180), at(300));
        assert_eq!((figures.sent, figures.delivered), (90, 10));
        assert_eq!(figures.delay, Some((50, 50)));
        assert_eq!(figures.picture_pause, 33 * 101);
        assert_eq!(figures.picture_back, Some(20 * 33 + 50));
        assert_eq!(figures.sound_back, Some(20 * 33 + 40));
        assert_eq!(figures.whole, figures.picture_back);
        assert!((figures.percent() - 11.1).abs() < 0.1);
    }

    #[test]
    fn media_that_never_returns_has_no_time() {
        let record = record(300, 100..300);
        let at = |number: u64| number * 33_000;
        let figures = Figures::new(&record, at(90)..at(180), at(300));
        assert_eq!((figures.picture_back, figures.whole), (None, None));
        // From the arrival of frame 99 to the end.
        assert_eq!(figures.picture_pause, at(201) / 1000 - 50);
    }
}
