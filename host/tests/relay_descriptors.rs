//! A relay without file descriptors, in a process of its own because the limit is the process's.
#![cfg(test)]

#[path = "relay/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_relay_without_descriptors_waits_and_goes_on_when_there_are_some() {
    let target = echo().await;
    let folder = tempfile::tempdir().unwrap();
    for unix in [false, true] {
        let relay = if unix {
            unix_relay(folder.path(), to(target)).await
        } else {
            relay(to(target)).await
        };
        works(&relay).await;
        until("its connection is gone", || relay.connections() == 0).await;
        // The target's end goes a little later.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        // One descriptor for our end of the connection, and none for the relay's.
        let before = getrlimit(Resource::Nofile);
        let limit = Rlimit {
            current: Some(256),
            maximum: before.maximum,
        };
        setrlimit(Resource::Nofile, limit).unwrap();
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        files.pop();
        let mut enclave = dial(&relay, PLAIN).await;
        assert!(File::open("/dev/null").is_err(), "no descriptor is left");
        enclave.write_all(b"late").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(relay.is_serving());
        assert_eq!(relay.connections(), 0);
        drop(files);
        let mut back = [0; 4];
        enclave.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"late");
        setrlimit(Resource::Nofile, before).unwrap();
        works(&relay).await;
    }
}
