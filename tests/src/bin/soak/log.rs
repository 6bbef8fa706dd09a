//! Warnings and worse in the log of GLib.

use std::sync::{Mutex, MutexGuard, PoisonError};

use acscall_tests::glib_log::KNOWN;
use gst::glib;

/// A static variable, since the callback that fills it gets no data of ours.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Collects messages from now on.
pub(crate) fn catch() {
    glib::log_set_writer_func(|level, fields| {
        use glib::LogLevel::{Critical, Error, Warning};
        if matches!(level, Critical | Error | Warning) {
            let field = |key: &str| {
                let field = fields.iter().find(|field| field.key() == key);
                field
                    .and_then(|field| field.value_str())
                    .unwrap_or_default()
            };
            let text = format!("{} {level:?}: {}", field("GLIB_DOMAIN"), field("MESSAGE"));
            eprintln!("{text}");
            logged().push(text);
        }
        glib::LogWriterOutput::Handled
    });
}

/// Returns the messages so far: the unexplained ones, and the number of known ones.
pub(crate) fn take() -> (Vec<String>, usize) {
    let logged = std::mem::take(&mut *logged());
    let is_known = |text: &String| KNOWN.iter().any(|known| text.ends_with(known));
    let (known, new): (Vec<_>, Vec<_>) = logged.into_iter().partition(is_known);
    (new, known.len())
}

fn logged() -> MutexGuard<'static, Vec<String>> {
    LOGGED.lock().unwrap_or_else(PoisonError::into_inner)
}
