//! The image in QEMU under the whole host, and an upgrade while tasks are under way.

use crate::rig::{Rig, run};
use crate::task;
use letsesign_testbed::{Options, Pcrs, tls};
use letsesign_tests::boot::{Fixture, test_variant};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Tasks by default; `LETSESIGN_TEST_TASKS` says otherwise (`cargo xtask boot --host`).
const TASKS: usize = 6;

/// An image with its registers.
struct Release {
    eif: PathBuf,
    pcrs: Pcrs,
}

impl Release {
    fn build(fixture: &Fixture, server: &Path, folder: &Path, compatible: &str) -> Self {
        std::fs::create_dir(folder).unwrap();
        let anchors = tls::pem(tls::authority_der());
        let configs = [("compatible.toml", compatible.to_owned())];
        let eif = test_variant(fixture, server, folder, &anchors, &configs).unwrap();
        let (_, image) = eif::Image::open(&eif, Arc::new(eif::Silent)).unwrap();
        let pcrs = [&image.pcrs.pcr0, &image.pcrs.pcr1, &image.pcrs.pcr2];
        let pcrs = pcrs.map(|pcr| hex::decode(pcr.to_string()).unwrap().try_into().unwrap());
        Self { eif, pcrs }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_survive_an_upgrade_of_the_enclave() {
    let (Some(artifacts), Some(fixture)) = (letsesign_tests::artifacts(), Fixture::get()) else {
        return;
    };
    let tasks = std::env::var("LETSESIGN_TEST_TASKS");
    let tasks = tasks.map_or(TASKS, |tasks| tasks.parse().unwrap());
    let server = artifacts.join("bin/letsesign-server-test-variant");
    let folder = tempfile::tempdir().unwrap();
    let older = Release::build(&fixture, &server, &folder.path().join("a"), "");
    let [pcr0, pcr1, pcr2] = older.pcrs.map(hex::encode);
    let compatible = format!(
        "[[release]]\nname = \"a\"\npcr0 = \"{pcr0}\"\npcr1 = \"{pcr1}\"\npcr2 = \"{pcr2}\"\n"
    );
    let newer = Release::build(&fixture, &server, &folder.path().join("b"), &compatible);
    assert_ne!(older.pcrs[0], newer.pcrs[0]);

    let options = Options {
        pcrs: older.pcrs,
        ..Options::default()
    };
    let rig = Rig::with(options).await;
    rig.testbed.kms.change_policy(|policy| {
        policy.unsigned = true;
        policy.images.push(newer.pcrs);
    });
    rig.release("a", older.pcrs);
    rig.release("b", newer.pcrs);
    let emulator = &fixture.emulator;
    let firmware = emulator
        .firmware
        .iter()
        .map(|path| format!("firmware = {path:?}"));
    rig.write_configuration(&format!(
        "image = {:?}\naccept = [{:?}, {:?}]\nlauncher = \"qemu\"\n\
         attestation = \"registers\"\ncpus = 1\nmemory-mib = 512\n\
         [enclave.qemu]\nqemu = {:?}\nvsock = {:?}\n{}\n",
        older.eif,
        rig.path("a.json"),
        rig.path("b.json"),
        emulator.qemu,
        emulator.vsock,
        firmware.collect::<String>(),
    ));
    let host = rig.host();
    host.until_ready().await;

    let signing = (0..tasks).map(|number| task::sign(&rig, &host.client, number));
    let signing = futures_util::future::join_all(signing);
    let upgrade = async {
        // Some have been asked for by the older release, and are finished by the newer one.
        host.until("a job is done", |status| status.jobs["done"] > 0)
            .await;
        let image = newer.eif.display().to_string();
        let printed = tokio::task::block_in_place(|| run(&rig, &["upgrade", &image]));
        assert_eq!(printed.code, 0, "{}", printed.errors);
        assert!(
            printed.text.contains("release 2 takes the new jobs"),
            "{}",
            printed.text
        );
    };
    tokio::join!(signing, upgrade);

    rig.every_mail_once(tasks);
    host.until("the older release has ended", |status| {
        status.enclaves.active == 2
            && status.enclaves.enclaves.iter().all(|one| {
                one.release == 2 || one.phase == letsesign_host::supervisor::Phase::Stopped
            })
    })
    .await;
    let jobs = host.status().await.jobs;
    assert_eq!(
        (jobs["done"], jobs["unknown"], jobs["failed"]),
        (3 * tasks as u64, 0, 0)
    );
    let back = run(&rig, &["rollback"]);
    assert!(back.errors.contains("has tasks already"), "{}", back.errors);
    host.terminate().await;
}
