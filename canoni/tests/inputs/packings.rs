//! Layers that are compressed in unusual ways.

use super::layouts::Parts;
use super::{Case, PLAIN, image, plain, refusal_of};
use std::io::Write;

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

pub(crate) fn cases() -> Vec<Case> {
    let packed = |layer_type, blob: Vec<u8>| {
        Parts {
            layer_type,
            blob,
            ..Parts::default()
        }
        .tar()
    };
    let (gz, zst) = (
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
    );
    let layer = plain();
    let (first, second) = layer.split_at(600);
    let skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd".to_vec();
    vec![
        image(
            "gz-multi",
            packed(gz, [gzip(first), gzip(second)].concat()),
            PLAIN,
        ),
        image(
            "zstd-frames",
            packed(zst, [zstd(first), skippable, zstd(second)].concat()),
            PLAIN,
        ),
        image("mt-says-gzip-is-plain", packed(gz, layer.clone()), PLAIN),
        // umoci refuses both, by Go's reader of gzip.
        refusal_of(
            "gz-trailing-zeros",
            packed(gz, [gzip(&layer), vec![0; 100]].concat()),
            "on there are bytes that are not a gzip member (invalid gzip header): gzip ignores them, \
             umoci refuses them",
        ),
        refusal_of(
            "gz-trailing-junk",
            packed(gz, [gzip(&layer), b"junk".to_vec()].concat()),
            "on there are bytes that are not a gzip member (unexpected end of file): gzip ignores \
             them, umoci refuses them",
        ),
    ]
}
