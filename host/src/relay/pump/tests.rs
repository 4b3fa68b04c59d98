use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

const IDLE: Duration = Duration::from_mins(1);

type Forwarding = JoinHandle<(Counts, io::Result<End>)>;

/// The ends of the enclave and of the service, and what forwards between them.
fn forwarding(buffer: usize, budget: &'static Budget) -> (DuplexStream, DuplexStream, Forwarding) {
    let (enclave, inner_enclave) = duplex(buffer);
    let (service, inner_service) = duplex(buffer);
    let task = tokio::spawn(async move {
        let (mut a, mut b) = (
            Connection::new(inner_enclave),
            Connection::new(inner_service),
        );
        let count = Count {
            sent: &|_| (),
            received: &|_| (),
        };
        forward(&mut a, &mut b, IDLE, budget, &count).await
    });
    (enclave, service, task)
}

fn budget(most: usize) -> &'static Budget {
    Box::leak(Box::new(Budget::new(most)))
}

fn pattern(length: usize, seed: u8) -> Vec<u8> {
    let piece: Vec<u8> = (0..251).map(|at: u8| at.wrapping_mul(31) ^ seed).collect();
    let mut bytes = piece.repeat(length / 251 + 1);
    bytes.truncate(length);
    bytes
}

#[tokio::test]
async fn one_direction_may_end_long_before_the_other() {
    for enclave_first in [true, false] {
        let (enclave, service, task) = forwarding(64, budget(1 << 20));
        let (mut first, mut second) = if enclave_first {
            (enclave, service)
        } else {
            (service, enclave)
        };
        first.write_all(b"question").await.unwrap();
        first.shutdown().await.unwrap();
        let mut text = Vec::new();
        second.read_to_end(&mut text).await.unwrap();
        assert_eq!(text, b"question");
        let answer = pattern(10_000, 1);
        let (written, read) = tokio::join!(
            async {
                second.write_all(&answer).await.unwrap();
                second.shutdown().await
            },
            async {
                let mut bytes = Vec::new();
                first.read_to_end(&mut bytes).await.unwrap();
                bytes
            }
        );
        written.unwrap();
        assert_eq!(read, answer);
        let (counts, end) = task.await.unwrap();
        assert_eq!(end.unwrap(), End::Closed);
        let expected = if enclave_first {
            (8, 10_000)
        } else {
            (10_000, 8)
        };
        assert_eq!((counts.sent, counts.received), expected);
    }
}

#[tokio::test]
async fn both_directions_at_once_arrive_intact_whatever_the_pieces() {
    for (buffer, most) in [(1, 0), (7, 0), (4096, 1 << 20), (1 << 20, 100)] {
        let budget = budget(most);
        let (enclave, service, task) = forwarding(buffer, budget);
        let length = if buffer < 100 { 20_000 } else { 3 << 20 };
        let both = [(enclave, 1), (service, 2)].map(|(stream, seed)| async move {
            let (mut reader, mut writer) = tokio::io::split(stream);
            let bytes = pattern(length, seed);
            let mut read = Vec::new();
            let ((), _) = tokio::join!(
                async {
                    for piece in bytes.chunks(1000) {
                        writer.write_all(piece).await.unwrap();
                    }
                    writer.shutdown().await.unwrap();
                },
                async { reader.read_to_end(&mut read).await.unwrap() }
            );
            read
        });
        let [one, two] = both;
        let (at_enclave, at_service) = tokio::join!(one, two);
        assert!(at_enclave == pattern(length, 2) && at_service == pattern(length, 1));
        assert_eq!(task.await.unwrap().1.unwrap(), End::Closed);
        assert_eq!(budget.held(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_when_both_directions_are_quiet_and_not_before() {
    let (mut enclave, mut service, task) = forwarding(64, budget(0));
    let start = Instant::now();
    // Each direction alone is quiet for longer than the limit.
    for turn in 0..6 {
        tokio::time::sleep(IDLE * 2 / 3).await;
        let (from, to) = if turn < 3 {
            (&mut enclave, &mut service)
        } else {
            (&mut service, &mut enclave)
        };
        from.write_all(b"x").await.unwrap();
        assert_eq!(to.read_u8().await.unwrap(), b'x');
    }
    let last = Instant::now();
    let (_, end) = task.await.unwrap();
    assert_eq!(end.unwrap(), End::Idle);
    assert_eq!((last.elapsed(), last - start), (IDLE, IDLE * 4));
    assert_eq!(enclave.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_takes_nothing_is_held_for_a_bounded_number_of_bytes_and_time() {
    let budget = budget(10 * PIECE);
    let mut ends = Vec::new();
    for _ in 0..100 {
        let (mut enclave, service, task) = forwarding(256 << 10, budget);
        enclave.write_all(&vec![7; 256 << 10]).await.unwrap();
        ends.push((enclave, service, task));
    }
    // Their buffers are full; what comes now is held.
    for (enclave, ..) in &mut ends {
        enclave.write_all(&vec![7; 256 << 10]).await.unwrap();
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let held = budget.held();
    assert!(held > 9 * PIECE, "{held}");
    assert!(held <= 11 * PIECE + 100 * SMALL_PIECE, "{held}");
    for (_, _, task) in ends {
        assert_eq!(task.await.unwrap().1.unwrap(), End::Idle);
    }
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn a_side_that_breaks_off_ends_both() {
    let (mut enclave, service, task) = forwarding(64, budget(0));
    drop(service);
    // The service's end is passed on; writing to it fails.
    assert_eq!(enclave.read(&mut [0]).await.unwrap(), 0);
    let _ = enclave.write_all(b"x").await;
    let (_, end) = task.await.unwrap();
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
