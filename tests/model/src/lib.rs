//! A model of protocol 2 (docs/protocol-2.md), explored exhaustively with stateright.
//!
//! Cryptography is symbolic; the host has all of the network and every public key. The model has
//! bounds ([`Setting`]). docs/security.md, "Protocol 2", says what it covers.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod check;
mod enclave;
mod functions;
mod host;
mod keys;
mod knowledge;
pub mod message;
mod model;
mod mutant;
pub mod property;
mod scene;
mod setting;
mod term;

pub use check::{Check, Checks};
pub use knowledge::Knowledge;
pub use model::{Model, State, Step};
pub use mutant::{Exploration, MUTANTS, Role, Violation, explore, setting, shortest};
pub use setting::{Conspiracy, PLAIN, SETTINGS, Setting};
pub use term::{Node, Sealed, Term};
