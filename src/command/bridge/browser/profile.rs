//! Chromium's profile: a private temporary directory.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::command::bridge::random;

/// Digits in the directory's name. It contains a socket of Chromium, whose path must be shorter than
/// 108 bytes.
const NAME: usize = 8;
/// Mono samples per second of the silence, which lasts one second and is repeated.
const RATE: u32 = 48_000;
/// The width and height of the black picture: the smallest that Chromium accepts for a camera.
const SIDE: usize = 96;

/// The directory. It is removed on drop; if this program is killed, Chromium's shell removes it.
pub(super) struct Profile {
    directory: PathBuf,
}

impl Profile {
    pub(super) fn new() -> io::Result<Profile> {
        let directory = std::env::temp_dir().join(format!("acscall-{}", &random()?[..NAME]));
        DirBuilder::new().mode(0o700).create(&directory)?;
        let profile = Profile { directory };
        fs::write(profile.silence(), silence())?;
        fs::write(profile.black(), black())?;
        Ok(profile)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The recording of the fake microphone.
    pub(super) fn silence(&self) -> PathBuf {
        self.directory.join("silence.wav")
    }

    /// The recording of the fake camera.
    pub(super) fn black(&self) -> PathBuf {
        self.directory.join("black.y4m")
    }

    /// Whether this process runs as root, which then owns the directory.
    pub(super) fn is_of_root(&self) -> io::Result<bool> {
        Ok(fs::metadata(&self.directory)?.uid() == 0)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // A process that was just killed may still add a file.
        for _ in 0..3 {
            match fs::remove_dir_all(&self.directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {}
                _ => return,
            }
        }
    }
}

/// Returns a WAV file with one second of silence.
fn silence() -> Vec<u8> {
    let data = 2 * RATE;
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + data).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    wav.extend([1, 0, 1, 0]);
    wav.extend(RATE.to_le_bytes());
    wav.extend((2 * RATE).to_le_bytes());
    // Bytes and bits per sample.
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(data.to_le_bytes());
    wav.resize(wav.len() + 2 * RATE as usize, 0);
    wav
}

/// Returns a YUV4MPEG2 file with one black picture.
fn black() -> Vec<u8> {
    let mut file = format!("YUV4MPEG2 W{SIDE} H{SIDE} F5:1 Ip A1:1 C420\nFRAME\n").into_bytes();
    file.resize(file.len() + SIDE * SIDE, 16);
    file.resize(file.len() + SIDE * SIDE / 2, 128);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_private_and_removed_on_drop() {
        let profile = Profile::new().unwrap();
        let directory = profile.directory().to_owned();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read(profile.silence()).unwrap().len(), 44 + 96_000);
        fs::create_dir(directory.join("sub")).unwrap();
        fs::write(directory.join("sub/file"), "").unwrap();
        drop(profile);
        assert!(!directory.exists());
    }
}
