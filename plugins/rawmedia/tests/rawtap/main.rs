//! The contract of rawtap: nothing that happens on a tap changes the output of `src`.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod allocation;
mod complaints;
mod contract;
mod detach;
mod events;
mod flush;
mod late;
mod layout;
mod life;
mod recorder;
mod rig;
mod stats;
mod time;
