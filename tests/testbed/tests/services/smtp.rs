use crate::support::secure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_testbed::smtp::{HOST, USER};
use letsesign_testbed::{Fault, Options, Step, Testbed};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const MESSAGE: &str = concat!(
    "From: =?utf-8?B?TGV0J3MgZVNpZ24=?= <do-not-reply@example.com>\r\n",
    "To: =?utf-8?Q?J=C3=BCrgen?= <signer0@example.com>\r\n",
    "Subject: =?utf-8?B?56K66KqN?= =?utf-8?Q?_x?=\r\n",
    "MIME-Version: 1.0\r\n",
    "Content-Type: multipart/mixed; boundary=outer\r\n\r\n",
    "--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n",
    "--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n..starts with a dot\r\n",
    "--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>caf=C3=A9</p>\r\n",
    "--inner--\r\n",
    "--outer\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
    "Content-Disposition: attachment; filename*0*=utf-8''%E5%A5%91; filename*1*=%E7%B4%84.pdf\r\n\r\nJVBERg==\r\n",
    "--outer--\r\n",
);

/// Sends a line (unless it is empty) and gives the last line of the reply.
async fn say(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), line: &str) -> String {
    if !line.is_empty() {
        stream
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .unwrap();
        stream.flush().await.unwrap();
    }
    loop {
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n") {
            match stream.read_u8().await {
                Ok(byte) => reply.push(byte),
                Err(_) => return "lost".to_owned(),
            }
        }
        let reply = String::from_utf8(reply).unwrap();
        if reply.as_bytes()[3] == b' ' {
            return reply.trim_end().to_owned();
        }
    }
}

async fn session(testbed: &Testbed) -> TlsStream<TcpStream> {
    let mut stream = TcpStream::connect(testbed.ses.address()).await.unwrap();
    assert!(say(&mut stream, "").await.starts_with("220"));
    assert!(say(&mut stream, "EHLO test").await.starts_with("250"));
    assert!(say(&mut stream, "STARTTLS").await.starts_with("220"));
    let mut stream = secure(stream, HOST).await.unwrap();
    assert!(say(&mut stream, "EHLO test").await.starts_with("250"));
    stream
}

async fn authenticate(stream: &mut TlsStream<TcpStream>) {
    let token = BASE64_STANDARD.encode(format!("\0{}\0{}", USER.0, USER.1));
    assert!(
        say(stream, &format!("AUTH PLAIN {token}"))
            .await
            .starts_with("235")
    );
}

async fn send(stream: &mut TlsStream<TcpStream>) -> String {
    for (line, code) in [
        ("MAIL FROM:<do-not-reply@example.com>", "250"),
        ("RCPT TO:<signer0@example.com>", "250"),
        ("DATA", "354"),
    ] {
        let reply = say(stream, line).await;
        if !reply.starts_with(code) {
            return reply;
        }
    }
    say(stream, &format!("{MESSAGE}.")).await
}

#[tokio::test]
async fn a_mail_is_taken_and_read() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let mut stream = session(&testbed).await;
    authenticate(&mut stream).await;
    for _ in 0..2 {
        assert!(send(&mut stream).await.starts_with("250"));
    }
    assert!(say(&mut stream, "QUIT").await.starts_with("221"));
    let mail = testbed.mailbox.wait_for("signer0@example.com").await;
    assert_eq!(
        (mail.sender.as_str(), testbed.mailbox.count()),
        ("do-not-reply@example.com", 2)
    );
    let mail = mail.parsed();
    assert_eq!(
        (mail.from.name.as_str(), mail.from.address.as_str()),
        ("Let's eSign", "do-not-reply@example.com")
    );
    assert_eq!((mail.to.len(), mail.to[0].name.as_str()), (1, "Jürgen"));
    assert_eq!(mail.subject, "確認 x");
    assert_eq!(
        mail.text.as_deref().map(str::trim_end),
        Some(".starts with a dot")
    );
    assert_eq!(mail.html.as_deref().map(str::trim_end), Some("<p>café</p>"));
    assert_eq!(mail.attachments.len(), 1);
    let attachment = &mail.attachments[0];
    assert_eq!(
        (attachment.name.as_str(), attachment.kind.as_str()),
        ("契約.pdf", "application/pdf")
    );
    assert_eq!(attachment.bytes, b"%PDF");
    assert!(mail.headers.iter().any(|(name, _)| name == "MIME-Version"));
}

#[tokio::test]
async fn credentials_are_taken_inside_tls_alone() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let mut stream = TcpStream::connect(testbed.ses.address()).await.unwrap();
    say(&mut stream, "").await;
    say(&mut stream, "EHLO test").await;
    assert!(
        say(&mut stream, "AUTH PLAIN AHgAeA==")
            .await
            .starts_with("530")
    );
    assert!(
        say(&mut stream, "MAIL FROM:<a@example.com>")
            .await
            .starts_with("530")
    );

    let mut stream = session(&testbed).await;
    assert!(
        say(&mut stream, "AUTH PLAIN AHgAeA==")
            .await
            .starts_with("535")
    );
    assert!(
        say(&mut stream, "MAIL FROM:<a@example.com>")
            .await
            .starts_with("530")
    );
    assert!(say(&mut stream, "AUTH LOGIN").await.starts_with("334"));
    assert!(
        say(&mut stream, &BASE64_STANDARD.encode(USER.0))
            .await
            .starts_with("334")
    );
    assert!(
        say(&mut stream, &BASE64_STANDARD.encode(USER.1))
            .await
            .starts_with("235")
    );
    assert!(send(&mut stream).await.starts_with("250"));
    testbed
        .ses
        .change_accounts(|accounts| accounts.domains = vec!["other.example".to_owned()]);
    assert!(send(&mut stream).await.starts_with("554"));
    assert_eq!(testbed.ses.counters().served(), 1);
}

#[tokio::test]
async fn sessions_break_at_the_requested_step() {
    let testbed = Testbed::start(Options::default()).await.unwrap();
    let faults = testbed.ses.faults();

    faults.next(Fault::NoStartTls);
    let mut stream = TcpStream::connect(testbed.ses.address()).await.unwrap();
    say(&mut stream, "").await;
    stream.write_all(b"EHLO test\r\n").await.unwrap();
    let mut reply = String::new();
    while !reply.ends_with("250 Ok\r\n") {
        reply.push(char::from(stream.read_u8().await.unwrap()));
    }
    assert!(!reply.contains("STARTTLS"), "{reply}");
    assert!(say(&mut stream, "STARTTLS").await.starts_with("502"));

    faults.next(Fault::Reply(Step::Rcpt, "450 later".to_owned()));
    let mut stream = session(&testbed).await;
    authenticate(&mut stream).await;
    assert_eq!(send(&mut stream).await, "450 later");

    // Taken, and the answer is lost.
    for fault in [Fault::CloseAt(Step::Dot), Fault::ResetAt(Step::Dot)] {
        let before = testbed.mailbox.count();
        faults.next(fault);
        let mut stream = session(&testbed).await;
        authenticate(&mut stream).await;
        assert_eq!(send(&mut stream).await, "lost");
        assert_eq!(testbed.mailbox.count(), before + 1);
    }

    // Not taken.
    let before = testbed.mailbox.count();
    faults.next(Fault::Reply(Step::Dot, "451 try again".to_owned()));
    let mut stream = session(&testbed).await;
    authenticate(&mut stream).await;
    assert_eq!(send(&mut stream).await, "451 try again");
    assert_eq!(testbed.mailbox.count(), before);
    assert!(send(&mut stream).await.starts_with("250"));
}
