//! The element's own settings.

use super::AcsCallOnLeave;
use crate::call::DEFAULT_LATENCY;

/// The values of the element's own properties.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) participant: Option<String>,
    /// In ms.
    pub(super) latency: u32,
    pub(super) on_leave: AcsCallOnLeave,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            participant: None,
            latency: DEFAULT_LATENCY,
            on_leave: AcsCallOnLeave::Keep,
        }
    }
}
