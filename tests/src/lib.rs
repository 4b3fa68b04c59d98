//! What tests across crates share.

pub mod boot;
pub mod docker;
pub mod elf;
pub mod sidebyside;

use std::env;
use std::path::PathBuf;

/// Whether a test that cannot run must fail (CI sets `REQUIRE_ALL=1`).
fn require_all() -> bool {
    env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1")
}

/// Prints why a test does not run.
///
/// # Panics
/// With `REQUIRE_ALL=1`.
pub fn skip(reason: &str) {
    assert!(!require_all(), "REQUIRE_ALL=1, but {reason}");
    println!("skipped: {reason}");
}

/// The folder of what `cargo xtask test` has built for tests: `bin/`, `docker/`, the image and the EIF. `None` means that the test
/// must return; the reason was printed.
///
/// # Panics
/// With `REQUIRE_ALL=1`, instead of giving `None`.
pub fn artifacts() -> Option<PathBuf> {
    let folder = env::var_os("LETSESIGN_ARTIFACTS").map(PathBuf::from);
    if folder.is_none() {
        skip(
            "LETSESIGN_ARTIFACTS is not set; run the tests by: cargo xtask test --only eif --only tests",
        );
    }
    folder
}
