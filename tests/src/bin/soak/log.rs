//! What GLib logs as a warning or worse.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gst::glib;

/// What GStreamer 1.22 logs by itself, and why it is no finding.
const KNOWN: [&str; 1] = [
    // A session that makes its report gives its lock away while it goes through its sources, and
    // another thread adds one (mended in 2023 by 6675ed9aa). One report lacks a part.
    "g_hash_table_foreach: assertion 'version == hash_table->version' failed",
];

/// The callback that fills it has nowhere else to go.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Collects what is logged from now on.
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

/// What was logged so far: what nothing explains, and how often what is known.
pub(crate) fn take() -> (Vec<String>, usize) {
    let logged = std::mem::take(&mut *logged());
    let is_known = |text: &String| KNOWN.iter().any(|known| text.ends_with(known));
    let (known, new): (Vec<_>, Vec<_>) = logged.into_iter().partition(is_known);
    (new, known.len())
}

fn logged() -> MutexGuard<'static, Vec<String>> {
    LOGGED.lock().unwrap_or_else(PoisonError::into_inner)
}
