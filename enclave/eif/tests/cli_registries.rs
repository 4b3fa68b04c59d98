//! Images of registries: plain HTTP, progress, and signals during a pull.

// Helpers of tests may panic, like the tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use letsesign_tests::registry::Registry;
use letsesign_tests::{is_installed, skip, skopeo, terminal};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::archive::app;
use support::bench::{Bench, eif, good};

/// A registry with one image, and the image's name by an address that is not a loopback address
/// but leads to this machine.
fn registry(bench: &Bench) -> Option<(Registry, String)> {
    let registry = Registry::start(bench.folder.path(), "").unwrap()?;
    if !is_installed("skopeo") {
        skip("skopeo is not installed");
        return None;
    }
    let from = format!("docker-archive:{}", bench.archive(vec![app()]).display());
    skopeo::copy(&from, &format!("docker://{}/app:1", registry.host)).unwrap();
    let host = registry.host.replace("127.0.0.1", "0.0.0.0");
    Some((registry, host))
}

/// `eif build` of an image, ready to run.
fn build(bench: &Bench, image: &str, more: &[&str]) -> Command {
    let mut command = bench.build_command();
    command
        .arg(image)
        .arg("--init")
        .arg(bench.path("init"))
        .args(more);
    command
}

#[test]
fn plain_http_elsewhere_needs_a_word() {
    let bench = Bench::new();
    let Some((_registry, host)) = registry(&bench) else {
        return;
    };
    let name = format!("docker://{host}/app:1");
    let hint = format!("--insecure {host} is for a registry of your own that has HTTP alone");
    bench.fails(&bench.build(Path::new(&name), &[]), &[&hint]);
    let insecure = ["--insecure", &host, "--json"];
    let built = good(&bench.build(Path::new(&name), &insecure));
    std::fs::remove_file(bench.output()).unwrap();

    // nitro-cli's command line has the option, too.
    let blobs = bench.path("blobs");
    std::fs::create_dir(&blobs).unwrap();
    std::fs::copy(support::input("bzImage"), blobs.join("bzImage")).unwrap();
    std::fs::copy(bench.path("init"), blobs.join("init")).unwrap();
    std::fs::write(blobs.join("cmdline"), "console=ttyS0\n").unwrap();
    let enclave = |more: &[&str]| {
        eif()
            .args(["build-enclave", "--docker-uri", &name, "--output-file"])
            .arg(bench.output())
            .args(more)
            .env("EIF_BLOBS", &blobs)
            .output()
            .unwrap()
    };
    let refused = enclave(&[]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains(&hint), "{error}");
    let made = good(&enclave(&insecure[..2]));

    let measured = eif()
        .args(["measure", &name, "--cmdline", "console=ttyS0", "--kernel"])
        .arg(support::input("bzImage"))
        .arg("--init")
        .arg(bench.path("init"))
        .args(insecure)
        .output()
        .unwrap();
    let pcrs = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text).unwrap()["Measurements"].take()
    };
    let built = pcrs(&built);
    assert!(built["PCR0"].is_string(), "{built}");
    assert_eq!(pcrs(&good(&measured)), built);
    // Its kernel's command line, init and process are the same ones; the name is in no PCR.
    assert_eq!(pcrs(&made), built);
}

#[test]
fn a_pull_shows_its_progress_on_a_terminal_alone() {
    let bench = Bench::new();
    let Some((registry, _)) = registry(&bench) else {
        return;
    };
    let name = format!("docker://{}/app:1", registry.host);
    let mut command = build(&bench, &name, &[]);
    let output = terminal::run(command.env("TERM", "xterm")).unwrap();
    let text = good(&output);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("fetching"), "{shown:?}");
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert_eq!(good(&output), text);
    assert!(output.stderr.is_empty());
}

/// A signal during a pull: the temporary folder goes, and nothing is written.
#[test]
fn a_signal_during_a_pull_leaves_nothing() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("docker://{}/app:1", listener.local_addr().unwrap());
    // The client is asked to come back in a minute.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let _ = lines.map_while(Result::ok).find(String::is_empty);
            let head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\n";
            let _ = write!(
                stream,
                "{head}Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
    });
    let temporary = tempfile::tempdir().unwrap();
    let child = build(&bench, &name, &[])
        .env("TMPDIR", temporary.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let entries = || std::fs::read_dir(temporary.path()).unwrap().count();
    let start = Instant::now();
    while entries() == 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing began");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert_eq!(error.trim(), "interrupted; nothing was written");
    assert_eq!(entries(), 0);
    bench.nothing_left();
}
