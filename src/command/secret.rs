//! Finds the secret of tokens. It is never an argument, which every user of the machine can read.

use std::env;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use acscall::server::{BadSecret, Secret, TOKEN_SECRET};

/// The environment variable of the secret.
const VARIABLE: &str = "ACSCALL_SECRET";

/// Returns the secret in `file`, or else that of the environment, or `None`.
pub(super) fn find(file: Option<&Path>) -> Result<Option<Secret>, BadSecret> {
    match (file, env::var_os(VARIABLE)) {
        (Some(file), _) => Secret::read(file, TOKEN_SECRET).map(Some),
        (None, Some(text)) => Secret::new(text.as_bytes(), TOKEN_SECRET).map(Some),
        (None, None) => Ok(None),
    }
}
