//! The status line of a bridge.

use std::time::Duration;

use serde::Deserialize;

/// Statistics of a stream: `StreamStats` of `web/bridge/common/measure.js`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stream {
    direction: Direction,
    kind: Kind,
    /// This and the following are JavaScript numbers.
    pub(super) frame_width: Option<f64>,
    frame_height: Option<f64>,
    frames_per_second: Option<f64>,
    pub(super) bytes: Option<f64>,
    receivers: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// From the other call into ours.
    In,
    Out,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Audio,
    Video,
    Screen,
}

/// The contents of the status line.
#[derive(Default)]
pub(super) struct Summary {
    /// The state of the other call, with ACS's names; empty until the page is loaded.
    pub(super) state: String,
    /// The time in this state.
    pub(super) since: Duration,
    pub(super) guests: usize,
    pub(super) streams: Vec<Stream>,
    /// The incoming bit rate, if known.
    pub(super) bits_per_second: Option<f64>,
    /// Whether a participant sends into the other call.
    pub(super) sends: bool,
}

impl Summary {
    /// Returns the parts of the line.
    pub(super) fn parts(&self) -> Vec<String> {
        let mut parts = vec![format!("{} {}", state_text(&self.state), clock(self.since))];
        if self.guests > 0 || !self.streams.is_empty() {
            parts.push(counted(self.guests, "guest"));
            parts.push(format!("in: {}", or_nothing(self.incoming())));
            if self.sends {
                parts.push(format!("out: {}", or_nothing(self.outgoing())));
            }
        }
        parts
    }

    fn incoming(&self) -> Vec<String> {
        let pictures = [(Kind::Video, "camera"), (Kind::Screen, "screen")];
        let mut incoming: Vec<String> = pictures
            .into_iter()
            .filter_map(|(kind, name)| watched(&self.of(Direction::In, kind), name))
            .collect();
        match self.of(Direction::In, Kind::Audio).len() {
            0 => {}
            1 => incoming.push("audio".to_owned()),
            several => incoming.push(format!("audio of {several}")),
        }
        let rate = self.bits_per_second.filter(|rate| *rate > 0.0);
        incoming.extend(rate.map(rate_text));
        incoming
    }

    fn outgoing(&self) -> Vec<String> {
        let named = [(Kind::Video, "camera "), (Kind::Screen, "screen ")];
        let mut outgoing: Vec<String> = named
            .into_iter()
            .flat_map(|(kind, name)| {
                let streams = self.of(Direction::Out, kind);
                streams
                    .into_iter()
                    .map(move |one| format!("{name}{}", picture(one)))
            })
            .collect();
        if !self.of(Direction::Out, Kind::Audio).is_empty() {
            outgoing.push("audio".to_owned());
        }
        outgoing
    }

    fn of(&self, direction: Direction, kind: Kind) -> Vec<&Stream> {
        let is_it = |stream: &&Stream| stream.direction == direction && stream.kind == kind;
        self.streams.iter().filter(is_it).collect()
    }
}

/// Returns the number of bytes received so far.
pub(super) fn bytes_in(streams: &[Stream]) -> f64 {
    let incoming = streams
        .iter()
        .filter(|stream| stream.direction == Direction::In);
    incoming.filter_map(|stream| stream.bytes).sum()
}

/// Describes the incoming video of one kind, which is sent only while somebody in our call watches.
fn watched(streams: &[&Stream], name: &str) -> Option<String> {
    let is_watched = |stream: &&&Stream| stream.receivers.is_some_and(|number| number > 0.0);
    let watched: Vec<_> = streams.iter().filter(is_watched).collect();
    let frames: f64 = watched.iter().filter_map(|one| one.frames_per_second).sum();
    let all = counted(streams.len(), name);
    match (streams.len(), watched.len()) {
        (0, _) => None,
        (_, 0) => Some(format!("{all} unwatched")),
        (number, some) if some < number => Some(format!("{all} ({some} watched) {frames:.0} fps")),
        _ => Some(format!("{all} {frames:.0} fps")),
    }
}

