//! Concatenates WAV files.

use anyhow::{Context, Result, ensure};

/// Returns a file with the samples of all `files`, which must have the same format.
///
/// # Errors
/// A file is no WAV file or has another format than the first.
pub(super) fn join(files: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut format = None;
    let mut samples = Vec::new();
    for file in files {
        let of_this = chunk(file, b"fmt ")?;
        ensure!(
            *format.get_or_insert(of_this) == of_this,
            "the files have different formats"
        );
        samples.extend_from_slice(chunk(file, b"data")?);
    }
    let format = format.context("there is no file")?;
    let mut joined = b"WAVE".to_vec();
    for (name, content) in [(b"fmt ", format), (b"data", &samples)] {
        add(&mut joined, name, content)?;
    }
    let mut whole = Vec::new();
    add(&mut whole, b"RIFF", &joined)?;
    Ok(whole)
}

/// Returns the content of the first chunk with this name. A length beyond the end of the file means
/// the rest of the file: a program that writes into a pipe does not know the length.
fn chunk<'a>(file: &'a [u8], wanted: &[u8; 4]) -> Result<&'a [u8]> {
    let body = file.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..));
    let mut rest = body
        .and_then(|body| body.strip_prefix(b"WAVE"))
        .context("not a WAV file")?;
    while let Some((head, content)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (content, behind) = content.split_at(length.min(content.len()));
        if head.starts_with(wanted) {
            return Ok(content);
        }
        // Chunks begin at even offsets.
        rest = behind.get(length % 2..).unwrap_or_default();
    }
    anyhow::bail!("the file has no chunk {}", String::from_utf8_lossy(wanted))
}

fn add(file: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) -> Result<()> {
    file.extend_from_slice(name);
    file.extend_from_slice(&u32::try_from(content.len())?.to_le_bytes());
    file.extend_from_slice(content);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with a chunk of odd length before the samples.
    fn wav(format: &[u8], samples: &[u8]) -> Vec<u8> {
        let mut inner = b"WAVE".to_vec();
        add(&mut inner, b"fmt ", format).unwrap();
        add(&mut inner, b"note", b"odd").unwrap();
        inner.push(0);
        add(&mut inner, b"data", samples).unwrap();
        let mut file = Vec::new();
        add(&mut file, b"RIFF", &inner).unwrap();
        file
    }

    #[test]
    fn samples_are_concatenated_after_one_header() {
        let joined = join(&[wav(b"16 bit", b"ab"), wav(b"16 bit", b"cdef")]).unwrap();
        assert_eq!(joined[..12], *b"RIFF\x20\0\0\0WAVE");
        assert_eq!(joined.len(), 8 + 0x20);
        assert_eq!(chunk(&joined, b"fmt ").unwrap(), b"16 bit");
        assert_eq!(chunk(&joined, b"data").unwrap(), b"abcdef");
    }

    #[test]
    fn files_that_cannot_be_joined_are_refused() {
        assert!(join(&[]).is_err());
        assert!(join(&[b"ID3 something".to_vec()]).is_err());
        assert!(join(&[b"RIFF\0\0\0\0WAVE".to_vec()]).is_err());
        assert!(join(&[wav(b"16 bit", b"ab"), wav(b"8 bit", b"cd")]).is_err());
    }

    #[test]
    fn an_unknown_length_means_the_rest_of_the_file() {
        let mut file = wav(b"16 bit", b"abcd");
        let length = file.len() - 8..file.len() - 4;
        file[length].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(chunk(&file, b"data").unwrap(), b"abcd");
    }
}
