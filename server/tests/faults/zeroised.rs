//! The server's memory after its jobs are done: no text of them, wherever it went in
//! between. Numbers such as AES keys leave copies on stacks, where they cannot be
//! overwritten reliably; the test does not search for them.

use crate::stage::{Stage, sendgrid_task, task};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_testbed::{Task, Testbed, client};
use memchr::memmem;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// A copy of all that a process can write to. `None` where the machine does not allow to read it.
fn memory(id: u32) -> Option<Vec<u8>> {
    let maps = std::fs::read_to_string(format!("/proc/{id}/maps")).ok()?;
    let mut file = File::open(format!("/proc/{id}/mem")).ok()?;
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let to = u64::from_str_radix(to, 16).ok()?;
        let mut bytes = vec![0; usize::try_from(to - from).ok()?];
        file.seek(SeekFrom::Start(from)).ok()?;
        // A thread may have ended meanwhile.
        if file.read_exact(&mut bytes).is_ok() {
            all.extend(bytes);
        }
    }
    Some(all)
}

/// A task whose secrets and texts are found if they are anywhere.
fn findable(mut task: Task) -> Task {
    let text = |what: &str| format!("{what} of a task by {:?} that is over", task.provider);
    task.bearer_secret = text("bearer secret");
    task.password = text("task password");
    task.smtp_user.1 = text("smtp password");
    task.sendgrid_secret = format!("SG.{}", text("secret").replace(' ', "-"));
    task.access_key.1 = text("access key");
    task.message = text("message");
    task.signers[0].name = text("name");
    task
}

fn admit(testbed: &Testbed, task: &Task) {
    let (user, access) = (task.smtp_user.clone(), task.access_key.clone());
    testbed
        .ses
        .change_accounts(|accounts| accounts.users = vec![user]);
    testbed
        .kms
        .change_policy(|policy| policy.access_keys = vec![access]);
    testbed.sendgrid.set_secrets(&[&task.sendgrid_secret]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_of_jobs_do_not_stay_in_memory() {
    let stage = Stage::start(&[("workers-max", "1")]).await;
    let mut needles = vec![(
        "a line of the document".to_owned(),
        b"Clause 1.1: what".to_vec(),
    )];
    for task in [findable(task()), findable(sendgrid_task())] {
        admit(&stage.testbed, &task);
        let signed = client::sign(&stage.testbed, &task.seal()).await;
        let link = signed.links[0].secret().to_owned();
        for text in [
            task.bearer_secret,
            task.password,
            task.smtp_user.1,
            task.sendgrid_secret,
            task.access_key.1,
            task.message,
            task.signers[0].name.clone(),
            link,
        ] {
            // As AUTH PLAIN has it, too, but for what its neighbours decide.
            let encoded = BASE64_STANDARD.encode(&text);
            needles.push((format!("{text}, base64"), encoded[..20].into()));
            needles.push((text.clone(), text.into()));
        }
    }
    // Other tasks: the connections that carried the last ones are closed, and their buffers with
    // them.
    admit(&stage.testbed, &task());
    for after in [sendgrid_task(), task()] {
        assert_eq!(stage.ask(&after.seal()).await.code, 0);
    }

    let Some(memory) = memory(stage.server.id()) else {
        letsesign_tests::skip("the memory of a child process cannot be read");
        return;
    };
    // The search does find text that is in memory.
    assert!(memmem::find(&memory, b"LETSESIGN_JOB_API=").is_some());
    for (name, needle) in needles {
        if let Some(at) = memmem::find(&memory, &needle) {
            let from = at.saturating_sub(64);
            let around = &memory[from..(at + 128).min(memory.len())];
            panic!("{name}: {}", around.escape_ascii());
        }
    }
    stage.end().await;
}
