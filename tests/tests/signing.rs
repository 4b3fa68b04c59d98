//! A document is signed in the enclave: the test variant of the image boots in QEMU's emulated Nitro Enclave and reaches emulated services
//! through vsock. docs/emulator.md, "The test variant".
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use canoni::{Content, Metadata as FileMetadata, TreeBuilder};
use eif::{Build, Metadata, Process, Ramdisks};
use letsesign_nsm::document::Unverified;
use letsesign_proof::{Function, Hash, Spf, UserData};
use letsesign_tests::boot::{BootError, Fixture, Image, Machine, Options, Parts};
use letsesign_world::{Options as WorldOptions, Task, World, client, pdf, tls};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Far beyond what a boot takes on the busiest machine; a limit against hanging, not a measurement.
const LIMIT: Duration = Duration::from_mins(3);

/// Boots, should the emulator fail.
const BOOTS: usize = 3;

/// The image of this tree, but with the server's test variant, and the emulated services' root beside the measured ones.
fn image(fixture: &Fixture, server: &Path, folder: &Path) -> PathBuf {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut builder = TreeBuilder::new();
    for name in ["dev", "proc", "run", "sys", "tmp"] {
        builder.dir(name, FileMetadata::root(0o755)).unwrap();
    }
    let mut add = |path: String, mode, from: &Path| {
        builder
            .file_from(path, FileMetadata::root(mode), from)
            .unwrap();
    };
    add("letsesign/server".into(), 0o755, server);
    for (from, to, extensions) in [
        ("enclave/configs", "configs", &["toml", "pem"][..]),
        ("enclave/packages/fonts", "fonts", &["otf", "ttc"]),
    ] {
        for entry in std::fs::read_dir(tree.join(from)).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|text| text.to_str());
            if extension.is_some_and(|text| extensions.contains(&text)) {
                let name = path.file_name().unwrap().to_str().unwrap();
                add(format!("letsesign/{to}/{name}"), 0o644, &path);
            }
        }
    }
    builder
        .file(
            "letsesign/configs/test-anchors.pem",
            FileMetadata::root(0o644),
            Content::from(tls::pem(tls::authority_der()).into_bytes()),
        )
        .unwrap();
    let process = Process {
        entrypoint: vec!["/letsesign/server".into()],
        user: Some("65532:65532".into()),
        ..Process::default()
    };
    let parts = Parts::extract(&fixture.eif, folder).unwrap();
    let tree = builder.build().unwrap();
    let ramdisks = Ramdisks::Bundle {
        init: &fixture.init,
        tree: &tree,
        process: &process,
    };
    let eif = folder.join("variant.eif");
    Build::new(
        &parts.kernel,
        &parts.cmdline,
        ramdisks,
        Metadata::new("test-variant", "0"),
    )
    .write(&eif)
    .unwrap();
    eif
}

/// Bytes of the largest job (limits.toml, job-bytes).
const JOB: usize = 50 << 20;

