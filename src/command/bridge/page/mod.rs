//! What Chromium loads, and from where.

mod relay;
mod report;
mod server;

pub(super) use report::{Ending, Report};
pub(super) use server::PageServer;
