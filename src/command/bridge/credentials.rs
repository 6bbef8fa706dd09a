//! The other service's credentials. They are no arguments, which every user of the machine can read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::{env, fmt};

use serde::{Serialize, Serializer};

use super::end::{Failure, Result};

/// The environment variables with credentials. Chromium does not inherit them.
pub(super) const VARIABLES: &[&str] = &[
    ACS_TOKEN,
    AGORA_TOKEN,
    AGORA_SCREEN_TOKEN,
    "ACSCALL_SECRET",
    "ACSCALL_TOKEN",
];

pub(super) const ACS_TOKEN: &str = "ACS_TOKEN";
pub(super) const AGORA_TOKEN: &str = "AGORA_TOKEN";
pub(super) const AGORA_SCREEN_TOKEN: &str = "AGORA_SCREEN_TOKEN";

/// The maximum number of bytes read from a file. Tokens have 1000 to 3000 bytes.
const LONGEST: u64 = 64 * 1024;

/// A credential. `Debug` hides it; serialization, for the page, does not.
#[derive(Clone)]
pub(super) struct Credential(String);

impl Credential {
    /// Reads the credential in `file` (`-` is standard input), or else the environment's `variable`.
    pub(super) fn find(file: Option<&Path>, variable: &str) -> Result<Option<Credential>> {
        match (file, env::var_os(variable)) {
            (Some(file), _) if file == Path::new("-") => {
                Credential::read(io::stdin().lock(), "on standard input").map(Some)
            }
            (Some(file), _) => {
                let place = format!("in {}", file.display());
                let opened = File::open(file);
                let opened = opened.map_err(|error| {
                    Failure::Arguments(format!("cannot read the token {place}: {error}"))
                })?;
                Credential::read(opened, &place).map(Some)
            }
            (None, Some(text)) => {
                let place = format!("in the environment variable {variable}");
                Credential::new(&text.to_string_lossy(), &place).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    fn read(source: impl Read, place: &str) -> Result<Credential> {
        let mut text = String::new();
        match source.take(LONGEST).read_to_string(&mut text) {
            Ok(_) => Credential::new(&text, place),
            Err(error) => {
                let text = format!("cannot read the token {place}: {error}");
                Err(Failure::Arguments(text))
            }
        }
    }

    /// Checks and trims `text`. `place` says where it was found, for errors.
    pub(super) fn new(text: &str, place: &str) -> Result<Credential> {
        let text = text.trim();
        let problem = if text.is_empty() {
            "is empty"
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            "contains spaces, line breaks or other characters that tokens do not have"
        } else {
            return Ok(Credential(text.to_owned()));
        };
        Err(Failure::Arguments(format!(
            "the token {place} {problem}: put only the token there"
        )))
    }

    /// Returns its text, for redaction.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// Hides the credential.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

/// For the page.
impl Serialize for Credential {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String> {
        let credential = Credential::read(text.as_bytes(), "here")?;
        assert_eq!(format!("{credential:?}"), "Credential");
        Ok(credential.expose().to_owned())
    }

    #[test]
    fn line_breaks_around_a_token_are_removed() {
        assert_eq!(read("eyJh.b_c-d=\r\n").unwrap(), "eyJh.b_c-d=");
    }

    #[test]
    fn an_invalid_token_is_not_quoted_in_the_error() {
        for (text, problem) in [("", "empty"), (" \n", "empty"), ("hush hush", "spaces")] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Credential::find(Some(Path::new("/nowhere/token")), "PATH").unwrap_err();
        assert!(matches!(error, Failure::Arguments(_)));
        assert!(error.to_string().contains("/nowhere/token"), "{error}");
    }
}
