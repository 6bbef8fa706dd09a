//! Fatal GLib warnings, except for those of known faults upstream.

use gst::glib::{self, LogLevel, LogLevels};

/// Criticals that GStreamer causes and that have no further effect.
pub const KNOWN: [&str; 1] = [
    // rtpsession.c, `schedule_remaining_nacks`, in 1.22 and later: it unlocks the session while it
    // iterates over the sources. If a source is added in that moment, the iteration ends early, and
    // the next timeout schedules the remaining NACKs.
    "g_hash_table_foreach: assertion 'version == hash_table->version' failed",
];

/// Applies `G_DEBUG=fatal_warnings` to all messages but the known ones. Does nothing if `G_DEBUG`
/// makes no warning fatal, and from the second call on.
pub(crate) fn install() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let fatal = glib::log_set_always_fatal(LogLevels::LEVEL_ERROR);
        if !fatal.contains(LogLevels::LEVEL_CRITICAL) {
            return;
        }
        glib::log_set_writer_func(move |level, fields| {
            let message = fields.iter().find(|field| field.key() == "MESSAGE");
            let message = message.and_then(|field| field.value_str());
            let is_known = message.is_some_and(|message| KNOWN.contains(&message));
            let output = glib::log_writer_default(level, fields);
            if is_fatal(fatal, level) && !is_known {
                std::process::abort();
            }
            output
        });
    });
}

fn is_fatal(levels: LogLevels, level: LogLevel) -> bool {
    levels.contains(match level {
        LogLevel::Error => LogLevels::LEVEL_ERROR,
        LogLevel::Critical => LogLevels::LEVEL_CRITICAL,
        LogLevel::Warning => LogLevels::LEVEL_WARNING,
        LogLevel::Message => LogLevels::LEVEL_MESSAGE,
        LogLevel::Info => LogLevels::LEVEL_INFO,
        LogLevel::Debug => LogLevels::LEVEL_DEBUG,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs `G_DEBUG`, which `cargo xtask test` sets.
    #[test]
    fn a_known_critical_does_not_end_the_process() {
        install();
        glib::g_critical!("GLib", "{}", KNOWN[0]);
    }
}
