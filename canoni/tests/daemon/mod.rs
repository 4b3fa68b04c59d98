//! The command, and what it is given by daemons of the tests' own.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test file uses its share
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // as in tests

pub use letsesign_tests::run;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub fn canoni(host: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_canoni"))
        .args(arguments)
        .env("DOCKER_HOST", host)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

#[track_caller]
pub fn good(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A build context: busybox, and a file in a folder.
pub fn context(folder: &Path) -> Result<(), String> {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .ok_or("busybox is not installed (apt-get install busybox-static)")?;
    fs::create_dir_all(folder.join("tree/sub")).unwrap();
    fs::copy(busybox, folder.join("busybox")).unwrap();
    fs::write(folder.join("tree/sub/file"), "content\n").unwrap();
    fs::write(folder.join("tree/naïve \u{1f600}"), "unicode").unwrap();
    Ok(())
}
