//! Bodies are checked when they come in, and sealed when they are stored.

use crate::fair::walk;
use crate::stage::{
    Stage, asker, drain, new_job, none, offer, payload, pieces, read, result, submit,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use letsesign_host::queue::{
    Error, FinishError, Finished, KeyFile, PAYLOAD_MAX, Queue, State, SubmitError,
};
use std::io;
use std::sync::Arc;

#[tokio::test]
async fn payloads_that_are_no_objects_are_refused() {
    let stage = Stage::sqlite();
    let queue = stage.open().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let large = format!("{{\"a\":\"{}\"}} x", "y".repeat(100_000));
    let cut = payload(1, 100_000)[..90_000].to_owned();
    let bad = [
        "",
        "[]",
        "1",
        "{",
        "{\"a\":1,\"a\":2}",
        "{\"a\":\"\\ud800\"}",
        &deep,
        &large,
        &cut,
    ];
    for text in bad {
        let refused = queue.submit(new_job("s"), pieces(text)).await;
        assert!(
            matches!(refused, Err(SubmitError::Payload(_))),
            "{refused:?}"
        );
    }
    for name in ["", "a\u{7}", &"x".repeat(257)] {
        let refused = queue.submit(new_job(name), pieces("{}")).await;
        assert!(matches!(refused, Err(SubmitError::Invalid(_))));
    }
    none(&queue, &asker()).await;
    assert_eq!(walk(&stage.objects()), 0);
}

#[tokio::test]
async fn uploads_that_break_off_or_go_on_forever_leave_nothing() {
    let stage = Stage::sqlite();
    let queue = stage.open().await;
    let cut = stream::iter([
        Ok(Bytes::from(format!("{{\"a\":\"{}", "y".repeat(3_000_000)))),
        Err(io::Error::from(io::ErrorKind::ConnectionReset)),
    ]);
    let refused = queue.submit(new_job("s"), cut).await;
    assert!(
        matches!(refused, Err(SubmitError::Upload(_))),
        "{refused:?}"
    );
    let piece = Bytes::from(vec![b'y'; 1 << 20]);
    let endless = stream::once(async { Ok(Bytes::from("{\"a\":\"")) })
        .chain(stream::repeat_with(move || Ok(piece.clone())));
    let refused = queue.submit(new_job("s"), endless).await;
    assert!(
        matches!(refused, Err(SubmitError::TooLarge(PAYLOAD_MAX))),
        "{refused:?}"
    );
    // Slow uploads do not hold up others.
    let slow = tokio::spawn({
        let queue = queue.clone();
        async move { queue.submit(new_job("s"), stream::pending()).await }
    });
    submit(&queue, "s").await;
    slow.abort();
    assert!(slow.await.is_err());
    let me = asker();
    offer(&queue, &me).await;
    none(&queue, &me).await;
    wait_for_no_files(&stage).await;
}

/// The parts of an upload that was dropped are removed in the background.
async fn wait_for_no_files(stage: &Stage) {
    for _ in 0..500 {
        if walk(&stage.objects()) == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("files stay");
}

#[tokio::test]
async fn results_that_are_malformed_change_nothing() {
    let stage = Stage::sqlite();
    let queue = stage.open().await;
    let me = asker();
    let job = submit(&queue, "s").await;
    let session = offer(&queue, &me).await.session;
    let late = format!(
        "{{\"x\":\"{}\",\"session\":\"{session}\"}}",
        "x".repeat(70_000)
    );
    let whole = result(&session, 0, &"r".repeat(100_000));
    let bad = [
        "",
        "{}",
        &format!("{{\"session\":\"{session}\"}}"),
        &format!("{{\"session\":\"{session}\",\"jobResult\":{{\"code\":\"0\"}}}}"),
        &format!("{{\"session\":\"{session}\",\"jobResult\":{{\"code\":70000}}}}"),
        "{\"jobResult\":{\"code\":0}}",
        &late,
        &whole[..whole.len() - 1],
    ];
    for body in bad {
        let refused = queue.finish(&me.start, pieces(body)).await;
        assert!(
            matches!(refused, Err(FinishError::Malformed(_))),
            "{refused:?}"
        );
    }
    assert_eq!(
        queue.job(&job).await.unwrap().unwrap().state,
        State::Offered
    );
    // In the other order, and spaced, it is the same result.
    let body = format!("{{ \"jobResult\" : {{\"code\": 2009}}, \"session\" : \"{session}\" }}");
    let taken = queue.finish(&me.start, pieces(body.clone())).await.unwrap();
    assert_eq!(
        taken,
        Finished::Taken {
            job: job.clone(),
            code: 2009
        }
    );
    let stored = read(queue.result(&job).await.unwrap().unwrap())
        .await
        .unwrap();
    assert_eq!(stored, body.as_bytes());
}

#[tokio::test]
async fn no_secret_is_on_the_disk() {
    let stage = Stage::sqlite();
    let queue = stage.open().await;
    let me = asker();
    for length in [100, 200_000] {
        let text = format!(
            "{{\"pin\":\"SECRET-PIN\",\"x\":\"{}\"}}",
            "x".repeat(length)
        );
        queue.submit(new_job("s"), pieces(text)).await.unwrap();
        let session = offer(&queue, &me).await.session;
        let body = result(&session, 0, "SECRET-PIN");
        queue.finish(&me.start, pieces(body)).await.unwrap();
    }
    drop(queue);
    let mut searched = 0;
    search(stage.folder.path(), &mut searched);
    assert!(searched > 200_000, "{searched}");
}

fn search(folder: &std::path::Path, searched: &mut usize) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, searched);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            *searched += bytes.len();
            let found = bytes.windows(10).any(|window| window == b"SECRET-PIN");
            assert!(!found, "{}", path.display());
        }
    }
}

fn first_object(folder: &std::path::Path) -> std::path::PathBuf {
    let shard = std::fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::read_dir(shard)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
}

#[tokio::test]
async fn objects_that_were_changed_or_are_gone_are_errors() {
    let stage = Stage::sqlite();
    let queue = stage.open().await;
    let me = asker();
    queue
        .submit(new_job("s"), pieces(payload(1, 2_500_000)))
        .await
        .unwrap();
    let object = first_object(&stage.objects());
    let whole = std::fs::read(&object).unwrap();
    let mut flipped = whole.clone();
    flipped[1_500_000] ^= 1;
    for bytes in [flipped, whole[..whole.len() - 1].to_vec(), Vec::new()] {
        std::fs::write(&object, bytes).unwrap();
        let offered = again(&queue, &me).await;
        let read = drain(offered.payload).await;
        assert!(matches!(read, Err(Error::Damaged { .. })), "{read:?}");
    }
    std::fs::remove_file(&object).unwrap();
    assert!(matches!(
        drain(again(&queue, &me).await.payload).await,
        Err(Error::Objects(_))
    ));
    std::fs::write(&object, &whole).unwrap();
    drain(again(&queue, &me).await.payload).await.unwrap();
    // Another key.
    let mut settings = stage.settings();
    let key = KeyFile::create(&stage.folder.path().join("another")).unwrap();
    settings.keys = vec![Arc::new(key)];
    let queue = Queue::open(settings).await.unwrap();
    queue.shift_clock(400_000);
    let error = drain(again(&queue, &me).await.payload).await;
    assert!(matches!(error, Err(Error::KeyMissing(_))), "{error:?}");
}

async fn again(queue: &Queue, me: &letsesign_host::queue::Asker) -> letsesign_host::queue::Offer {
    queue.shift_clock(60_000);
    offer(queue, me).await
}
