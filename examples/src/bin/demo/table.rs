//! The summary's table.

use crate::stream::{Stream, Way};

/// Formats a line for each stream that had a buffer.
pub(crate) fn of(streams: &[Stream]) -> String {
    let rows: Vec<[String; 4]> = streams
        .iter()
        .filter(|stream| stream.is_alive())
        .map(|stream| {
            let what = match (stream.way, &stream.of) {
                (Way::Received, Some(of)) => {
                    format!("{} received {} of {of}", stream.who, stream.kind)
                }
                (Way::Received, None) => format!("{} received {}", stream.who, stream.kind),
                (Way::Sent, _) => format!("{} sent {}", stream.who, stream.kind),
            };
            [what, stream.amount(), stream.size(), stream.average()]
        })
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    rows.iter()
        .map(|[what, amount, size, average]| {
            let line = format!(
                "  {what:<w0$}  {amount:>w1$}  {size:>w2$}  {average:>w3$}",
                w0 = widths[0],
                w1 = widths[1],
                w2 = widths[2],
                w3 = widths[3],
            );
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}
