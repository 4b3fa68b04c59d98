//! The egress relay on loopback and unix sockets, with targets, enclaves and DNS servers that
//! misbehave.
#![cfg(test)]

mod dns;
mod hostile;
mod streams;
mod support;
mod tls;
