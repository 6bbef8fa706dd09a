//! Tests of the call machine on virtual time.

mod adaptation;
mod bandwidth;
mod failures;
mod harness;
mod hostile;
mod legs;
mod participants;
mod readers;
mod signalling;
mod simulation;
mod world;
