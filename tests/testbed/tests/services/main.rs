//! Each service of the testbed answers as its original is documented to, seen by a plain client.

#![cfg(test)]
#![allow(unreachable_pub, reason = "tests")]

mod faults;
mod jobs;
mod kms;
mod nsm;
mod sender;
mod sendgrid;
mod smtp;
mod support;
mod twilio;
