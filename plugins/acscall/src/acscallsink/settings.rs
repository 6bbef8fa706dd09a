//! What the user asks of the element itself.

/// The default of the property `stall-timeout`, in ms: no pause of a source that works is longer.
pub(super) const DEFAULT_STALL_TIMEOUT: u32 = 5_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) sync: bool,
    pub(super) wait_for: u32,
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
