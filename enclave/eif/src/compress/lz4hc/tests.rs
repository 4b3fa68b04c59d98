use super::{encode as append, extension};
use proptest::prelude::*;
use std::path::Path;

fn encode(plain: &[u8]) -> Vec<u8> {
    append(plain, Vec::new())
}

/// Unpacks a block by the letter of the format and panics at every breach of it, also at those
/// which decoders let pass.
fn strict(block: &[u8]) -> Vec<u8> {
    fn length(input: &mut &[u8], nibble: u8) -> usize {
        let mut length = usize::from(nibble);
        if nibble == 15 {
            loop {
                let more = take(input, 1)[0];
                length += usize::from(more);
                if more < 255 {
                    break;
                }
            }
        }
        length
    }
    fn take<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = input.split_at(count);
        *input = rest;
        taken
    }

    let mut input = block;
    let mut plain = Vec::new();
    let mut last_match = None;
    loop {
        let token = take(&mut input, 1)[0];
        let literals = length(&mut input, token >> 4);
        plain.extend_from_slice(take(&mut input, literals));
        if input.is_empty() {
            assert_eq!(token & 15, 0, "the last sequence has no match");
            if let Some(start) = last_match {
                assert!(literals >= 5, "the last 5 bytes are literals");
                assert!(plain.len() - start >= 12, "the last match starts too late");
            }
            return plain;
        }
        let offset = take(&mut input, 2);
        let offset = usize::from(u16::from_le_bytes([offset[0], offset[1]]));
        assert!(
            (1..=plain.len()).contains(&offset),
            "offset {offset} at {}",
            plain.len()
        );
        let length = 4 + length(&mut input, token & 15);
        last_match = Some(plain.len());
        for _ in 0..length {
            plain.push(plain[plain.len() - offset]);
        }
    }
}

fn round_trip(plain: &[u8]) -> Vec<u8> {
    let block = encode(plain);
    assert!(strict(&block) == plain, "strict");
    let back = lz4_flex::block::decompress(&block, plain.len()).unwrap();
    assert!(back == plain, "lz4_flex");
    assert!(
        block.len() <= lz4_flex::block::get_maximum_output_size(plain.len()),
        "{} from {}",
        block.len(),
        plain.len()
    );
    assert_eq!(encode(plain), block, "the same again");
    block
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(next).collect()
}

/// Both can be followed by hand with the format's description.
#[test]
fn vectors() {
    assert_eq!(encode(b""), [0]);
    assert_eq!(
        encode("abc".repeat(8).as_bytes()),
        *b"\x3cabc\x03\x00\x50bcabc"
    );
    // 36 equal bytes: one literal, 30 from one back (4 and 15 and an extension of 11), 5 literals.
    assert_eq!(encode(&[b'x'; 36]), *b"\x1fx\x01\x00\x0b\x50xxxxx");
    // 16 literals (15 and an extension of 1), then the first four of them and the end.
    assert_eq!(
        encode(b"0123456789abcdef0123--------"),
        *b"\xf0\x010123456789abcdef\x10\x00\x80--------"
    );
}

/// "abcd" could be copied, but then what follows needs a sequence of its own.
#[test]
fn a_literal_is_cheaper_than_a_match() {
    assert_eq!(
        encode(b"abcd#bcdefghijklmnop#abcdefghijklmnop------------"),
        *b"\xfb\x07abcd#bcdefghijklmnop#a\x11\x00\xc0------------"
    );
}

#[test]
fn every_short_length() {
    for len in 0..70 {
        round_trip(&vec![7; len]);
        round_trip(&noise(len));
        round_trip(&b"ab".repeat(len)[..len]);
        round_trip(&b"0123456789abcde".repeat(len)[..len]);
    }
}

/// Around the lengths at which a token or an extension needs another byte.
#[test]
fn every_length_of_literals_and_of_matches() {
    let noise = noise(1400);
    for len in (0..40).chain(250..300).chain(500..560).chain(1010..1060) {
        let literals = [&noise[..len], b"++++++++++++++++++++"].concat();
        round_trip(&literals);
        let matched = [&noise[..1100], &noise[..len], b"--------------------"].concat();
        round_trip(&matched);
    }
}

