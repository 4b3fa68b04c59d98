//! The part of S3 that hosts use, in memory: objects whole and in parts. The queue's own tests have
//! a complete server (host/tests/queue/s3.rs).

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

#[derive(Default)]
struct State {
    objects: HashMap<String, Bytes>,
    /// By upload: its parts.
    uploads: HashMap<String, BTreeMap<u32, Bytes>>,
}

/// Serves a bucket as long as the runtime lives.
pub(crate) async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::<Mutex<State>>::default();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let state = Arc::clone(&state);
            let service = service_fn(move |request| answer(request, Arc::clone(&state)));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // It ends in whatever way when a host is killed.
            tokio::spawn(async { drop(connection.await) });
        }
    });
    address
}

fn reply(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("ETag", "\"e\"")
        .header("Last-Modified", "Sat, 28 Nov 2026 00:00:00 GMT")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(reply(400, ""));
    };
    let body = body.to_bytes();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.to_owned())
    };
    let (upload, part) = (value("uploadId"), value("partNumber"));
    let part = part.and_then(|number| number.parse().ok());
    let mut state = state.lock().unwrap();
    Ok(match (parts.method, upload, part) {
        (Method::POST, None, None) => {
            let id = format!("u{}", state.uploads.len());
            state.uploads.insert(id.clone(), BTreeMap::new());
            let root = "InitiateMultipartUploadResult";
            reply(200, format!("<{root}><UploadId>{id}</UploadId></{root}>"))
        }
        (Method::PUT, Some(id), Some(number)) => {
            state.uploads.entry(id).or_default().insert(number, body);
            reply(200, "")
        }
        (Method::POST, Some(id), None) => {
            // Kept, so that no other upload gets its name.
            let parts = state.uploads.entry(id).or_default();
            let whole: Vec<Bytes> = std::mem::take(parts).into_values().collect();
            state.objects.insert(path, whole.concat().into());
            let root = "CompleteMultipartUploadResult";
            reply(200, format!("<{root}><ETag>\"e\"</ETag></{root}>"))
        }
        (Method::PUT, None, None) => {
            state.objects.insert(path, body);
            reply(200, "")
        }
        (Method::DELETE, None, None) => {
            state.objects.remove(&path);
            reply(204, "")
        }
        (Method::GET, None, None) if query.contains("list-type") => {
            let root = "ListBucketResult";
            reply(
                200,
                format!("<{root}><IsTruncated>false</IsTruncated></{root}>"),
            )
        }
        (Method::GET, None, None) => match state.objects.get(&path) {
            Some(object) => reply(200, object.clone()),
            None => reply(404, "<Error><Code>NoSuchKey</Code></Error>"),
        },
        _ => reply(501, ""),
    })
}
