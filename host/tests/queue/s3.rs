//! Objects in S3: a server of crate s3s-fs on loopback.

use crate::stage::{Stage, asker, drain, new_job, offer, payload, pieces, read, result};
use hyper_util::rt::{TokioExecutor, TokioIo};
use letsesign_host::queue::{Error, Finished, Objects, Queue, S3, Settings, SubmitError};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves a folder until its task is ended.
fn serve(folder: &Path, listener: TcpListener) -> JoinHandle<()> {
    std::fs::create_dir_all(folder.join("bucket")).unwrap();
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
    builder.set_auth(SimpleAuth::from_single("key", "secret"));
    let service = builder.build();
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service.clone();
            connections.spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

fn settings(stage: &Stage, address: std::net::SocketAddr, secret: &str) -> Settings {
    let mut settings = stage.settings();
    settings.objects = Objects::S3(S3 {
        bucket: "bucket".into(),
        region: "us-east-1".into(),
        prefix: "queue".into(),
        endpoint: Some(format!("http://{address}")),
        credentials: Some(("key".into(), secret.into())),
        allow_http: true,
    });
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_go_to_s3_and_come_back() {
    let stage = Stage::postgres().unwrap_or_else(Stage::sqlite);
    let folder = stage.folder.path().join("s3");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = serve(&folder, listener);
    let queue = Queue::open(settings(&stage, address, "secret"))
        .await
        .unwrap();
    queue.check().await.unwrap();
    let me = asker();
    // Beyond the row, within one part, and in several.
    for length in [100_000, 12_000_000] {
        let text = payload(1, length);
        let job = queue
            .submit(new_job("s"), pieces(text.clone()))
            .await
            .unwrap();
        let offered = offer(&queue, &me).await;
        assert!(read(offered.payload).await.unwrap() == text.as_bytes());
        let body = result(&offered.session, 0, &"r".repeat(length));
        let taken = queue.finish(&me.start, pieces(body.clone())).await.unwrap();
        assert_eq!(
            taken,
            Finished::Taken {
                job: job.clone(),
                code: 0
            }
        );
        assert!(
            read(queue.result(&job).await.unwrap().unwrap())
                .await
                .unwrap()
                == body.as_bytes()
        );
    }
    assert_eq!(
        queue.sweep().await.unwrap(),
        letsesign_host::queue::Swept::default()
    );

    // Somebody else's credentials.
    let wrong = Queue::open(settings(&stage, address, "wrong"))
        .await
        .unwrap();
    assert!(matches!(wrong.check().await, Err(Error::Objects(_))));

    // Gone and back: large jobs are refused, small ones are not, and nothing is lost.
    queue
        .submit(new_job("s"), pieces(payload(2, 100_000)))
        .await
        .unwrap();
    server.abort();
    assert!(server.await.is_err());
    let refused = queue
        .submit(new_job("s"), pieces(payload(3, 100_000)))
        .await;
    assert!(
        matches!(refused, Err(SubmitError::Storage(Error::Objects(_)))),
        "{refused:?}"
    );
    queue
        .submit(new_job("s"), pieces(payload(4, 100)))
        .await
        .unwrap();
    let offered = offer(&queue, &me).await;
    assert!(drain(offered.payload).await.is_err());
    let listener = TcpListener::bind(address).await.unwrap();
    let _server = serve(&folder, listener);
    queue.shift_clock(60_000);
    let offered = offer(&queue, &me).await;
    drain(offered.payload).await.unwrap();
    offer(&queue, &me).await;
}
