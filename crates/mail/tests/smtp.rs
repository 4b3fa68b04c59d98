//! Conversations with scripted servers: every class of answers, and every way a server can
//! misbehave.

#![cfg(test)]

use letsesign_mail::smtp::{Connection, Limits, Session, send};
use letsesign_mail::{SendError, Step};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nhello\r\n.dot\r\n..\r\n";
const LIMITS: Limits = Limits {
    step: Duration::from_secs(10),
    whole: Duration::from_mins(1),
};

/// One step of a scripted server.
#[derive(Clone, Debug)]
enum Act {
    /// Sends bytes.
    Say(Vec<u8>),
    /// Reads one line, which must be this.
    Hear(String),
    /// Reads the message up to the final dot, which must be this, dots still doubled.
    Message(Vec<u8>),
    /// Sends bytes one by one, each after this time.
    Trickle(Vec<u8>, Duration),
    /// Reads nothing and says nothing more, but keeps the connection.
    Hang,
}

fn say(text: &str) -> Act {
    Act::Say(format!("{text}\r\n").into_bytes())
}

fn hear(text: &str) -> Act {
    Act::Hear(text.to_owned())
}

/// Plays a script, then closes. Gives back what the client sent after its end.
async fn play(stream: DuplexStream, script: Vec<Act>) -> Vec<u8> {
    let mut stream = BufReader::new(stream);
    for act in script {
        match act {
            Act::Say(bytes) => stream.write_all(&bytes).await.unwrap(),
            Act::Hear(expected) => {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                assert_eq!(line, format!("{expected}\r\n"));
            }
            Act::Message(expected) => {
                let mut message = Vec::new();
                while !message.ends_with(b"\r\n.\r\n") {
                    message.push(stream.read_u8().await.unwrap());
                }
                assert_eq!(message, [&expected[..], b".\r\n"].concat());
            }
            Act::Trickle(bytes, pause) => {
                for byte in bytes {
                    tokio::time::sleep(pause).await;
                    if stream.write_all(&[byte]).await.is_err() {
                        return Vec::new();
                    }
                }
            }
            Act::Hang => std::future::pending().await,
        }
    }
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    rest
}

/// The password is longer than any command may be in some cases.
async fn talk_as(
    password: &str,
    message: &[u8],
    script: Vec<Act>,
) -> (Result<(), SendError>, Vec<u8>) {
    let (client, server) = duplex(4096);
    let session = Session {
        client: "mail.example.com",
        username: "user",
        password,
        limits: LIMITS,
    };
    let server = tokio::spawn(play(server, script));
    let result = send(
        client,
        |stream| async { Ok::<_, io::Error>(stream) },
        &session,
        "do-not-reply@mail.example.com",
        "jane@example.com",
        message,
    )
    .await;
    // A script that hangs never ends by itself.
    let rest = match tokio::time::timeout(Duration::from_secs(1), server).await {
        Ok(rest) => rest.unwrap(),
        Err(_) => Vec::new(),
    };
    (result, rest)
}

async fn talk(script: Vec<Act>) -> Result<(), SendError> {
    let (result, rest) = talk_as("secret", MESSAGE, script).await;
    let rest = String::from_utf8(rest).unwrap();
    assert!(rest.is_empty() || rest == "QUIT\r\n", "{rest:?}");
    result
}

fn greeting() -> Vec<Act> {
    vec![
        say("220 mail ready"),
        hear("EHLO mail.example.com"),
        say("250-hello\r\n250-SIZE 40000000\r\n250-starttls\r\n250 AUTH PLAIN LOGIN"),
        hear("STARTTLS"),
        say("220 go ahead"),
        hear("EHLO mail.example.com"),
    ]
}

fn authenticated() -> Vec<Act> {
    let mut script = greeting();
    script.extend([
        say("250-hello\r\n250-8BITMIME\r\n250-AUTH LOGIN PLAIN\r\n250 SIZE"),
        hear("AUTH PLAIN AHVzZXIAc2VjcmV0"),
        say("235 welcome"),
        hear("MAIL FROM:<do-not-reply@mail.example.com> SIZE=31"),
    ]);
    script
}

fn with(mut script: Vec<Act>, more: impl IntoIterator<Item = Act>) -> Vec<Act> {
    script.extend(more);
    script
}

/// All up to the final dot.
fn delivered() -> Vec<Act> {
    with(
        authenticated(),
        [
            say("250 ok"),
            hear("RCPT TO:<jane@example.com>"),
            say("250 ok"),
            hear("DATA"),
            say("354 go on"),
            Act::Message(b"Subject: x\r\n\r\nhello\r\n..dot\r\n...\r\n".to_vec()),
        ],
    )
}

