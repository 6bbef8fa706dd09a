//! Tests of the call machine on virtual time.

mod adaptation;
mod answering;
mod bandwidth;
mod failures;
mod harness;
mod hostile;
mod leaving;
mod legs;
mod nonsense;
mod participants;
mod placing;
mod placing_world;
mod readers;
mod refusals;
mod ringing;
mod ringing_lost;
mod signalling;
mod simulation;
mod topology;
mod world;
