//! Lists the files of `web/` for the server, which embeds them (`src/server/page.rs`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Cargo watches the whole directory, so new files are found too.
    println!("cargo::rerun-if-changed=web");
    let web = directory("CARGO_MANIFEST_DIR")?.join("web");
    let mut names = Vec::new();
    collect(&web, "", &mut names)?;
    names.sort();
    let mut table = String::from("&[\n");
    for name in names {
        let path = web.join(&name);
        // Writing to a String cannot fail.
        let _ = writeln!(table, "    ({name:?}, include_bytes!({path:?})),");
    }
    table.push_str("]\n");
    fs::write(directory("OUT_DIR")?.join("web.rs"), table)
}

/// Adds the files below `directory` with `prefix` before their names. Hidden files are editors'.
fn collect(directory: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        let name = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

fn directory(variable: &str) -> io::Result<PathBuf> {
    let missing = || io::Error::other(format!("cargo sets no {variable}"));
    env::var_os(variable).map(PathBuf::from).ok_or_else(missing)
}
