//! The embedded server's log in GStreamer's: `GST_DEBUG=acscallserver:5` shows it.
//!
//! The server logs with `tracing`. Its events go to a GStreamer debug category on the server's
//! own thread only: a subscriber that the application has set keeps all others.

use std::fmt::{self, Write};
use std::sync::LazyLock;

use gst::{DebugLogger, glib};
use tracing::dispatcher::{Dispatch, with_default};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "acscallserver",
        gst::DebugColorFlags::empty(),
        Some("The signalling server inside of this process"),
    )
});

/// Calls `f` with the log going to GStreamer. A server that `f` starts logs there, too.
pub(super) fn with_server_log<T>(f: impl FnOnce() -> T) -> T {
    static DISPATCH: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(ServerLog));
    with_default(&DISPATCH, f)
}

/// See the module.
struct ServerLog;

impl Subscriber for ServerLog {
    /// The category's threshold may change at any time.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    /// Libraries below the server are left out: their lowest levels show whole messages, with the
    /// tokens in them.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let is_ours = target == "acscall" || target.starts_with("acscall::");
        metadata.is_event() && is_ours && CAT.above_threshold(gst_level(*metadata.level()))
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        let file = glib::GString::from(metadata.file().unwrap_or_default());
        CAT.log(
            None::<&glib::Object>,
            gst_level(*metadata.level()),
            file.as_gstr(),
            metadata.target(),
            metadata.line().unwrap_or_default(),
            format_args!("{}{}", text.message, text.fields),
        );
    }

    // Spans are disabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn gst_level(level: Level) -> gst::DebugLevel {
    match level {
        Level::ERROR => gst::DebugLevel::Error,
        Level::WARN => gst::DebugLevel::Warning,
        Level::INFO => gst::DebugLevel::Info,
        Level::DEBUG => gst::DebugLevel::Debug,
        Level::TRACE => gst::DebugLevel::Trace,
    }
}

/// An event in one line: its message, then its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
        written.expect("a string takes all text");
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::*;

    /// The messages logged to the category during the lifetime of this value.
    pub(in crate::call) struct Captured {
        lines: Receiver<(gst::DebugLevel, String)>,
        function: Option<gst::log::DebugLogFunction>,
    }

    impl Captured {
        pub(in crate::call) fn start() -> Captured {
            gst::init().unwrap();
            CAT.set_threshold(gst::DebugLevel::Trace);
            let (sender, lines) = channel();
            let sender = Mutex::new(sender);
            let function = gst::log::add_log_function(move |category, level, _, _, _, _, text| {
                if category == *CAT {
                    let text = text.get().map(|text| text.to_string());
                    let _the_test_is_over = sender.lock().send((level, text.unwrap_or_default()));
                }
            });
            Captured {
                lines,
                function: Some(function),
            }
        }

        pub(in crate::call) fn wait_for(&self, wanted: gst::DebugLevel, part: &str) -> String {
            loop {
                let line = self.lines.recv_timeout(Duration::from_secs(60));
                let (level, text) = line.expect("the line comes");
                if level == wanted && text.contains(part) {
                    return text;
                }
            }
        }
    }

    impl Drop for Captured {
        fn drop(&mut self) {
            if let Some(function) = self.function.take() {
                gst::log::remove_log_function(function);
            }
        }
    }

    #[test]
    fn each_level_has_its_counterpart_and_fields_follow_the_message() {
        let log = Captured::start();
        with_server_log(|| {
            tracing::error!(target: "acscall::test", "one");
            tracing::warn!(target: "acscall::test", "two");
            tracing::info!(target: "acscall::test", call = "demo", number = 3, "three");
            tracing::debug!(target: "acscall::test", "four");
            tracing::trace!(target: "acscall::test", "five");
        });
        log.wait_for(gst::DebugLevel::Error, "one");
        log.wait_for(gst::DebugLevel::Warning, "two");
        let text = log.wait_for(gst::DebugLevel::Info, "three");
        assert_eq!(text, "three call=\"demo\" number=3");
        log.wait_for(gst::DebugLevel::Debug, "four");
        log.wait_for(gst::DebugLevel::Trace, "five");
    }

    #[test]
    fn neither_other_crates_nor_other_threads_log_to_the_category() {
        let log = Captured::start();
        tracing::error!(target: "acscall::test", "of another thread");
        with_server_log(|| {
            tracing::error!(target: "acscallother", "of another crate");
            tracing::error!(target: "acscall::test", "the only one");
        });
        let mut lines = log.lines.try_iter().map(|(_, text)| text);
        assert!(lines.all(|text| !text.contains("of another")));
    }
}
