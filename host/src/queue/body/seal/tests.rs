use super::{CHUNK, HEADER, Opener, Sealer, TAG};
use crate::queue::body::keys::{KeyFile, Keys, MasterKey};
use crate::queue::error::Error;
use crate::queue::store::Kind;
use crate::queue::types::JobId;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use zeroize::Zeroizing;

struct Fixed(u8);

impl MasterKey for Fixed {
    fn load(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        Ok(Zeroizing::new([self.0; 32]))
    }
}

fn keys(of: &[u8]) -> Keys {
    let sources: Vec<Arc<dyn MasterKey>> = of
        .iter()
        .map(|byte| Arc::new(Fixed(*byte)) as Arc<dyn MasterKey>)
        .collect();
    Keys::load(&sources).unwrap()
}

fn seal(keys: &Keys, job: &JobId, plain: &[u8], piece: usize) -> Vec<u8> {
    let mut sealer = Sealer::new(keys, job, Kind::Payload).unwrap();
    let mut sealed = Vec::new();
    for piece in plain.chunks(piece) {
        sealer.push(piece);
        sealed.extend(sealer.take());
    }
    sealed.extend(sealer.finish());
    sealed
}

fn open(
    keys: &Keys,
    job: &JobId,
    kind: Kind,
    sealed: &[u8],
    piece: usize,
) -> Result<Vec<u8>, Error> {
    let mut opener = Opener::new(keys.clone(), job.clone(), kind);
    let mut plain = Vec::new();
    for piece in sealed.chunks(piece) {
        plain.extend(opener.push(piece)?);
    }
    plain.extend(opener.finish()?);
    Ok(plain)
}

#[test]
fn bodies_of_every_size_come_back() {
    let (keys, job) = (keys(&[1]), JobId::new());
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 17] {
        let plain: Vec<u8> = (0..size)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        let sealed = seal(&keys, &job, &plain, 70_000);
        for piece in [8191, CHUNK + TAG, 8 * CHUNK] {
            assert!(
                open(&keys, &job, Kind::Payload, &sealed, piece).unwrap() == plain,
                "{size}"
            );
        }
    }
}

#[test]
fn changed_bodies_do_not_open() {
    let (keys, job) = (keys(&[1]), JobId::new());
    let plain = vec![7u8; 2 * CHUNK + 100];
    let sealed = seal(&keys, &job, &plain, CHUNK);
    let refused = |bytes: &[u8]| {
        let opened = open(&keys, &job, Kind::Payload, bytes, 50_000);
        assert!(
            matches!(opened, Err(Error::Damaged { .. } | Error::KeyMissing(_))),
            "{opened:?}"
        );
    };
    // Cut: in the header, at the end of a chunk, one byte short.
    for length in [
        0,
        20,
        HEADER,
        HEADER + CHUNK + TAG,
        HEADER + 2 * (CHUNK + TAG),
    ] {
        refused(&sealed[..length]);
    }
    refused(&sealed[..sealed.len() - 1]);
    // Each part of the header, a chunk, the last tag.
    for at in [
        0,
        4,
        5,
        13,
        HEADER,
        HEADER + CHUNK + TAG + 5,
        sealed.len() - 1,
    ] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        refused(&changed);
    }
    // Two chunks in the other order, one left out, one twice, something added.
    let chunk = |at: usize| &sealed[HEADER + at * (CHUNK + TAG)..][..CHUNK + TAG];
    let last = &sealed[HEADER + 2 * (CHUNK + TAG)..];
    refused(&[&sealed[..HEADER], chunk(1), chunk(0), last].concat());
    refused(&[&sealed[..HEADER], chunk(0), last].concat());
    refused(&[&sealed[..HEADER], chunk(0), chunk(0), chunk(1), last].concat());
    refused(&[&sealed[..], &[0]].concat());
    // To another job, or as the other kind.
    assert!(open(&keys, &JobId::new(), Kind::Payload, &sealed, CHUNK).is_err());
    assert!(open(&keys, &job, Kind::Result, &sealed, CHUNK).is_err());
}

#[test]
fn keys_rotate() {
    let job = JobId::new();
    let old = seal(&keys(&[1]), &job, b"old", 10);
    let both = keys(&[2, 1]);
    assert_eq!(open(&both, &job, Kind::Payload, &old, 10).unwrap(), b"old");
    let new = seal(&both, &job, b"new", 10);
    assert_eq!(
        open(&keys(&[2]), &job, Kind::Payload, &new, 10).unwrap(),
        b"new"
    );
    assert!(matches!(
        open(&keys(&[2]), &job, Kind::Payload, &old, 10),
        Err(Error::KeyMissing(_))
    ));
}

#[test]
fn key_files_are_for_us_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let file = KeyFile::create(&path).unwrap();
    assert_eq!(file.load().unwrap(), file.load().unwrap());
    assert!(
        KeyFile::create(&path).is_err(),
        "an existing key was overwritten"
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = file.load().unwrap_err().to_string();
    assert!(
        error.contains("mode 0640") && error.contains("chmod 0400"),
        "{error}"
    );
    let short = folder.path().join("short");
    std::fs::write(&short, [1; 31]).unwrap();
    std::fs::set_permissions(&short, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(
        KeyFile(short)
            .load()
            .unwrap_err()
            .to_string()
            .contains("32 random bytes")
    );
    assert!(KeyFile(folder.path().join("none")).load().is_err());
}
