//! Chromium, and the protocol that controls it.

mod chromium;
mod devtools;
mod profile;

pub(super) use chromium::{Chromium, find};
pub(super) use devtools::{CommandError, Event};
