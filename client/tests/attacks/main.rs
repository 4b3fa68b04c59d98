//! The client against a service that lies: whatever it answers, the client says what is wrong, ends
//! with exit code 1 and leaves its folder as it was.

#![cfg(test)]

mod answers;
mod claims;
mod forge;
mod liar;
mod registering;
mod results;
mod sending;
mod stage;
mod terminal;