/// A job of full size that is nothing but a piece, again and again.
fn filled(session: &str, start: &str, piece: impl Fn(usize) -> String, end: &str) -> String {
    let mut body = format!(r#"{{"session":"{session}","jobName":"sendReq","jobData":{start}"#);
    body.reserve(JOB);
    for number in 0.. {
        let next = piece(number);
        if body.len() + next.len() + end.len() > JOB {
            break;
        }
        body.push_str(&next);
    }
    body + end
}

/// Eight jobs of full size that once took 0.7 GB each, all at once, and an honest one among them: the enclave has the memory for
/// one at a time, so it takes one at a time.
async fn hostile(world: &World) {
    let mut pending = Vec::new();
    for number in 0..8 {
        let session = format!("hostile-{number}");
        let body = match number % 4 {
            0 => filled(&session, "{", |n| format!("\"{n:x}\":0,"), "\"z\":0}}"),
            1 => filled(&session, "{\"l\":[", |_| "0,".into(), "0]}}"),
            2 => filled(&session, "{\"l\":[", |_| "{\"a\":[]},".into(), "0]}}"),
            _ => filled(&session, "{\"taskID\":\"", |_| "\\/".into(), "\"}}"),
        };
        pending.push(world.jobs.submit_raw(&session, body));
    }
    let honest = Task::new(pdf::document(2, 0)).seal();
    let honest = world.submit("sendReq", &honest.send_req(0));
    // A guard against hanging: 400 MiB through an emulated processor take their time.
    let patience = std::time::Duration::from_mins(10);
    for (mut pending, code) in pending
        .into_iter()
        .map(|pending| (pending, 2001))
        .chain([(honest, 0)])
    {
        let session = pending.session().to_owned();
        let result = pending.within(patience).await;
        let result = result.unwrap_or_else(|| panic!("no result of {session}"));
        assert_eq!(result["code"], code, "{session}");
    }
}

/// One boot, one task. The emulator's own NSM may stop (`Machine::nsm_stopped`); then this says `false`, and shows nothing.
fn signs(fixture: &Fixture, eif: &Path, pcrs: &[[u8; 48]; 3]) -> bool {
    // The key policy lists this image and no other; the parent forwards ports and plays the job API.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime
        .block_on(World::start(WorldOptions {
            pcrs: *pcrs,
            ..WorldOptions::default()
        }))
        .unwrap();
    world.kms.change_policy(|policy| policy.unsigned = true);
    let options = Options {
        // What the README recommends: hostile jobs of full size must fit, one after the other.
        memory: 512,
        jobs: false,
        forward: vec![
            (9001, world.jobs.address()),
            (9002, world.ses.address()),
            (9003, world.kms.address()),
            (9004, world.twilio.address()),
            (9005, world.sendgrid.address()),
        ],
        ..Options::default()
    };
    let image = Image::Eif(eif.to_owned());
    let mut machine = Machine::boot(&fixture.emulator, &image, options).unwrap();
    for line in ["TEST VARIANT", "ready"] {
        match machine.wait_console(line, LIMIT) {
            Err(BootError::Nsm(_)) => return false,
            other => other.unwrap(),
        };
    }

    let mut task = Task::new(pdf::document(2, 0))
        .with_signers(2)
        .with_phone(1, "+886912345678");
    task.notificant = "office@example.com".into();
    task.signers[1].name = "\u{738b}\u{5c0f}\u{660e}".into();
    let sealed = task.seal();
    let signing = || runtime.block_on(client::sign(&world, &sealed));
    let signed = match catch_unwind(AssertUnwindSafe(signing)) {
        Err(_) if machine.nsm_stopped() => return false,
        Err(panic) => resume_unwind(panic),
        Ok(signed) => signed,
    };

    let (pdf, spf) = (&signed.files[0].1, Spf::parse(&signed.files[1].1).unwrap());
    assert!(pdf.ends_with(b"letsesign=true\n"));
    assert_eq!(spf.summary.signers[1].name, "\u{738b}\u{5c0f}\u{660e}");
    let document = Unverified::parse(&spf.attestation).unwrap();
    for (number, pcr) in (0..).zip(pcrs) {
        assert_eq!(document.pcrs[&number], pcr, "PCR{number}");
    }
    UserData::parse(document.user_data.unwrap())
        .unwrap()
        .expect(
            Function::AttachEsig,
            &[("esigPDF", Hash::of(pdf)), ("summary", spf.summary.hash())],
        )
        .unwrap();
    // received, two requests, two confirmations reported, and the three of the end.
    assert_eq!(world.mailbox.count(), 8);

    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(hostile(&world)))) {
        Err(_) if machine.nsm_stopped() => return false,
        Err(panic) => resume_unwind(panic),
        Ok(()) => {}
    }

    // Another image gets no key, however honest its server.
    world.kms.change_policy(|policy| policy.images.clear());
    let refused = runtime.block_on(world.run("sendReq", &task.seal().send_req(0)));
    assert_eq!(refused["code"], 2002, "{refused}");
    true
}

#[test]
fn a_document_is_signed_in_the_enclave() {
    let (Some(artifacts), Some(fixture)) = (letsesign_tests::artifacts(), Fixture::get()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let server = artifacts.join("bin/letsesign-server-test-variant");
    let eif = image(&fixture, &server, folder.path());
    let (_, built) = eif::Image::open(&eif, Arc::new(eif::Silent)).unwrap();
    let pcrs = [&built.pcrs.pcr0, &built.pcrs.pcr1, &built.pcrs.pcr2]
        .map(|pcr| <[u8; 48]>::try_from(hex::decode(pcr.to_string()).unwrap()).unwrap());
    let signed = (0..BOOTS).any(|_| signs(&fixture, &eif, &pcrs));
    assert!(signed, "the emulated NSM stopped in each of {BOOTS} boots");
}
