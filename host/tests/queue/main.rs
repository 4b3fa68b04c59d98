//! The queue, over SQLite and PostgreSQL, in a folder and in S3, while everything breaks.
#![cfg(test)]
#![allow(unreachable_pub, reason = "tests")]

mod bodies;
mod breakage;
mod cluster;
mod driver;
mod ends;
mod fair;
mod hosts;
mod kill;
mod life;
mod purge;
mod releases;
mod s3;
mod stage;
