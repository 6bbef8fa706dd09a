//! The page in Chromium: its server, its connections and its reports.

mod relay;
mod report;
mod server;

pub(super) use report::{Ending, Report};
pub(super) use server::PageServer;
