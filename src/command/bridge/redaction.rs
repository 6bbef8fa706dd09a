//! Takes credentials out of what is printed: the texts come from others' code, which may quote
//! them, whole or in part, or tokens that it made of them.

use std::borrow::Cow;
use std::collections::HashSet;

use super::credentials::Credential;

/// As much of a credential in a row gives a word away. Shorter pieces are of no use to anybody,
/// and would be found in ordinary words.
const WINDOW: usize = 12;
/// What every JSON Web Token begins with: `{"` in base64.
const JWT: &str = "eyJ";
const INSTEAD: &str = "[credential]";

/// Knows the credentials that nobody may see.
#[derive(Default)]
pub(super) struct Redactor {
    windows: HashSet<Vec<u8>>,
    /// Those that have no window.
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

    /// `text` with the words that have something of a credential in them replaced.
    pub(super) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut cleaned = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            cleaned.push_str(before);
            cleaned.push_str(if self.is_secret(word) { INSTEAD } else { word });
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

/// Whether tokens have this character: base64, in URLs, too, and what joins its parts.
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
    fn credentials_and_their_parts_are_replaced_and_nothing_else_is() {
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
    fn tokens_that_others_made_are_replaced() {
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
