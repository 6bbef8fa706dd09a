//! The element's own settings.

/// The default of the property `stall-timeout`, in ms: working sources do not pause for longer.
pub(super) const DEFAULT_STALL_TIMEOUT: u32 = 5_000;

/// The values of the element's own properties.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) sync: bool,
    pub(super) wait_for: u32,
    /// In ms.
    pub(super) stall_timeout: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sync: true,
            wait_for: 0,
            stall_timeout: DEFAULT_STALL_TIMEOUT,
        }
    }
}
