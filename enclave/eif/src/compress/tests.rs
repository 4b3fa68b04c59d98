use super::*;
use crate::testing::ramdisk;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::process::{Command, Stdio};

const ALL: [Compression; 6] = [
    Compression::None,
    Compression::Gzip(6),
    Compression::Gzip(1),
    Compression::Zstd,
    Compression::Lz4,
    Compression::Lz4Hc,
];

/// Text-like, so that there is something to compress, and longer than any block.
fn sample(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..len)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if (state >> 24) < 200 {
                b"the quick brown fox "[i % 20]
            } else {
                state.to_be_bytes()[1]
            }
        })
        .collect()
}

fn pack(compression: Compression, plain: &[u8]) -> Vec<u8> {
    ramdisk(compression, |sink| sink.write(plain)).unwrap()
}

fn unpack(packed: &[u8], len: usize) -> Vec<u8> {
    let packing = Packing::of(packed);
    let mut source = packed;
    let mut plain = Vec::new();
    if packing == Packing::Unknown {
        return packed[..len].to_vec();
    }
    decoder(packing, &mut source)
        .unwrap()
        .read_to_end(&mut plain)
        .unwrap();
    if packing != Packing::None {
        assert!(
            source.len() < 8 && source.iter().all(|byte| *byte == 0),
            "only padding may follow"
        );
    }
    plain
}

#[test]
fn every_format_comes_back() {
    let plain = sample(9_000_001);
    for compression in ALL {
        let packed = pack(compression, &plain);
        assert_eq!(packed.len() % 4, 0, "{compression}");
        if compression != Compression::None {
            assert!(packed.len() < plain.len() * 9 / 10, "{compression}");
            assert!(unpack(&packed, plain.len()) == plain, "{compression}");
        }
    }
}

#[test]
fn empty_ramdisks_are_sound() {
    for compression in ALL {
        let packed = pack(compression, &[]);
        assert_eq!(packed.len() % 4, 0);
        assert!(unpack(&packed, 0).is_empty(), "{compression}");
    }
}

/// The encoders' output enters PCR0 and PCR2. If this test fails after an update of Cargo.lock,
/// every measurement of a compressed image changes: that needs a line in the changelog.
#[test]
fn bytes_are_pinned() {
    let plain = sample(3_000_000);
    let digests: Vec<String> = ALL[1..]
        .iter()
        .map(|compression| {
            format!(
                "{compression} {}",
                &hex::encode(Sha256::digest(pack(*compression, &plain)))[..32]
            )
        })
        .collect();
    assert_eq!(digests, PINNED);
}

const PINNED: [&str; 5] = [
    "gzip 43b05bed9822ab5a670f69a6a8917593",
    "gzip:1 f102f7a1494fd30fd0629f3aad8c8f09",
    "zstd aea496bdf8ff807d83b32218697c0d7f",
    "lz4 64cab1c7afc91bc6154c8a03474e648c",
    "lz4hc 072dd1c340893278b3de82291197744f",
];

/// The usual tools agree with our reading of the formats. They stand in for Linux, whose decoders
/// are stricter about lz4 (legacy frames only) and laxer about what follows.
#[test]
fn usual_tools_unpack_it() {
    let plain = sample(9_000_001);
    for (compression, tool) in [
        (Compression::Gzip(6), "gzip"),
        (Compression::Zstd, "zstd"),
        (Compression::Lz4, "lz4"),
        (Compression::Lz4Hc, "lz4"),
    ] {
        let Ok(mut child) = Command::new(tool)
            .arg("-dc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
        else {
            assert!(
                std::env::var_os("REQUIRE_ALL").is_none(),
                "{tool} is missing"
            );
            eprintln!("skipped: {tool} is missing");
            continue;
        };
        let packed = pack(compression, &plain);
        let mut input = child.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || {
            // gzip and zstd complain about the padding, after they have written everything.
            let _ = input.write_all(&packed);
        });
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        assert!(output.stdout == plain, "{tool}");
    }
}

#[test]
fn names_are_understood() {
    for compression in ALL {
        assert_eq!(
            compression.to_string().parse::<Compression>().unwrap(),
            compression
        );
    }
    for bad in [
        "xz", "gzip:0", "gzip:10", "gzip:", "", "GZIP", "lz4:1", "lz4-hc",
    ] {
        assert!(
            bad.parse::<Compression>()
                .unwrap_err()
                .contains("none, gzip"),
            "{bad}"
        );
    }
}

#[test]
fn damaged_data_is_an_error() {
    let plain = sample(100_000);
    for compression in ALL.into_iter().skip(1) {
        let packed = pack(compression, &plain);
        for end in [5, 50, packed.len() / 2] {
            let mut source = &packed[..end];
            let result = decoder(Packing::of(&packed), &mut source)
                .and_then(|mut r| r.read_to_end(&mut Vec::new()));
            assert!(result.is_err(), "{compression} {end}");
        }
    }
    // An lz4 block that claims 4 GiB allocates nothing.
    let mut source = &[2, 0x21, 0x4c, 0x18, 255, 255, 255, 255, 0][..];
    assert!(
        decoder(Packing::Lz4, &mut source)
            .unwrap()
            .read_to_end(&mut Vec::new())
            .is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// How the bytes arrive does not matter, only what they are.
    #[test]
    fn chunks_do_not_show(plain in proptest::collection::vec(any::<u8>(), 0..5000), cut in 1_usize..700) {
        for compression in ALL {
            let whole = pack(compression, &plain);
            let pieces = ramdisk(compression, |sink| plain.chunks(cut).try_for_each(|chunk| sink.write(chunk))).unwrap();
            let copied = ramdisk(compression, |sink| {
                sink.copy_from(&mut plain.as_slice(), u64::MAX, &|| "x".to_owned()).map(|_| ())
            })
            .unwrap();
            prop_assert_eq!(&whole, &pieces);
            prop_assert_eq!(&whole, &copied);
            prop_assert_eq!(if compression == Compression::None { whole[..plain.len()].to_vec() } else { unpack(&whole, plain.len()) }, plain.clone());
        }
    }
}
