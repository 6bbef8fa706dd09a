//! Warnings of GStreamer that a test expects.

use std::sync::{Arc, Mutex};

use gst::glib;

/// Collects the warnings of GStreamer while it exists. Otherwise `G_DEBUG=fatal_warnings` makes
/// them end the process.
pub(crate) struct Complaints {
    texts: Arc<Mutex<Vec<String>>>,
    handler: Option<glib::LogHandlerId>,
    fatal: glib::LogLevels,
}

impl Complaints {
    pub(crate) fn of_gstreamer() -> Complaints {
        let texts: Arc<Mutex<Vec<String>>> = Arc::default();
        let collected = texts.clone();
        let fatal = glib::log_set_always_fatal(glib::LogLevels::LEVEL_ERROR);
        let handler = glib::log_set_handler(
            Some("GStreamer"),
            glib::LogLevels::LEVEL_WARNING | glib::LogLevels::LEVEL_CRITICAL,
            false,
            false,
            move |_, _, text| collected.lock().unwrap().push(text.to_owned()),
        );
        Complaints {
            texts,
            handler: Some(handler),
            fatal,
        }
    }

    /// Asserts that every collected warning is expected.
    pub(crate) fn assert_all(&self, is_expected: impl Fn(&str) -> bool) {
        for text in self.texts.lock().unwrap().iter() {
            assert!(is_expected(text), "{text}");
        }
    }
}

impl Drop for Complaints {
    fn drop(&mut self) {
        if let Some(handler) = self.handler.take() {
            glib::log_remove_handler(Some("GStreamer"), handler);
        }
        glib::log_set_always_fatal(self.fatal);
    }
}
