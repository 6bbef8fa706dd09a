//! Puts version and date into the plugin.
fn main() {
    gst_plugin_version_helper::info();
}
