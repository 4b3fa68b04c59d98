use super::*;

fn enclave() -> EnclaveRecord {
    EnclaveRecord {
        cid: 20,
        release: 1,
        index: 0,
        handle: Some(Handle::Nitro { id: "i-1".into() }),
        addresses: [(9001, "127.0.0.1:1".into())].into(),
    }
}

#[test]
fn what_was_changed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("enclaves.json");
    let records = Records::open(path.clone()).unwrap();
    let change = |content: &mut Content| {
        content.active = Some(1);
        content.enclaves.insert("a".into(), enclave());
    };
    records.change(change).unwrap();
    assert_eq!(Records::open(path).unwrap().content(), records.content());
    assert_eq!(records.content().enclaves["a"], enclave());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_change_that_cannot_be_stored_did_not_happen() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path().join("gone/enclaves.json")).unwrap();
    let error = records
        .change(|content| content.active = Some(1))
        .unwrap_err();
    assert!(error.to_string().contains("gone/enclaves.json"), "{error}");
    assert_eq!(records.content().active, None);
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("enclaves.json");
    for (text, word) in [
        ("", "EOF"),
        (
            "{\"version\":2,\"active\":null,\"releases\":[],\"enclaves\":{}}",
            "version is 2",
        ),
        (
            "{\"version\":1,\"active\":null,\"releases\":[],\"enclaves\":{},\"more\":1}",
            "more",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let error = Records::open(path.clone()).unwrap_err().to_string();
        assert!(
            error.contains(word) && error.contains("enclaves.json"),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            text,
            "it stays as it was"
        );
    }
}
