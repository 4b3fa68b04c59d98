//! The enclave image boots, proves its identity, works, and ends when it must, in QEMU's emulated
//! Nitro Enclave.

#![cfg(test)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use eif::{Build, Metadata, Process, Ramdisks};
use letsesign_nsm::document::Unverified;
use letsesign_tests::boot::{Fixture, Image, Machine, Options, Parts, Reply};
use letsesign_tests::elf::program;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Far longer than any boot on a busy machine; a guard against hanging, not a measurement.
const LIMIT: Duration = Duration::from_mins(3);

/// Gives the enclave one job and waits for its result.
fn job(machine: &mut Machine, session: &str, name: &str, data: Value) -> Value {
    machine.host().queue(Reply::Job {
        session: session.into(),
        name: name.into(),
        data,
    });
    machine.wait_result(session, LIMIT).unwrap()
}

/// The basis of the whole system: the NSM measures what `eif` computes from the file.
#[test]
fn pcrs_in_the_attestation_document_are_the_images() {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let image = Image::Eif(fixture.eif.clone());
    let mut machine = Machine::boot(&fixture.emulator, &image, Options::default()).unwrap();
    let heartbeat = machine.wait_heartbeat(LIMIT).unwrap();
    let get_job = machine.wait_first_get_job(LIMIT).unwrap();
    println!("heartbeat after {heartbeat:?}, first get-job after {get_job:?}");

    let nonce = [0x5a; 32];
    let result = job(
        &mut machine,
        "s-1",
        "selfTest",
        json!({"nonce": BASE64_STANDARD.encode(nonce)}),
    );
    assert_eq!(result["code"], 0, "{result}");
    let document = BASE64_STANDARD
        .decode(result["attestDocument"].as_str().unwrap())
        .unwrap();
    let fields = Unverified::parse(&document).unwrap();
    assert_eq!(fields.nonce, Some(&nonce[..]));
    let (_, image) = eif::Image::open(&fixture.eif, Arc::new(eif::Silent)).unwrap();
    for (index, pcr) in [
        (0, image.pcrs.pcr0),
        (1, image.pcrs.pcr1),
        (2, image.pcrs.pcr2),
    ] {
        assert_eq!(
            hex::encode(fields.pcrs[&index]),
            pcr.to_string(),
            "PCR{index}"
        );
    }
    assert_eq!(machine.host().problems(), Vec::<String>::new());
}

/// Every result belongs to its own session, and malformed responses of the host do not stop the
/// enclave.
#[test]
fn jobs_use_vsock_and_malformed_responses_do_no_harm() {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let image = Image::Eif(fixture.eif.clone());
    let mut machine = Machine::boot(&fixture.emulator, &image, Options::default()).unwrap();
    machine.wait_first_get_job(LIMIT).unwrap();
    for body in [
        &b"{"[..],
        b"[]",
        b"{\"session\":7}",
        b"\xff\xfe",
        b"{\"session\":\"\",\"jobName\":\"x\",\"jobData\":{}}",
    ] {
        machine.host().queue(Reply::Body(body.to_vec()));
    }
    machine.host().queue(Reply::Status(500));
    let unknown = job(&mut machine, "s-unknown", "noSuchJob", json!({}));
    assert_eq!(unknown, json!({"code": 2001}));
    for number in 0..4 {
        let session = format!("s-{number}");
        // Nonces are alternately too short and correct.
        let nonce = vec![number; if number % 2 == 0 { 15 } else { 16 }];
        let result = job(
            &mut machine,
            &session,
            "selfTest",
            json!({"nonce": BASE64_STANDARD.encode(nonce)}),
        );
        assert_eq!(
            result["code"],
            if number % 2 == 0 { 2001 } else { 0 },
            "{result}"
        );
    }
    assert_eq!(machine.host().problems(), Vec::<String>::new());
}

/// Without an NSM, the kernel has no trustworthy source of randomness, and nothing can be attested.
#[test]
fn without_an_nsm_the_enclave_refuses_to_start() {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts::extract(&fixture.eif, folder.path()).unwrap();
    let mut machine = Machine::boot(
        &fixture.emulator,
        &Image::WithoutNsm(parts),
        Options::default(),
    )
    .unwrap();
    machine.wait_end(LIMIT).unwrap();
    let console = machine.console_text();
    assert!(
        console
            .iter()
            .any(|line| line.contains("refusing to run") && line.contains("nsm-hwrng")),
        "{console:#?}"
    );
    assert!(machine.host().heartbeat().is_none(), "it reported as alive");
    assert!(
        machine.host().first_get_job().is_none(),
        "it asked for a job"
    );
}

