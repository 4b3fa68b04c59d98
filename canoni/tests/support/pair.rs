//! Two archives that readers take for two images, or for one.

use super::*;

/// The outcome of a pair.
pub enum End {
    /// The first is read, the second refused in these words.
    Refused(&'static str),
    /// Two images, two digests.
    Two,
    /// One image in two spellings.
    One,
}

pub fn layers(list: &[&[Raw]]) -> Vec<u8> {
    docker_archive(&list.iter().map(|entries| tar(entries)).collect::<Vec<_>>())
}

#[track_caller]
pub fn pair(name: &str, one: &[u8], other: &[u8], end: &End) {
    let first = digests(one).unwrap_or_else(|error| panic!("{name}: {error}"));
    match (end, digests(other)) {
        (End::Refused(words), Err(_)) => refused(name, other, words),
        (End::Two, Ok(second)) => {
            assert!(
                first[0] != second[0] && first[1] != second[1],
                "{name}: one digest"
            );
        }
        (End::One, Ok(second)) => assert_eq!(first, second, "{name}"),
        (_, other) => panic!("{name}: {other:?}"),
    }
}
