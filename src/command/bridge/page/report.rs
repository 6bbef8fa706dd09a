//! The reports of the page, in JSON.

use serde::Deserialize;

use crate::command::bridge::summary::Stream;

/// A report of `web/bridge/page/`.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(in crate::command::bridge) enum Report {
    /// The page is loaded and ready for calls.
    Ready,
    /// The other call's state, with ACS's names.
    State { state: String },
    /// A guest joined our call for a participant of the other call.
    Came { user: String, display_name: String },
    /// A guest left.
    Left { user: String, display_name: String },
    /// Something failed; the bridge goes on.
    Trouble { message: String },
    /// Statistics of the current streams. Sent every second, so that silence means a dead page.
    Stats { streams: Vec<Stream> },
    /// The bridge has ended.
    Over { ending: Ending, reason: String },
    /// Both calls have been hung up.
    Stopped,
}

/// How a bridge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::command::bridge) enum Ending {
    /// The call ended normally.
    Over,
    /// One of the services refused.
    Refused,
    /// The SDK does not work.
    Unusable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_parsed() {
        let read = |text| serde_json::from_str::<Report>(text).unwrap();
        assert_eq!(read(r#"{"type": "ready"}"#), Report::Ready);
        let over = r#"{"type": "over", "ending": "refused", "reason": "why"}"#;
        let reason = "why".to_owned();
        assert_eq!(
            read(over),
            Report::Over {
                ending: Ending::Refused,
                reason
            }
        );
        let came = r#"{"type": "came", "user": "8:acs:a", "displayName": "Anna"}"#;
        let (user, display_name) = ("8:acs:a".to_owned(), "Anna".to_owned());
        assert_eq!(read(came), Report::Came { user, display_name });
        let stats = r#"{"type": "stats", "streams": [{"direction": "in", "user": "a",
            "kind": "video", "frameWidth": 640, "framesPerSecond": 29.97, "new": 1}]}"#;
        let Report::Stats { streams } = read(stats) else {
            panic!("not a report of statistics");
        };
        assert_eq!(streams[0].frame_width, Some(640.0));
        assert_eq!(streams[0].bytes, None);
    }
}
