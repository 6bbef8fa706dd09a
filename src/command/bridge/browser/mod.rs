//! Chromium, and how it is talked to.

mod chromium;
mod devtools;
mod profile;

pub(super) use chromium::{Chromium, find};
pub(super) use devtools::{CommandError, Event};
