use super::*;
use proptest::prelude::*;
use rustls::ClientConnection;
use std::sync::Arc;

fn vector16(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), vector16(data)].concat()
}

fn sni(name: &[u8]) -> Vec<u8> {
    extension(SERVER_NAME, &vector16(&[vec![0], vector16(name)].concat()))
}

/// A handshake message with these extensions; `None` leaves the field out.
fn message(extensions: Option<&[u8]>) -> Vec<u8> {
    let mut body = [&[3, 3][..], &[7; 32], &[0], &vector16(&[0x13, 1]), &[1, 0]].concat();
    body.extend(extensions.map(vector16).unwrap_or_default());
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[CLIENT_HELLO], &length[1..], &body].concat()
}

fn record(contents: &[u8]) -> Vec<u8> {
    [vec![HANDSHAKE, 3, 1], vector16(contents)].concat()
}

fn hello(extensions: &[u8]) -> Vec<u8> {
    record(&message(Some(extensions)))
}

fn read(bytes: &[u8]) -> Result<Option<String>, Refusal> {
    HelloReader::default().push(bytes)
}

/// The outcome when `sizes` bytes come at a time.
fn read_in_pieces(bytes: &[u8], size: usize) -> Result<Option<String>, Refusal> {
    let mut reader = HelloReader::default();
    for piece in bytes.chunks(size) {
        let found = reader.push(piece)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

#[test]
fn the_name_of_a_hello_is_found_in_lower_case() {
    let bytes = hello(&[extension(43, &[2, 3, 4]), sni(b"KMS.Example.com")].concat());
    assert_eq!(read(&bytes), Ok(Some("kms.example.com".into())));
}

#[test]
fn rustls_hellos_are_read_and_forwarded_whole() {
    let config = letsesign_testbed::tls::client();
    let name = "kms.us-east-1.amazonaws.com";
    let server = name.try_into().unwrap();
    let mut client = ClientConnection::new(Arc::clone(&config), server).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    let mut reader = HelloReader::default();
    assert_eq!(reader.push(&bytes), Ok(Some(name.into())));
    assert_eq!(reader.into_bytes(), bytes);
    // An address needs no name, so there is none.
    let mut client = ClientConnection::new(config, "192.0.2.1".try_into().unwrap()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    assert_eq!(read(&bytes), Err(Refusal::NoName));
}

#[test]
fn records_may_divide_the_message_anywhere() {
    let whole = message(Some(&sni(b"a.example")));
    for size in 1..whole.len() {
        let bytes: Vec<u8> = whole.chunks(size).flat_map(record).collect();
        for piece in [1, 2, 7, bytes.len()] {
            assert_eq!(
                read_in_pieces(&bytes, piece),
                Ok(Some("a.example".into())),
                "{size}"
            );
        }
    }
}

#[test]
fn a_hello_is_unfinished_until_its_last_byte() {
    let bytes = hello(&sni(b"a.example"));
    for end in 0..bytes.len() {
        assert_eq!(read(&bytes[..end]), Ok(None), "{end}");
    }
}

#[test]
fn what_follows_the_record_is_kept_and_not_read() {
    let mut bytes = hello(&sni(b"a.example"));
    bytes.extend([20, 3, 3, 0, 1, 1]);
    let mut reader = HelloReader::default();
    assert_eq!(reader.push(&bytes), Ok(Some("a.example".into())));
    assert_eq!(reader.into_bytes(), bytes);
}

#[test]
fn everything_else_is_refused() {
    let name = sni(b"a.example");
    let with_body = |change: fn(&mut Vec<u8>)| {
        let mut bytes = message(Some(&name));
        change(&mut bytes);
        record(&bytes)
    };
    let list = |entries: &[u8]| hello(&extension(SERVER_NAME, &vector16(entries)));
    let entry = [vec![0], vector16(b"a.example")].concat();
    for (bytes, refusal) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), Refusal::NotTls),
        (b"\x80".to_vec(), Refusal::NotTls),
        (vec![HANDSHAKE, 2], Refusal::NotTls),
        (vec![HANDSHAKE, 3, 1, 0, 0], Refusal::Malformed),
        (record(&[2]), Refusal::Malformed),
        (record(&[CLIENT_HELLO, 0, 0, 0]), Refusal::Malformed),
        (record(&[CLIENT_HELLO, 1, 0, 0]), Refusal::TooLong),
        (vec![HANDSHAKE, 3, 1, 0x40, 0], Refusal::TooLong),
        (record(&message(None)), Refusal::NoName),
        (hello(&[]), Refusal::NoName),
        (hello(&extension(43, &[2, 3, 4])), Refusal::NoName),
        // More than one message in the record.
        (
            record(&[message(Some(&name)), vec![1]].concat()),
            Refusal::Malformed,
        ),
        // Fields of wrong lengths: session, cipher suites, compression, trailing bytes.
        (with_body(|bytes| bytes[38] = 33), Refusal::Malformed),
        (with_body(|bytes| bytes[40] = 1), Refusal::Malformed),
        (with_body(|bytes| bytes[40] = 0), Refusal::Malformed),
        (with_body(|bytes| bytes[43] = 0), Refusal::Malformed),
        (with_body(|bytes| bytes[46] -= 1), Refusal::Malformed),
        (with_body(|bytes| bytes[46] += 1), Refusal::Malformed),
        // Two names, whichever way.
        (
            hello(&[name.clone(), name.clone()].concat()),
            Refusal::Malformed,
        ),
        (
            list(&[entry.clone(), entry.clone()].concat()),
            Refusal::Malformed,
        ),
        (list(&[]), Refusal::Malformed),
        (
            list(&[vec![1], vector16(b"a.example")].concat()),
            Refusal::Malformed,
        ),
        (
            hello(&extension(
                SERVER_NAME,
                &[vector16(&entry), vec![0]].concat(),
            )),
            Refusal::Malformed,
        ),
        (hello(&extension(SERVER_NAME, &[])), Refusal::Malformed),
        (hello(&sni(b"")), Refusal::Malformed),
        (hello(&sni(b"a.example\0.b")), Refusal::Malformed),
        (hello(&sni("ä.example".as_bytes())), Refusal::Malformed),
        (hello(&sni(&[b'a'; 256])), Refusal::Malformed),
        // The inner name is what counts, and it is encrypted.
        (
            hello(&[name.clone(), extension(0xfe0d, &[0; 8])].concat()),
            Refusal::Encrypted,
        ),
    ] {
        for size in [1, 3, bytes.len()] {
            assert_eq!(read_in_pieces(&bytes, size), Err(refusal), "{bytes:02x?}");
        }
    }
}

