//! Secrets that the server shares with others.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use ring::hmac;

/// The minimum length of a secret for tokens, in bytes: the key size of HS256 (RFC 7518).
pub const TOKEN_SECRET: usize = 32;

/// The minimum length of a secret for TURN passwords. The TURN server decides how strong it is.
pub const TURN_SECRET: usize = 1;

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Why a secret is invalid.
#[derive(Debug, thiserror::Error)]
pub enum BadSecret {
    /// The file cannot be read.
    #[error("the secret in {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is too short.
    #[error(
        "the secret has {length} bytes and needs {least} at least: make one with \
         `openssl rand -hex 32`"
    )]
    TooShort {
        /// Its length in bytes.
        length: usize,
        /// The length it needs.
        least: usize,
    },
}

impl Secret {
    /// Creates a secret of at least `least` bytes. Trailing line ends are removed.
    ///
    /// # Errors
    /// [`BadSecret::TooShort`].
    pub fn new(bytes: &[u8], least: usize) -> Result<Secret, BadSecret> {
        let end = bytes.iter().rposition(|byte| !b"\r\n".contains(byte));
        let bytes = &bytes[..end.map_or(0, |end| end + 1)];
        let length = bytes.len();
        if length < least {
            return Err(BadSecret::TooShort { length, least });
        }
        Ok(Secret(bytes.to_vec()))
    }

    /// Reads a secret of at least `least` bytes from a file. Trailing line ends are removed.
    ///
    /// # Errors
    /// [`BadSecret`] names the problem and never shows the file's content.
    pub fn read(path: &Path, least: usize) -> Result<Secret, BadSecret> {
        let bytes = fs::read(path).map_err(|error| BadSecret::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        Secret::new(&bytes, least)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn key(&self, algorithm: hmac::Algorithm) -> hmac::Key {
        hmac::Key::new(algorithm, &self.0)
    }
}

/// Omits the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_31_bytes_is_too_short_and_line_ends_do_not_count() {
        let error = Secret::new(&[b'x'; 31], TOKEN_SECRET).unwrap_err();
        assert!(error.to_string().contains("31 bytes"), "{error}");
        let padded = [&[b'x'; 31][..], b"\r\n"].concat();
        Secret::new(&padded, TOKEN_SECRET).unwrap_err();
        let good = Secret::new(&[b'x'; 32], TOKEN_SECRET).unwrap();
        let with_line_end = [&[b'x'; 32][..], b"\n"].concat();
        assert_eq!(Secret::new(&with_line_end, TOKEN_SECRET).unwrap(), good);
        assert_eq!(format!("{good:?}"), "Secret");
        Secret::new(b"\n", TURN_SECRET).unwrap_err();
    }

    #[test]
    fn the_error_names_a_missing_file() {
        let error = Secret::read(Path::new("/nowhere/secret"), TOKEN_SECRET).unwrap_err();
        assert!(error.to_string().contains("/nowhere/secret"), "{error}");
    }
}