fn picture(stream: &Stream) -> String {
    let frames = stream.frames_per_second.unwrap_or_default();
    match (stream.frame_width, stream.frame_height) {
        (Some(width), Some(height)) => format!("{width:.0}×{height:.0} {frames:.0} fps"),
        _ => format!("{frames:.0} fps"),
    }
}

fn rate_text(bits: f64) -> String {
    match bits {
        bits if bits < 1e6 => format!("{:.0} kbit/s", bits / 1e3),
        bits => format!("{:.1} Mbit/s", bits / 1e6),
    }
}

fn counted(number: usize, name: &str) -> String {
    match number {
        1 => format!("1 {name}"),
        number => format!("{number} {name}s"),
    }
}

fn or_nothing(parts: Vec<String>) -> String {
    match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join(", "),
    }
}

/// Returns a state's text for people.
fn state_text(state: &str) -> String {
    match state {
        "" | "None" => "Starting".to_owned(),
        "InLobby" => "In the lobby".to_owned(),
        "LocalHold" => "On hold".to_owned(),
        "RemoteHold" => "On hold by the others".to_owned(),
        other => other.to_owned(),
    }
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(text: &str) -> Vec<Stream> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn without_guests_and_streams_the_line_is_the_state() {
        let mut summary = Summary::default();
        assert_eq!(summary.parts(), ["Starting 0:00"]);
        summary.state = "InLobby".to_owned();
        summary.since = Duration::from_secs(61);
        assert_eq!(summary.parts(), ["In the lobby 1:01"]);
        summary.state = "Reconnecting".to_owned();
        summary.since = Duration::from_secs(36_061);
        assert_eq!(summary.parts(), ["Reconnecting 10:01:01"]);
    }

    #[test]
    fn incoming_and_outgoing_streams_are_counted() {
        let summary = Summary {
            state: "Connected".to_owned(),
            guests: 3,
            streams: streams(
                r#"[
                {"direction": "in", "kind": "video", "receivers": 1, "framesPerSecond": 30},
                {"direction": "in", "kind": "video", "receivers": 2, "framesPerSecond": 29.4},
                {"direction": "in", "kind": "screen", "receivers": 0},
                {"direction": "in", "kind": "audio", "receivers": 1, "bytes": 10},
                {"direction": "out", "kind": "video", "frameWidth": 1280, "frameHeight": 720,
                 "framesPerSecond": 30},
                {"direction": "out", "kind": "audio"}
            ]"#,
            ),
            bits_per_second: Some(3_140_000.0),
            sends: true,
            ..Summary::default()
        };
        let parts = [
            "Connected 0:00",
            "3 guests",
            "in: 2 cameras 59 fps, 1 screen unwatched, audio, 3.1 Mbit/s",
            "out: camera 1280×720 30 fps, audio",
        ];
        assert_eq!(summary.parts(), parts);
        assert_eq!(bytes_in(&summary.streams), 10.0);
    }

    #[test]
    fn missing_streams_are_shown_as_nothing() {
        let summary = Summary {
            state: "Connected".to_owned(),
            guests: 1,
            sends: true,
            ..Summary::default()
        };
        let parts = ["Connected 0:00", "1 guest", "in: nothing", "out: nothing"];
        assert_eq!(summary.parts(), parts);
    }

    #[test]
    fn watched_cameras_are_counted_separately() {
        let summary = Summary {
            streams: streams(
                r#"[
                {"direction": "in", "kind": "video", "receivers": 1, "framesPerSecond": 15},
                {"direction": "in", "kind": "video", "receivers": 0},
                {"direction": "in", "kind": "audio"}, {"direction": "in", "kind": "audio"}
            ]"#,
            ),
            bits_per_second: Some(200_400.0),
            ..Summary::default()
        };
        assert_eq!(
            summary.parts()[2],
            "in: 2 cameras (1 watched) 15 fps, audio of 2, 200 kbit/s"
        );
    }
}