#[tokio::test]
async fn a_mail_is_sent() {
    let script = with(
        delivered(),
        [say("250 queued"), hear("QUIT"), say("221 bye")],
    );
    assert_eq!(talk(script).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_does_not_matter() {
    for end in [
        vec![],
        vec![hear("QUIT"), say("500 what?")],
        vec![hear("QUIT"), say("garbage")],
        vec![hear("QUIT"), Act::Hang],
        vec![Act::Hang],
    ] {
        let script = with(delivered(), [vec![say("250 queued")], end].concat());
        assert_eq!(talk(script).await, Ok(()));
    }
}

#[tokio::test]
async fn several_mails_share_a_connection() {
    let mail = || {
        vec![
            hear("MAIL FROM:<x@example.com> SIZE=3"),
            say("250 ok"),
            hear("RCPT TO:<jane@example.com>"),
            say("251 forwarded"),
            hear("DATA"),
            say("354 go on"),
            Act::Message(b"a\r\n".to_vec()),
            say("250 queued"),
        ]
    };
    let opened = with(
        greeting(),
        [
            say("250-hello\r\n250-SIZE 3\r\n250 AUTH PLAIN"),
            hear("AUTH PLAIN AHUAcA=="),
            say("235 ok"),
        ],
    );
    let script = with(
        opened,
        [mail(), mail(), vec![hear("QUIT"), say("221 bye")]].concat(),
    );
    let (client, server) = duplex(4096);
    let server = tokio::spawn(play(server, script));
    let session = Session {
        client: "mail.example.com",
        username: "u",
        password: "p",
        limits: LIMITS,
    };
    let tls = |stream| async { Ok::<_, io::Error>(stream) };
    let mut connection = Connection::open(client, tls, &session).await.unwrap();
    for _ in 0..2 {
        let sent = connection
            .send("x@example.com", "jane@example.com", b"a\r\n")
            .await;
        assert_eq!(sent, Ok(()));
    }
    // The server said that it takes three octets.
    let sent = connection
        .send("x@example.com", "jane@example.com", b"ab\r\n")
        .await;
    assert_eq!(sent, Err(SendError::Refused(Step::MailFrom, 552)));
    connection.quit().await;
    assert!(server.await.unwrap().is_empty());
}

#[tokio::test]
async fn without_starttls_nothing_is_said() {
    let script = vec![
        say("220 mail ready"),
        hear("EHLO mail.example.com"),
        say("250-hello\r\n250-XSTARTTLS\r\n250 AUTH PLAIN LOGIN"),
    ];
    assert_eq!(talk(script).await, Err(SendError::Tls));
}

#[tokio::test]
async fn starttls_is_never_downgraded() {
    let script = |answer: &str| {
        let mut script = greeting();
        script.truncate(4);
        with(script, [say(answer)])
    };
    for (answer, error) in [
        ("454 not now", SendError::Temporary(Step::StartTls, 454)),
        ("501 no", SendError::Tls),
        ("502 unknown", SendError::Tls),
        ("250 ok", SendError::Tls),
        // Commands injected into the plain part: they would be taken for the first answers inside
        // TLS.
        (
            "220 go ahead\r\n250-hello\r\n250 AUTH PLAIN",
            SendError::Tls,
        ),
        ("220 go ahead\r\n2", SendError::Tls),
    ] {
        assert_eq!(talk(script(answer)).await, Err(error), "{answer}");
    }
}

#[tokio::test]
async fn a_failed_handshake_sends_nothing() {
    for (kind, error) in [
        (io::ErrorKind::InvalidData, SendError::Tls),
        (
            io::ErrorKind::UnexpectedEof,
            SendError::Io(Step::Tls, io::ErrorKind::UnexpectedEof),
        ),
    ] {
        let mut script = greeting();
        script.truncate(5);
        let (client, server) = duplex(4096);
        let server = tokio::spawn(play(server, script));
        let session = Session {
            client: "mail.example.com",
            username: "u",
            password: "p",
            limits: LIMITS,
        };
        let tls = |stream: DuplexStream| async move {
            drop(stream);
            Err::<DuplexStream, _>(io::Error::from(kind))
        };
        let result = send(
            client,
            tls,
            &session,
            "x@example.com",
            "y@example.com",
            MESSAGE,
        )
        .await;
        assert_eq!(result, Err(error));
        assert!(server.await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn login_is_used_where_plain_is_missing() {
    let script = with(greeting(), [say("250 AUTH PLAIN")]);
    // The first line is a greeting; its text does not offer an extension.
    assert!(matches!(
        talk(script).await,
        Err(SendError::Protocol(Step::Auth, _))
    ));
    let script = with(
        greeting(),
        [
            say("250-hello\r\n250 AUTH CRAM-MD5 LOGIN"),
            hear("AUTH LOGIN"),
            say("334 VXNlcm5hbWU6"),
            hear("dXNlcg=="),
            say("334 UGFzc3dvcmQ6"),
            hear("c2VjcmV0"),
            say("535 no"),
        ],
    );
    assert_eq!(talk(script).await, Err(SendError::Credentials));
    let script = with(greeting(), [say("250-hello\r\n250 AUTH CRAM-MD5")]);
    assert!(matches!(
        talk(script).await,
        Err(SendError::Protocol(Step::Auth, _))
    ));
    // Offered before TLS alone: not offered.
    let script = with(greeting(), [say("250 hello")]);
    assert!(matches!(
        talk(script).await,
        Err(SendError::Protocol(Step::Auth, _))
    ));
}

#[tokio::test]
async fn answers_to_auth() {
    for (answer, error) in [
        ("535 wrong", SendError::Credentials),
        ("534 too weak", SendError::Credentials),
        ("454 later", SendError::Temporary(Step::Auth, 454)),
        ("421 closing", SendError::Temporary(Step::Auth, 421)),
        ("530 TLS first", SendError::Refused(Step::Auth, 530)),
        ("504 unknown", SendError::Refused(Step::Auth, 504)),
        (
            "250 ok",
            SendError::Protocol(Step::Auth, "an unexpected reply code"),
        ),
        (
            "334 more",
            SendError::Protocol(Step::Auth, "an unexpected reply code"),
        ),
    ] {
        let mut script = authenticated();
        script.truncate(8);
        assert_eq!(
            talk(with(script, [say(answer)])).await,
            Err(error),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn long_secrets_wait_for_their_turn() {
    let password = "é".repeat(256);
    let script = with(
        greeting(),
        [
            say("250-hello\r\n250 AUTH PLAIN"),
            hear("AUTH PLAIN"),
            say("334 "),
        ],
    );
    let (result, rest) = talk_as(&password, MESSAGE, script).await;
    assert!(matches!(result, Err(SendError::Io(Step::Auth, _))));
    assert!(rest.starts_with(b"AHVzZXIAw6nDqcOp") && rest.ends_with(b"\r\n"));
    // NUL separates the parts of AUTH PLAIN.
    let script = with(greeting(), [say("250-hello\r\n250 AUTH PLAIN")]);
    let (result, rest) = talk_as("a\0b", MESSAGE, script).await;
    assert_eq!((result, rest), (Err(SendError::Credentials), Vec::new()));
}

#[tokio::test]
async fn every_step_may_be_refused() {
    let all = delivered();
    // Index of the server's answer, the step.
    for (index, step) in [
        (0, Step::Greeting),
        (2, Step::Ehlo),
        (6, Step::Ehlo),
        (10, Step::MailFrom),
        (12, Step::RcptTo),
        (14, Step::Data),
        (16, Step::Final),
    ] {
        for (answer, error) in [
            ("421 closing", SendError::Temporary(step, 421)),
            (
                "451-first line\r\n451 later",
                SendError::Temporary(step, 451),
            ),
            ("554 no", SendError::Refused(step, 554)),
        ] {
            let script = with(all[..index].to_vec(), [say(answer)]);
            let result = talk(script).await;
            assert_eq!(result, Err(error), "{answer} at {step}");
            assert_eq!(error.may_retry(), answer.starts_with('4'));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_resetting_trickling_and_garbage() {
    let all = delivered();
    for (index, step) in [
        (0, Step::Greeting),
        (2, Step::Ehlo),
        (4, Step::StartTls),
        (6, Step::Ehlo),
        (8, Step::Auth),
        (10, Step::MailFrom),
        (12, Step::RcptTo),
        (14, Step::Data),
    ] {
        let script = all[..index].to_vec();
        let result = talk(script.clone()).await;
        assert_eq!(
            result,
            Err(SendError::Io(step, io::ErrorKind::UnexpectedEof)),
            "{step}"
        );
        let result = talk(with(script.clone(), [Act::Hang])).await;
        assert_eq!(result, Err(SendError::Timeout(step)));
        let slow = Act::Trickle(b"250 ".repeat(100), Duration::from_secs(1));
        let result = talk(with(script.clone(), [slow])).await;
        assert_eq!(result, Err(SendError::Timeout(step)));
        // An endless reply in time: bounded by its lines, or by the length of one.
        for (huge, problem) in [
            (b"250-x\r\n".repeat(10_000), "too many lines"),
            (b"2".repeat(100_000), "a line that is too long"),
            (b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), "a line without a code"),
            (b"\x16\x03\x01\r\n".to_vec(), "a line without a code"),
            (b"250 x\n".to_vec(), "a line that ends without CR"),
        ] {
            let result = flood(with(script.clone(), [Act::Say(huge)])).await;
            assert_eq!(result, Err(SendError::Protocol(step, problem)));
        }
    }
}

/// As [`talk`], for a server that is cut off while it speaks.
async fn flood(script: Vec<Act>) -> Result<(), SendError> {
    let (client, server) = duplex(1 << 20);
    let session = Session {
        client: "mail.example.com",
        username: "user",
        password: "secret",
        limits: LIMITS,
    };
    let server = tokio::spawn(play(server, script));
    let tls = |stream| async { Ok::<_, io::Error>(stream) };
    let (from, to) = ("do-not-reply@mail.example.com", "jane@example.com");
    let result = send(client, tls, &session, from, to, MESSAGE).await;
    let _ = server.await.unwrap();
    result
}

#[tokio::test(start_paused = true)]
async fn after_the_final_dot_only_a_definite_answer_counts() {
    for end in [
        vec![],
        vec![Act::Hang],
        vec![Act::Trickle(b"250 ".repeat(100), Duration::from_secs(1))],
        vec![say("garbage")],
        vec![say("354 more?")],
        vec![Act::Say(b"250 quee".to_vec())],
        vec![Act::Say(b"250 ok\n".to_vec())],
    ] {
        let result = talk(with(delivered(), end.clone())).await;
        assert_eq!(result, Err(SendError::Uncertain), "{end:?}");
    }
    assert!(!SendError::Uncertain.may_retry());
}

#[tokio::test]
async fn answers_before_their_questions_count_for_nothing() {
    let mut script = authenticated();
    script.push(say("250 ok\r\n250 ok\r\n354 go on\r\n250 queued"));
    let result = talk(script).await;
    assert_eq!(
        result,
        Err(SendError::Protocol(
            Step::RcptTo,
            "a reply before the command"
        ))
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_reading_is_left() {
    let mut script = delivered();
    script.pop();
    let message = b"0123456789\r\n".repeat(100_000);
    let (client, server) = duplex(4096);
    let session = Session {
        client: "mail.example.com",
        username: "user",
        password: "secret",
        limits: LIMITS,
    };
    script[9] = hear("MAIL FROM:<do-not-reply@mail.example.com> SIZE=1200000");
    script.push(Act::Hang);
    tokio::spawn(play(server, script));
    let tls = |stream| async { Ok::<_, io::Error>(stream) };
    let (from, to) = ("do-not-reply@mail.example.com", "jane@example.com");
    let result = send(client, tls, &session, from, to, &message).await;
    // The mail was not sent to its end, so a retry mails nothing twice.
    assert_eq!(result, Err(SendError::Timeout(Step::Data)));
    assert!(SendError::Timeout(Step::Data).may_retry());
}

#[tokio::test]
async fn what_would_inject_commands_is_never_sent() {
    let session = Session {
        client: "mail.example.com",
        username: "user",
        password: "secret",
        limits: LIMITS,
    };
    let tls = |stream| async { Ok::<DuplexStream, io::Error>(stream) };
    for message in [
        &b"a\r\n.\nMAIL FROM:<x>\r\n"[..],
        b"a\r\n.\r.\r\n",
        b"a",
        b"",
    ] {
        let (client, _server) = duplex(64);
        let result = send(client, tls, &session, "a@b.co", "c@d.co", message).await;
        assert!(matches!(result, Err(SendError::Message(_))), "{message:?}");
    }
    let session = Session {
        client: "x\r\nRSET",
        ..session
    };
    let (client, _server) = duplex(64);
    let result = send(client, tls, &session, "a@b.co", "c@d.co", MESSAGE).await;
    assert!(matches!(result, Err(SendError::Message(_))));
    for (from, to) in [
        ("a@b.co", "c@d.co>\r\nRCPT TO:<e@f.co"),
        ("a@b.co> X", "c@d.co"),
        ("", "c@d.co"),
    ] {
        let script = with(
            greeting(),
            [
                say("250-hello\r\n250 AUTH PLAIN"),
                hear("AUTH PLAIN AHUAcA=="),
                say("235 ok"),
            ],
        );
        let (client, server) = duplex(4096);
        let server = tokio::spawn(play(server, script));
        let session = Session {
            client: "mail.example.com",
            username: "u",
            password: "p",
            limits: LIMITS,
        };
        let result = send(client, tls, &session, from, to, MESSAGE).await;
        assert_eq!(
            result,
            Err(SendError::Message("an address of the envelope"))
        );
        assert!(server.await.unwrap().is_empty());
    }
}
