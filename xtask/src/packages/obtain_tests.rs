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
fn files_are_found_by_content_and_not_by_name() {
    let (given, folder, cache) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    fs::write(given.path().join("hello_1%3a2.0-1_all.deb"), b"content").unwrap();
    fs::write(given.path().join("other"), b"another").unwrap();
    let list = pins(vec![pin("hello_2.0-1_all.deb", b"content")]);
    list.obtain(folder.path(), cache.path(), Some(given.path()))
        .unwrap();
    assert_eq!(
        fs::read(folder.path().join("hello_2.0-1_all.deb")).unwrap(),
        b"content"
    );
    assert_eq!(files(folder.path()).unwrap().len(), 1);
}

#[test]
fn a_file_of_other_bytes_is_refused_by_name() {
    let (given, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(given.path().join("hello_2.0-1_all.deb"), b"c0ntent").unwrap();
    let list = pins(vec![pin("hello_2.0-1_all.deb", b"content")]);
    let error = list
        .obtain(folder.path(), folder.path(), Some(given.path()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("hello_2.0-1_all.deb"), "{error}");
    assert!(
        error.contains("https://snapshot.debian.org/file/"),
        "{error}"
    );
    assert!(files(folder.path()).unwrap().is_empty());
}

#[test]
fn a_damaged_file_in_the_cache_is_replaced() {
    let (given, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(given.path().join("a.deb"), b"content").unwrap();
    fs::write(folder.path().join("a.deb"), b"contenX").unwrap();
    let list = pins(vec![pin("a.deb", b"content")]);
    list.obtain(folder.path(), folder.path(), Some(given.path()))
        .unwrap();
    assert_eq!(fs::read(folder.path().join("a.deb")).unwrap(), b"content");
}

#[test]
fn a_pool_name_lacks_the_epoch() {
    assert_eq!(
        pool_name(Path::new("/x/libgmp10_2%3a6.2.1+dfsg1-1.1_amd64.deb")).unwrap(),
        "libgmp10_6.2.1+dfsg1-1.1_amd64.deb"
    );
    assert_eq!(
        pool_name(Path::new("bc_1.07.1-3+b1_amd64.deb")).unwrap(),
        "bc_1.07.1-3+b1_amd64.deb"
    );
}

/// A server without end: the disk must not be filled before the hash is compared.
#[test]
fn a_download_without_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.deb.partial");
    let error = write_at_most(std::io::repeat(7), 1000, &file).unwrap_err();
    assert!(
        error.to_string().contains("more than the 1000 bytes"),
        "{error}"
    );
    assert!(!file.exists());
    write_at_most(&[7; 1000][..], 1000, &file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().len(), 1000);
}
