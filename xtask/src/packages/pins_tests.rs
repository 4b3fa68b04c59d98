use super::super::hash::hash_file;
use super::*;

fn pin(file: &str, bytes: &[u8]) -> Pin {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, bytes).unwrap();
    let hashes = hash_file(&path).unwrap();
    Pin {
        name: "hello".into(),
        version: "1:2.0-1".into(),
        file: file.into(),
        size: hashes.size,
        sha256: hashes.sha256,
        sha1: hashes.sha1,
    }
}

fn pins(packages: Vec<Pin>) -> Pins {
    Pins {
        release: "bookworm".into(),
        packages,
    }
}

#[test]
fn a_list_survives_writing_and_reading() {
    let folder = tempfile::tempdir().unwrap();
    let list = pins(vec![pin("a.deb", b"a"), pin("b.deb", b"b")]);
    let path = folder.path().join("packages.json");
    fs::write(&path, list.to_json().unwrap()).unwrap();
    assert_eq!(Pins::load(&path).unwrap(), list);
}

#[test]
fn a_list_with_a_path_or_a_bad_hash_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packages.json");
    let mut bad = pin("../a.deb", b"a");
    fs::write(&path, pins(vec![bad.clone()]).to_json().unwrap()).unwrap();
    assert!(
        Pins::load(&path)
            .unwrap_err()
            .to_string()
            .contains("plain file name")
    );
    bad.file = "a.deb".into();
    bad.sha256.make_ascii_uppercase();
    fs::write(&path, pins(vec![bad]).to_json().unwrap()).unwrap();
    assert!(
        Pins::load(&path)
            .unwrap_err()
            .to_string()
            .contains("malformed hash")
    );
}
