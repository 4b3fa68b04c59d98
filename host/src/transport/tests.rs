use super::backoff::Backoff;
use super::vsock::{Port, Source};
use super::*;
use rustix::io::Errno;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;

/// A source that a test feeds.
struct Fed(mpsc::Receiver<io::Result<(Connection, u32)>>);

#[async_trait]
impl Source for Fed {
    async fn accept(&mut self) -> io::Result<(Connection, u32)> {
        match self.0.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }
}

type Feed = mpsc::Sender<io::Result<(Connection, u32)>>;

fn fed() -> (Feed, Fed) {
    let (sender, receiver) = mpsc::channel(1024);
    (sender, Fed(receiver))
}

async fn connect(feed: &Feed, cid: u32) -> DuplexStream {
    let (ours, theirs) = duplex(64);
    feed.send(Ok((Connection::new(theirs), cid))).await.unwrap();
    ours
}

async fn says(stream: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn each_connection_goes_to_the_listener_of_its_cid() {
    let (feed, source) = fed();
    let port = Port::start(9003, source);
    let (mut four, mut five) = (port.register(4).unwrap(), port.register(5).unwrap());
    assert_eq!(five.address(), "vsock:5:9003");
    let (mut from_five, mut from_four) = (connect(&feed, 5).await, connect(&feed, 4).await);
    for (listener, name) in [(&mut four, b"4"), (&mut five, b"5")] {
        let mut connection = listener.accept().await.unwrap();
        connection.write_all(name).await.unwrap();
    }
    assert_eq!(
        (says(&mut from_four).await, says(&mut from_five).await),
        (b"4".to_vec(), b"5".to_vec())
    );
}

#[tokio::test]
async fn other_cids_are_closed_and_reach_nobody() {
    let (feed, source) = fed();
    let port = Port::start(9003, source);
    let mut listener = port.register(4).unwrap();
    for cid in [0, 1, 2, 3, 5, u32::MAX] {
        assert_eq!(says(&mut connect(&feed, cid).await).await, b"", "{cid}");
    }
    let mut ours = connect(&feed, 4).await;
    listener
        .accept()
        .await
        .unwrap()
        .write_all(b"first")
        .await
        .unwrap();
    assert_eq!(says(&mut ours).await, b"first");
    // An enclave that is gone is an unknown one.
    drop(listener);
    assert_eq!(says(&mut connect(&feed, 4).await).await, b"");
}

#[tokio::test]
async fn one_enclave_that_floods_does_not_stop_another() {
    let (feed, source) = fed();
    let port = Port::start(9003, source);
    let (_idle, mut busy) = (port.register(4).unwrap(), port.register(5).unwrap());
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(connect(&feed, 4).await);
    }
    let mut ours = connect(&feed, 5).await;
    busy.accept().await.unwrap().write_all(b"x").await.unwrap();
    assert_eq!(says(&mut ours).await, b"x");
    // Beyond the queue's bound.
    assert_eq!(says(flood.last_mut().unwrap()).await, b"");
}

#[tokio::test]
async fn a_cid_has_one_listener_for_a_port_and_may_come_back() {
    let (feed, source) = fed();
    let port = Port::start(9003, source);
    let first = port.register(4).unwrap();
    assert_eq!(
        port.register(4).err().unwrap().kind(),
        io::ErrorKind::AddrInUse
    );
    drop(first);
    let mut second = port.register(4).unwrap();
    let _ours = connect(&feed, 4).await;
    second.accept().await.unwrap();
}

#[tokio::test]
async fn errors_of_accept_do_not_end_a_port() {
    let (feed, source) = fed();
    let port = Port::start(9003, source);
    let mut listener = port.register(4).unwrap();
    for errno in [
        Errno::MFILE,
        Errno::NFILE,
        Errno::CONNABORTED,
        Errno::NOMEM,
        Errno::INTR,
    ] {
        feed.send(Err(errno.into())).await.unwrap();
    }
    let _ours = connect(&feed, 4).await;
    listener.accept().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_pause_grows_while_descriptors_are_missing_alone() {
    let took = async |backoff: &mut Backoff, errno: Errno| {
        let start = tokio::time::Instant::now();
        backoff.failed(1, &errno.into()).await;
        start.elapsed()
    };
    let mut backoff = Backoff::default();
    for expected in [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        let took = took(&mut backoff, Errno::MFILE).await;
        assert!(took >= Duration::from_millis(expected), "{took:?}");
        assert!(took < Duration::from_millis(expected + 5), "{took:?}");
    }
    backoff.succeeded();
    for _ in 0..10 {
        assert!(took(&mut backoff, Errno::CONNABORTED).await < Duration::from_millis(10));
    }
}

#[tokio::test]
async fn tcp_listens_on_loopback_at_given_or_chosen_ports() {
    let transport = Tcp::default();
    let mut listener = transport.listen(4, 9003).await.unwrap();
    assert!(listener.address().starts_with("127.0.0.1:"));
    let mut stream = TcpStream::connect(listener.address()).await.unwrap();
    let mut connection = listener.accept().await.unwrap();
    stream.write_all(b"to the host").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).await.unwrap();
    // The other half is still open.
    connection.write_all(text.as_bytes()).await.unwrap();
    drop(connection);
    let mut back = String::new();
    stream.read_to_string(&mut back).await.unwrap();
    assert_eq!(back, "to the host");
    let port = listener
        .address()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    drop(listener);
    let given = Tcp {
        ports: [((5, 9003), port)].into(),
    };
    assert!(
        given
            .listen(5, 9003)
            .await
            .unwrap()
            .address()
            .ends_with(&format!(":{port}"))
    );
}

#[tokio::test]
async fn a_reset_is_seen_as_one_over_tcp() {
    let mut listener = Tcp::default().listen(4, 1).await.unwrap();
    let mut stream = TcpStream::connect(listener.address()).await.unwrap();
    listener.accept().await.unwrap().reset();
    let error = stream.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn unix_sockets_have_the_names_of_the_device_and_go_with_their_listener() {
    let folder = tempfile::tempdir().unwrap();
    let transport = UnixSockets {
        folder: folder.path().to_owned(),
    };
    assert!(transport.prefix(16).ends_with("vm16.vsock"));
    let path = folder.path().join("vm16.vsock_9003");
    let mut listener = transport.listen(16, 9003).await.unwrap();
    assert_eq!(listener.address(), path.display().to_string());
    let mut stream = UnixStream::connect(&path).await.unwrap();
    listener
        .accept()
        .await
        .unwrap()
        .write_all(b"x")
        .await
        .unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
    // One that is served is not taken away.
    let error = transport.listen(16, 9003).await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn the_socket_of_a_killed_process_is_replaced_and_a_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let transport = UnixSockets {
        folder: folder.path().to_owned(),
    };
    let path = folder.path().join("vm16.vsock_9003");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    drop(transport.listen(16, 9003).await.unwrap());
    std::fs::write(&path, "a file").unwrap();
    assert!(transport.listen(16, 9003).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"a file");
}
