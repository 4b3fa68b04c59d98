use super::*;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream as Stream;

/// A host on sockets in a temporary folder, and helpers that play the enclave.
struct Fixture {
    host: Host,
    folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::default();
        host.power_on(Instant::now());
        let runtime = host
            .serve(&folder.path().join("vm"), &Options::default())
            .unwrap();
        Self {
            host,
            folder,
            _runtime: runtime,
        }
    }

    fn talk(&self, port: u32, bytes: &[u8]) -> String {
        let mut stream = Stream::connect(self.folder.path().join(format!("vm_{port}"))).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get_job(&self) -> String {
        self.talk(
            JOB_PORT,
            b"GET /api/get-job HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        )
    }

    fn put(&self, kind: &str, body: &str) -> String {
        let request = format!(
            "POST /api/put-job-result HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        self.talk(JOB_PORT, request.as_bytes())
    }
}

#[test]
fn the_heartbeat_comes_back_and_is_timed() {
    let fixture = Fixture::new();
    assert!(fixture.host.heartbeat().is_none());
    let mut stream = Stream::connect(fixture.folder.path().join("vm_9000")).unwrap();
    stream.write_all(&[0xb7]).unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    assert_eq!(byte, [0xb7]);
    assert!(fixture.host.heartbeat().is_some());
    assert!(fixture.host.problems().is_empty());
}

#[test]
fn another_byte_is_not_a_heartbeat() {
    let fixture = Fixture::new();
    fixture.talk(HEARTBEAT_PORT, &[0xb8]);
    assert!(fixture.host.heartbeat().is_none());
    assert_eq!(
        fixture.host.problems(),
        ["the heartbeat is 0xb8 instead of 0xb7"]
    );
}

#[test]
fn jobs_are_handed_out_in_order_and_then_none() {
    let fixture = Fixture::new();
    for session in ["a", "b"] {
        fixture.host.queue(Reply::Job {
            session: session.into(),
            name: "n".into(),
            data: json!({"x": 1}),
        });
    }
    assert!(
        fixture
            .get_job()
            .ends_with(r#"{"session":"a","jobName":"n","jobData":{"x":1}}"#)
    );
    assert!(
        fixture
            .get_job()
            .ends_with(r#"{"session":"b","jobName":"n","jobData":{"x":1}}"#)
    );
    assert!(fixture.get_job().ends_with("\r\n\r\n{}"));
    assert_eq!(fixture.host.get_jobs(), 3);
    assert!(fixture.host.first_get_job().is_some());
}

#[test]
fn raw_responses_are_sent_unchanged() {
    let fixture = Fixture::new();
    fixture.host.queue(Reply::Body(b"{not json".to_vec()));
    fixture.host.queue(Reply::Status(503));
    assert!(fixture.get_job().ends_with("{not json"));
    assert!(fixture.get_job().starts_with("HTTP/1.1 503"));
}

#[test]
fn results_are_kept_by_session() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .put(
                "application/json",
                r#"{"session":"s","jobResult":{"code":0}}"#
            )
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(fixture.host.take_result("t"), None);
    assert_eq!(fixture.host.take_result("s"), Some(json!({"code": 0})));
    assert_eq!(fixture.host.take_result("s"), None);
    assert!(fixture.host.problems().is_empty());
}

#[test]
fn protocol_violations_are_recorded() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .put("application/json", "{")
            .starts_with("HTTP/1.1 400")
    );
    assert!(
        fixture
            .put("application/json", r#"{"session":"s"}"#)
            .starts_with("HTTP/1.1 400")
    );
    fixture.put("text/plain", r#"{"session":"s","jobResult":{}}"#);
    fixture.talk(
        JOB_PORT,
        b"GET /etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    let problems = fixture.host.problems();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems[3].contains("/etc/passwd"));
}
