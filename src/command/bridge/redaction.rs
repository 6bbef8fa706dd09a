//! Removes credentials from the output. Foreign code may print them, whole or in part, or print
//! tokens made from them.

use std::borrow::Cow;
use std::collections::HashSet;

use super::credentials::Credential;

/// A word with this many consecutive characters of a credential is redacted. Shorter pieces are
/// useless to an attacker and occur in ordinary words.
const WINDOW: usize = 12;
/// The start of every JSON Web Token: `{"` in base64.
const JWT: &str = "eyJ";
const REPLACEMENT: &str = "[credential]";

/// Replaces words that contain credentials.
#[derive(Default)]
pub(super) struct Redactor {
    windows: HashSet<Vec<u8>>,
    /// Credentials shorter than a window.
    short: Vec<String>,
}

impl Redactor {
    pub(super) fn new<'a>(credentials: impl IntoIterator<Item = &'a Credential>) -> Redactor {
        let mut redactor = Redactor::default();
        for credential in credentials {
            let text = credential.expose();
            if text.len() < WINDOW {
                redactor.short.push(text.to_owned());
            }
            let windows = text.as_bytes().windows(WINDOW).map(<[u8]>::to_vec);
            redactor.windows.extend(windows);
        }
        redactor
    }

    /// Returns `text` with its secret words replaced.
    pub(super) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut cleaned = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            cleaned.push_str(before);
            cleaned.push_str(if self.is_secret(word) {
                REPLACEMENT
            } else {
                word
            });
            rest = after;
        }
        cleaned.push_str(rest);
        match cleaned == text {
            true => Cow::Borrowed(text),
            false => Cow::Owned(cleaned),
        }
    }

    fn is_secret(&self, word: &str) -> bool {
        let mut windows = word.as_bytes().windows(WINDOW);
        windows.any(|window| self.windows.contains(window))
            || self.short.iter().any(|short| word.contains(short))
            || (word.len() >= WINDOW && word.contains(JWT))
    }
}

/// Whether tokens may contain this character: base64, URL-safe base64, separators and `%`.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(token: &str, text: &str) -> String {
        let credential = Credential::new(token, "here").unwrap();
        Redactor::new([&credential]).clean(text).into_owned()
    }

    #[test]
    fn only_credentials_and_their_parts_are_replaced() {
        let token = "006abcDEFghiJKLmnoPQRstuVWXyz0123456789+/=";
        for (text, cleaned) in [
            (format!("token={token}&x=1"), "[credential]&x=1"),
            (format!("\"{token}\""), "\"[credential]\""),
            (format!("{} …", &token[..20]), "[credential] …"),
            (format!("… {}", &token[20..]), "… [credential]"),
            ("abcDEF, in 006".to_owned(), "abcDEF, in 006"),
            ("größer: ü".to_owned(), "größer: ü"),
            (String::new(), ""),
        ] {
            assert_eq!(clean(token, &text), cleaned);
        }
    }

    #[test]
    fn other_tokens_are_replaced() {
        let text = "skypetoken=eyJhbGciOiJub25lIn0.e30.c2ln; expires";
        assert_eq!(clean("0123456789abcdef", text), "[credential]; expires");
    }

    #[test]
    fn a_short_credential_is_replaced_too() {
        assert_eq!(
            clean("pa55", "with pa55 or (pa55)"),
            "with [credential] or ([credential])"
        );
    }
}