#[test]
fn memory_is_bounded_by_the_limit() {
    // One byte of the message in each record: six times its size.
    let padding = extension(21, &[0; 4096]);
    let whole = message(Some(&[padding, sni(b"a.example")].concat()));
    let bytes: Vec<u8> = whole.chunks(1).flat_map(record).collect();
    assert_eq!(read_in_pieces(&bytes, 1), Err(Refusal::TooLong));
    assert_eq!(read(&record(&whole)), Ok(Some("a.example".into())));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_alike_however_divided(
        bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..50
    ) {
        prop_assert_eq!(read(&bytes), read_in_pieces(&bytes, size));
        let inside = record(&[&[CLIENT_HELLO, 0, 0, u8::try_from(bytes.len()).unwrap()], &bytes[..]].concat());
        prop_assert_eq!(read(&inside), read_in_pieces(&inside, size));
    }

    #[test]
    fn a_changed_byte_never_yields_a_name_that_is_not_there(
        at in 0_usize..200, value in any::<u8>(), name in "[a-z0-9.-]{1,60}"
    ) {
        let mut bytes = hello(&[extension(43, &[2, 3, 4]), sni(name.as_bytes())].concat());
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok(Some(found)) = read(&bytes) {
            let found = found.as_bytes();
            let lower = bytes.to_ascii_lowercase();
            prop_assert!(lower.windows(found.len()).any(|part| part == found));
        }
    }
}
