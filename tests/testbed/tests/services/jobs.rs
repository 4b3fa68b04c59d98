use crate::support::{Response, exchange};
use letsesign_testbed::{Answer, Fault, Json, Options, Testbed};
use serde_json::json;
use tokio::net::TcpStream;

async fn ask(stream: &mut TcpStream) -> Response {
    exchange(stream, "GET", "/api/get-job", &[], b"")
        .await
        .unwrap()
}

async fn deliver(stream: &mut TcpStream, body: &str) -> Response {
    let headers = [("content-type", "application/json")];
    exchange(
        stream,
        "POST",
        "/api/put-job-result",
        &headers,
        body.as_bytes(),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn jobs_go_out_and_results_come_back() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let mut stream = TcpStream::connect(testbed.jobs.address()).await.unwrap();
    assert_eq!(ask(&mut stream).await.body, b"{}");
    let first = testbed.submit("sendReq", &Json::object([("n", Json::raw("1e-7"))]));
    let second = testbed.jobs.submit("x", "[]");
    let job = ask(&mut stream).await;
    let session = first.session();
    assert_eq!(
        String::from_utf8(job.body).unwrap(),
        format!(r#"{{"session":"{session}","jobName":"sendReq","jobData":{{"n":1e-7}}}}"#)
    );
    assert_eq!(ask(&mut stream).await.json()["session"], second.session());
    testbed
        .jobs
        .deliveries()
        .first(2, Fault::Answer(Answer::status(503)));
    let body = json!({"session": session, "jobResult": {"code": 7}}).to_string();
    for status in [503, 503, 200, 200] {
        assert_eq!(deliver(&mut stream, &body).await.status, status);
    }
    assert_eq!(first.result().await, json!({"code": 7}));
    // The second delivery is one that nobody waits for.
    assert_eq!(testbed.jobs.strays().len(), 1);
    for body in [
        "",
        "[]",
        "{}",
        r#"{"session":1,"jobResult":{}}"#,
        r#"{"session":"s","jobResult":{},"more":1}"#,
    ] {
        assert_eq!(deliver(&mut stream, body).await.status, 400, "{body}");
    }
    assert_eq!(
        (
            testbed.jobs.asked(),
            testbed.jobs.delivered(),
            testbed.jobs.queued()
        ),
        (3, 2, 0)
    );
}

#[tokio::test]
async fn a_host_may_say_anything() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let mut stream = TcpStream::connect(testbed.jobs.address()).await.unwrap();
    let lie = b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n";
    testbed
        .jobs
        .questions()
        .next(Fault::Raw(lie.to_vec(), false));
    assert_eq!(ask(&mut stream).await.status, 302);
    assert_eq!(ask(&mut stream).await.status, 200);
}
