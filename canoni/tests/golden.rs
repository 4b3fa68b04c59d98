//! The golden image: its digests never change. A different digest is a different form, which needs
//! a new number.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

const LAYERED: &str = "sha256:58d29b0ea514671eb1f543892517cf6c6acbf7427db90c14b98c16437f1e0aca";
const FLATTENED: &str = "sha256:d86de61c174634d8fa1562b13b7902fff74db3d783040ea947a46db33d34c4fb";
/// SHA-256 of the whole docker-archive that is written, flattened.
const ARCHIVE: &str = "8451811be6a401af05cd7d37e1d4d83d87a801abd3038577aca9491e4c17812b";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn canonical(flatten: bool) -> canoni::Canonical {
    let archive = canoni::Archive::open(&golden("image.tar"), &canoni::Limits::default()).unwrap();
    let image = archive.image(&canoni::Selector::default()).unwrap();
    let options = canoni::CanonicalOptions {
        flatten,
        tags: image.tags().to_vec(),
        ..Default::default()
    };
    canoni::Canonical::from_image(&image, &options).unwrap()
}

#[test]
fn digests() {
    assert_eq!(canonical(false).digest(), LAYERED);
    assert_eq!(canonical(true).digest(), FLATTENED);
}

#[test]
fn archive_bytes() {
    use sha2::Digest;
    let mut bytes = Vec::new();
    canonical(true)
        .write_tar(&mut bytes, canoni::Format::DockerArchive, "memory")
        .unwrap();
    assert_eq!(hex::encode(sha2::Sha256::digest(&bytes)), ARCHIVE);
}

/// A second implementation, in another language and from the page alone, must agree.
#[test]
fn independent_implementation() {
    match Command::new("python3")
        .arg(golden("check.py"))
        .arg(golden("image.tar"))
        .output()
    {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                format!("{LAYERED}\n{FLATTENED}\n")
            );
        }
        Err(error) => {
            assert!(
                std::env::var_os("REQUIRE_ALL").is_none(),
                "python3: {error}"
            );
            println!("skipped: python3: {error}");
        }
    }
}
