//! rawtap's contract: nothing that happens on a tap changes what comes out of `src`.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

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
