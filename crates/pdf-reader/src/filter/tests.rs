use super::predictor::predict;
use super::*;
use crate::budget::Budget;
use crate::error::Error;

fn flate() -> Dict {
    Dict::default().with("Filter", Object::named("FlateDecode"))
}

#[test]
fn flate_round_trip_and_limit() {
    let data = b"0123456789".repeat(1000);
    let packed = deflate(&data);
    let whole = decode(&flate(), &packed, 10_000, &mut |_| true).unwrap();
    assert!(whole.whole && whole.data == data);
    assert_eq!(
        decode(&flate(), &packed, 9_999, &mut |_| true),
        Err(Failed::TooLong)
    );
    let part = decode(
        &flate(),
        packed.get(..packed.len() - 8).unwrap(),
        10_000,
        &mut |_| true,
    )
    .unwrap();
    assert!(data.starts_with(&part.data) && !part.whole);
    assert_eq!(
        decode(&flate(), b"nonsense", 100, &mut |_| true),
        Err(Failed::Broken)
    );
}

#[test]
fn pieces_are_compressed_as_one() {
    let data: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let budget = Budget::new(crate::Limits::default());
    let packed = deflate_within(&data, &budget).unwrap();
    let unpacked = decode(&flate(), &packed, 2_000_000, &mut |_| true).unwrap();
    assert!(unpacked.whole && unpacked.data == data);
    assert_eq!(
        deflate_within(b"small", &budget).unwrap(),
        deflate(b"small")
    );
    let budget = Budget::new(crate::Limits {
        work: 1 << 20,
        ..crate::Limits::default()
    });
    assert_eq!(deflate_within(&data, &budget), Err(Error::Budget));
}

#[test]
fn bombs_stop_at_the_limit() {
    let bomb = deflate(&vec![0; 50_000_000]);
    assert_eq!(
        decode(&flate(), &bomb, 1_000_000, &mut |_| true),
        Err(Failed::TooLong)
    );
}

fn text(dict: &Dict, data: &[u8]) -> (Vec<u8>, bool) {
    let decoded = decode(dict, data, 100, &mut |_| true).unwrap();
    (decoded.data, decoded.whole)
}

#[test]
fn data_with_an_end_marker_are_measured() {
    let packed = deflate(b"some data");
    let jpeg = b"\xff\xd8\xff\xe0\0\x04EI\xff\xda\0\x02 EI \xff\0 EI \xff\xd9";
    for (filter, data) in [
        (&b"Fl"[..], packed.as_slice()),
        (b"RL", b"\x02EI \x80"),
        (b"AHx", b"00>"),
        (b"A85", b"zz~>"),
        (b"DCT", jpeg),
    ] {
        let all = [data, b" EI Q"].concat();
        let length = measure(filter, None, &all, 1000, &mut |_| true);
        assert_eq!(length, Some(data.len()));
        let cut = data.get(..data.len() - 1).unwrap();
        assert_eq!(measure(filter, None, cut, 1000, &mut |_| true), None);
    }
}

#[test]
fn text_filters() {
    let dict = Dict::default().with("Filter", Object::named("ASCII85Decode"));
    assert_eq!(
        text(&dict, b"87cUR D]j.8ATD?*~>"),
        (b"Hello there!".to_vec(), true)
    );
    assert_eq!(text(&dict, b"z!!~>"), (vec![0; 5], true));
    assert_eq!(text(&dict, b"z!!"), (vec![0; 5], false));
    let dict = Dict::default().with(
        "Filter",
        Object::Array(vec![Object::named("AHx"), Object::named("A85")]),
    );
    assert_eq!(text(&dict, b"38 37 63 55 52 7e>"), (b"Hell".to_vec(), true));
}

#[test]
fn png_predictors() {
    let parameters = Dict::default()
        .with("Predictor", Object::Int(12))
        .with("Columns", Object::Int(3));
    let rows = [2, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1, 4, 1, 0, 0];
    let out = predict(rows.to_vec(), Some(&parameters)).unwrap();
    assert_eq!(out, [1, 2, 3, 2, 3, 4, 5, 6, 7, 6, 6, 7]);
}