/// The kernel must not take randomness from anything but the NSM.
#[test]
fn a_trusted_cpu_random_generator_is_refused() {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let options = Options {
        append: "random.trust_cpu=on".into(),
        ..Options::default()
    };
    let mut machine =
        Machine::boot(&fixture.emulator, &Image::Eif(fixture.eif.clone()), options).unwrap();
    machine.wait_end(LIMIT).unwrap();
    let console = machine.console_text();
    assert!(
        console
            .iter()
            .any(|line| line.contains("refusing to run") && line.contains("trust_cpu")),
        "{console:#?}"
    );
    assert!(machine.host().first_get_job().is_none());
}

/// The host chooses the size of the memory. Linux used to continue with the part of a ramdisk that
/// fitted, so the measured init ran on half of the measured image;
/// `reproducers/kernel/0001-initramfs-failure-is-fatal.patch` makes that fatal.
#[test]
fn too_little_memory_never_gives_half_an_image() {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let image = Image::Eif(fixture.eif.clone());
    let mut died = 0;
    for memory in (44..=72).step_by(4) {
        let options = Options {
            memory,
            ..Options::default()
        };
        let mut machine = Machine::boot(&fixture.emulator, &image, options).unwrap();
        let started = machine.wait_console("init: started", LIMIT);
        if started.is_err() {
            machine.wait_end(LIMIT).unwrap();
            died += 1;
        }
        let console = machine.console_text();
        let init = console.iter().any(|line| line.starts_with("init:"));
        assert_eq!(init, started.is_ok(), "{memory} MiB: {console:#?}");
        assert_eq!(
            machine.host().heartbeat().is_some(),
            started.is_ok(),
            "{memory} MiB: {console:#?}"
        );
    }
    assert!(
        died > 0,
        "even the smallest memory was enough, so this shows nothing"
    );
}

#[test]
fn a_killed_server_ends_the_enclave() {
    // getpid, then kill(pid, SIGKILL).
    let code = [
        0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc7, 0xbe, 9, 0, 0, 0, 0xb8, 62, 0, 0, 0, 0x0f, 0x05,
        0xeb, 0xfe,
    ];
    ends_with(&code, "/server was killed by signal 9");
}

#[test]
fn a_server_that_exits_ends_the_enclave() {
    // exit_group(3).
    let code = [0xbf, 3, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05];
    ends_with(&code, "/server exited with code 3");
}

/// Boots our kernel and init around a program of a few instructions. The enclave must report how
/// the program ended, and end itself.
fn ends_with(code: &[u8], message: &str) {
    let Some(fixture) = Fixture::get() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let eif = image_of(&fixture, &program(code), folder.path());
    let mut machine =
        Machine::boot(&fixture.emulator, &Image::Eif(eif), Options::default()).unwrap();
    machine.wait_heartbeat(LIMIT).unwrap();
    machine.wait_console(message, LIMIT).unwrap();
    assert_eq!(machine.wait_end(LIMIT).unwrap().code(), Some(0));
}

/// An EIF like ours with another program in place of the server.
fn image_of(fixture: &Fixture, program: &[u8], folder: &Path) -> PathBuf {
    let root = folder.join("root");
    for name in ["dev", "proc", "run", "sys", "tmp"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::write(root.join("server"), program).unwrap();
    fs::set_permissions(root.join("server"), fs::Permissions::from_mode(0o755)).unwrap();
    let options = canoni::TreeOptions {
        owner: Some((0, 0)),
        ..canoni::TreeOptions::default()
    };
    let tree = canoni::Tree::from_directory(&root, &options).unwrap();
    let process = Process {
        entrypoint: vec!["/server".into()],
        user: Some("65532:65532".into()),
        ..Process::default()
    };
    let parts = Parts::extract(&fixture.eif, folder).unwrap();
    let eif = folder.join("test.eif");
    let ramdisks = Ramdisks::Bundle {
        init: &fixture.init,
        tree: &tree,
        process: &process,
    };
    Build::new(
        &parts.kernel,
        &parts.cmdline,
        ramdisks,
        Metadata::new("test", "0"),
    )
    .write(&eif)
    .unwrap();
    eif
}
