//! Disks that are full or read-only, and files that are not databases.

use crate::driver::{FOLDER, JOBS};
use crate::stage::{Stage, asker, new_job, offer, payload, pieces, settings, submit};
use letsesign_host::queue::{Engine, Error, Queue, State, SubmitError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

/// A process whose files cannot grow beyond a limit: the shell sets it.
fn limited(folder: &std::path::Path, program: &str, prepare: &str) -> std::process::Output {
    let exe = std::env::current_exe().unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(format!("{prepare} exec \"$0\" \"$@\""))
        .arg(exe)
        .args([program, "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(JOBS, "0")
        .output()
        .unwrap()
}

fn assert_success(output: &std::process::Output) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn a_full_disk_loses_nothing() {
    let stage = Stage::sqlite();
    // 2 MiB for each file, as if the disk had no more; the kernel's signal is ignored.
    let output = limited(
        stage.folder.path(),
        "breakage::fills_the_disk",
        "trap '' XFSZ; ulimit -f 4096;",
    );
    assert_success(&output);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let queue = stage.open().await;
        let text = std::fs::read_to_string(stage.folder.path().join("count")).unwrap();
        let count: u64 = text.parse().unwrap();
        assert_eq!(queue.stats().await.unwrap().count(State::Queued), count);
        let me = asker();
        for _ in 0..count {
            crate::stage::drain(offer(&queue, &me).await.payload)
                .await
                .unwrap();
        }
    });
}

#[test]
#[ignore = "a program for other tests"]
fn fills_the_disk() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let engine = Engine::Sqlite {
        path: folder.join("queue.db"),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let queue = Queue::open(settings(&folder, engine)).await.unwrap();
        let large = queue
            .submit(new_job("s"), pieces(payload(0, 5_000_000)))
            .await;
        assert!(
            matches!(large, Err(SubmitError::Storage(Error::Objects(_)))),
            "{large:?}"
        );
        let mut count = 0u64;
        loop {
            match queue
                .submit(new_job("s"), pieces(payload(count, 60_000)))
                .await
            {
                Ok(_) => count += 1,
                Err(SubmitError::Storage(Error::Database(_))) => break,
                Err(other) => panic!("{other}"),
            }
            assert!(count < 1000, "the disk does not fill");
        }
        assert!(count > 10, "{count}");
        // It still answers questions.
        assert_eq!(queue.stats().await.unwrap().count(State::Queued), count);
        std::fs::write(folder.join("count"), count.to_string()).unwrap();
    });
}

#[test]
fn read_only_files_are_told() {
    let stage = Stage::sqlite();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let queue = stage.open().await;
        submit(&queue, "s").await;
    });
    let all = |mode: u32, folder: &std::path::Path| {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("queue"))
            {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    };
    let folder = stage.folder.path();
    all(0o444, folder);
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write anywhere; another user may not.
    let root = rustix::process::geteuid().is_root();
    let drop = "set -- setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\"; \
         chown 65534 \"$QUEUE_TEST_FOLDER\"/key; set -- \"$@\"; exec \"$@\";";
    let output = limited(
        folder,
        "breakage::opens_read_only",
        if root { drop } else { "" },
    );
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_success(&output);
}

#[test]
#[ignore = "a program for other tests"]
fn opens_read_only() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let engine = Engine::Sqlite {
        path: folder.join("queue.db"),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let opened = runtime.block_on(Queue::open(settings(&folder, engine)));
    let error = opened
        .err()
        .expect("a read-only queue was opened")
        .to_string();
    assert!(
        error.contains("queue.db") || error.contains("objects"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told() {
    let stage = Stage::sqlite();
    let Engine::Sqlite { path } = &stage.engine else {
        unreachable!()
    };
    std::fs::write(path, "x".repeat(10_000)).unwrap();
    let error = Queue::open(stage.settings()).await.err().unwrap();
    assert!(matches!(error, Error::Database(_)), "{error}");
}
