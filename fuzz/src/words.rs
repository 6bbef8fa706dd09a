//! Aims arbitrary messages at what exists.
//!
//! An arbitrary id is never that of a participant. [`Words`] remembers the JSON strings and objects
//! of earlier messages, and puts them into new ones where the fuzzer's bytes say so. It knows no
//! message types, so a new one needs no change here.

use arbitrary::{Result, Unstructured};
use serde_json::Value;

/// The number of strings and of objects remembered.
const REMEMBERED: usize = 48;
/// The longest string remembered, in bytes.
const LONGEST: usize = 256;
/// The fields that hold a type and no content.
const NAMES: [&str; 3] = ["type", "by", "code"];
/// Strings that name nothing.
const FIXED: [&str; 5] = ["audio", "video", "screen", "sender", "receiver"];

/// The strings and objects of earlier messages.
#[derive(Debug)]
pub(crate) struct Words {
    words: Vec<String>,
    objects: Vec<(String, Value)>,
}

impl Words {
    pub(crate) fn new(words: &[&str]) -> Words {
        Words {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            objects: Vec::new(),
        }
    }

    /// Remembers the content of `value`.
    pub(crate) fn learn(&mut self, value: &Value) {
        match value {
            Value::String(word) => self.learn_word(word),
            Value::Array(values) => values.iter().for_each(|value| self.learn(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    if NAMES.contains(&name.as_str()) {
                        continue;
                    }
                    self.learn(value);
                    let seen = (name.clone(), value.clone());
                    if value.is_object() && !self.objects.contains(&seen) {
                        forget(&mut self.objects);
                        self.objects.push(seen);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn learn_word(&mut self, word: &String) {
        let is_known = self.words.contains(word) || FIXED.contains(&word.as_str());
        if word.len() <= LONGEST && !is_known {
            forget(&mut self.words);
            self.words.push(word.clone());
        }
    }

    /// Returns one of the strings.
    pub(crate) fn pick(&self, u: &mut Unstructured<'_>) -> Result<String> {
        u.choose(&self.words).cloned()
    }

    /// Replaces some of the content of `value`.
    pub(crate) fn aim(&self, value: &mut Value, u: &mut Unstructured<'_>) -> Result<()> {
        match value {
            Value::String(word) => {
                if !FIXED.contains(&word.as_str()) && !u.ratio(1, 4)? {
                    *word = self.pick(u)?;
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.aim(value, u)?;
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    if NAMES.contains(&name.as_str()) {
                        continue;
                    }
                    let like: Vec<&Value> = self.objects_of(name).collect();
                    if value.is_object() && !like.is_empty() && !u.ratio(1, 4)? {
                        *value = (*u.choose(&like)?).clone();
                    } else {
                        self.aim(value, u)?;
                    }
                }
            }
            // Legs are numbered from one.
            Value::Number(_) if u.ratio(3, 4)? => *value = u.int_in_range(0..=6)?.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    fn objects_of(&self, name: &str) -> impl Iterator<Item = &Value> {
        let objects = self.objects.iter();
        objects
            .filter(move |(of, _)| of == name)
            .map(|(_, object)| object)
    }
}

fn forget<T>(known: &mut Vec<T>) {
    if known.len() >= REMEMBERED {
        known.remove(REMEMBERED / 2);
    }
}