#[test]
fn the_window_ends_at_65535() {
    let word = b"this is found again, or it is not.";
    for distance in [65_533, 65_534, 65_535, 65_536, 65_537] {
        let mut plain = noise(distance + word.len() + 30);
        plain[..word.len()].copy_from_slice(word);
        plain[distance..distance + word.len()].copy_from_slice(word);
        let block = round_trip(&plain);
        // Four bytes may be found by chance; the word saves more.
        let saved = (1 + extension(plain.len()) + plain.len()).saturating_sub(block.len());
        assert_eq!(saved > 20, distance <= 65_535, "{distance}: {saved}");
    }
}

#[test]
fn large_inputs() {
    let equal = round_trip(&vec![0; 3_000_000]);
    assert!(equal.len() < 3_000_000 / 250, "{}", equal.len());
    // Nothing to find: literals, a byte for 255 of them.
    let random = noise(1_000_000);
    assert!(round_trip(&random).len() <= 1_000_000 + 1_000_000 / 255 + 2);
    // A period longer than what ends a search.
    let periodic = round_trip(&random[..5000].repeat(200));
    assert!(
        periodic.len() < 5000 + 1_000_000 / 240,
        "{}",
        periodic.len()
    );
    // A search that visits many nodes.
    let mut sparse = vec![0; 300_000];
    for at in (0..sparse.len()).step_by(300) {
        sparse[at] = random[at];
    }
    round_trip(&sparse);
}

/// As small as the best that lz4 makes, to a ten-thousandth: `lz4 -l -12` 1.9.4 gives 11,420,423
/// bytes for ukai.ttc.
#[test]
fn fonts() {
    let fonts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packages/fonts");
    for (name, most) in [
        ("ukai.ttc", 11_420_423 + 1_142),
        ("DancingScript-Regular.otf", usize::MAX),
        ("Inconsolata.otf", usize::MAX),
    ] {
        let plain = std::fs::read(fonts.join(name)).unwrap();
        let frame: usize = plain
            .chunks(crate::compress::lz4::BLOCK)
            .map(|block| 4 + round_trip(block).len())
            .sum();
        assert!(4 + frame <= most, "{name}: {}", 4 + frame);
    }
}

/// Pieces that repeat earlier ones, runs and noise: what an encoder has to choose among.
fn structured() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (any::<u8>(), 1_usize..600).prop_map(|(byte, len)| vec![byte; len]),
        proptest::collection::vec(any::<u8>(), 1..300),
        proptest::collection::vec(0_u8..3, 1..300),
        (proptest::collection::vec(any::<u8>(), 1..20), 1_usize..60)
            .prop_map(|(unit, times)| unit.repeat(times)),
    ];
    proptest::collection::vec((piece, any::<u32>(), any::<u16>(), any::<bool>()), 0..40).prop_map(
        |pieces| {
            let mut plain: Vec<u8> = Vec::new();
            for (piece, start, len, copy) in pieces {
                if copy && !plain.is_empty() {
                    let start = start as usize % plain.len();
                    let end = plain.len().min(start + usize::from(len) % 2000);
                    plain.extend_from_within(start..end);
                } else {
                    plain.extend(piece);
                }
            }
            plain
        },
    )
}

/// The fewest bytes that any choice of matches takes, by trying all of them.
fn fewest(plain: &[u8]) -> usize {
    let len = plain.len();
    let mut from = vec![usize::MAX; len + 1];
    for start in (0..=len).rev() {
        let mut best = 1 + extension(len - start) + (len - start);
        for position in start..(len + 1).saturating_sub(12) {
            let most = (1..=position.min(65_535))
                .map(|offset| {
                    (position..len - 5)
                        .take_while(|at| plain[*at] == plain[at - offset])
                        .count()
                })
                .max();
            for length in 4..=most.unwrap_or(0) {
                let literals = position - start;
                let size = 1 + extension(literals) + literals + 2 + extension(length - 4);
                best = best.min(size + from[position + length]);
            }
        }
        from[start] = best;
    }
    from[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn anything_comes_back(plain in structured()) {
        round_trip(&plain);
    }

    #[test]
    fn nothing_smaller_exists(plain in proptest::collection::vec(0_u8..4, 0..90)) {
        prop_assert_eq!(encode(&plain).len(), fewest(&plain));
    }

    #[test]
    fn nothing_smaller_exists_with_many_literals(head in proptest::collection::vec(any::<u8>(), 10..60), cut in 0_usize..50) {
        let plain = [head.as_slice(), &head[cut.min(head.len())..], &head].concat();
        prop_assert_eq!(encode(&plain).len(), fewest(&plain));
    }
}
