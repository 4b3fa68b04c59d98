//! References as people type them.
#![allow(missing_docs, clippy::unwrap_used)]

use canoni::{Reference, RegistryName};
use proptest::prelude::*;
use std::ffi::OsStr;
use std::path::Path;

fn parse(text: &str) -> Result<Reference, String> {
    Reference::parse_with(OsStr::new(text), &|_| false).map_err(|error| error.to_string())
}

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn every_transport() {
    let some = |text: &str| Some(text.to_owned());
    let name = |text: &str| Reference::Registry(RegistryName::parse(text).unwrap());
    for (text, expected) in [
        ("-", Reference::Standard),
        ("app.tar", Reference::Name("app.tar".into())),
        ("./app.tar", Reference::Path("./app.tar".into())),
        ("/x:y", Reference::Path("/x:y".into())),
        ("app:1", Reference::Name("app:1".into())),
        ("docker:24", Reference::Name("docker:24".into())),
        ("docker://alpine", name("docker.io/library/alpine:latest")),
        ("oci:d", Reference::OciDir("d".into(), None)),
        (
            "oci:/a/d:1.0",
            Reference::OciDir("/a/d".into(), some("1.0")),
        ),
        ("oci:d:", Reference::OciDir("d".into(), None)),
        (
            "oci-archive:f.tar:app:1",
            Reference::OciArchive("f.tar".into(), some("app:1")),
        ),
        (
            "docker-archive:f.tar:host:5000/app:1",
            Reference::DockerArchive("f.tar".into(), some("host:5000/app:1")),
        ),
        ("dir:/a:b", Reference::Dir("/a:b".into())),
        (
            "docker-daemon:oci:1",
            Reference::DockerDaemon("oci:1".into()),
        ),
        (
            "containers-storage:localhost/app:1",
            Reference::ContainersStorage("localhost/app:1".into()),
        ),
    ] {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn what_exists_is_a_path() {
    for text in ["oci:d:1", "docker://alpine", "app:1", "dir:x"] {
        let found = Reference::parse_with(OsStr::new(text), &|path| path == Path::new(text));
        assert_eq!(found.unwrap(), Reference::Path(text.into()));
    }
    // A folder whose name has a colon, behind a transport.
    let found = Reference::parse_with(OsStr::new("oci:a:b"), &|path| path == Path::new("a:b"));
    assert_eq!(found.unwrap(), Reference::OciDir("a:b".into(), None));
}

#[test]
fn bad_references_say_what_to_write() {
    let long = format!("docker://{}", "a".repeat(256));
    for (text, words) in [
        ("", "empty"),
        ("oci:", "lacks the file or folder"),
        ("oci::1", "lacks the file or folder"),
        ("oci:d:@0", "by name here"),
        ("oci:d:a b", "blanks"),
        ("dir:", "lacks the folder"),
        ("docker-archive:f:App", "is not an image name"),
        ("docker-daemon:-x", "is not a name of the daemon's"),
        ("docker-daemon:", "is not a name of the daemon's"),
        (
            "containers-storage:--root=/x",
            "is not a name in containers' storage",
        ),
        ("docker://", "lacks the name"),
        ("docker://host.example/", "lacks the name"),
        ("docker://App", "is not a name of an image"),
        ("docker://a@sha256:1", "64 lower-case digits"),
        ("docker://a@sha512:1", "64 lower-case digits"),
        ("docker://a:-1", "is not a tag"),
        ("docker://h:99999/a", "is not a host and port"),
        (
            "docker://user:secret@host.example/a",
            "64 lower-case digits",
        ),
        ("docker://[::1/a", "is not a host and port"),
        ("docker://../a", "is not a host and port"),
        ("docker://h.example/a//b", "is not a name of an image"),
        ("docker://h.example/a/../b", "is not a name of an image"),
        ("docker:/x", "write docker://"),
        ("tarball:/x", "podman import"),
        (&long, "more than 255 bytes"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn docker_names_in_full() {
    let digest = format!("sha256:{HEX}");
    for (text, full) in [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3", "docker.io/library/alpine:3"),
        ("me/app", "docker.io/me/app:latest"),
        ("index.docker.io/me/app", "docker.io/me/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b:1"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        ("Host/a", "Host/a:latest"),
        ("ghcr.io/a/b__c-d.e", "ghcr.io/a/b__c-d.e:latest"),
    ] {
        assert_eq!(
            RegistryName::parse(text).unwrap().to_string(),
            full,
            "{text}"
        );
    }
    let name = RegistryName::parse(&format!("app@{digest}")).unwrap();
    assert_eq!((name.tag(), name.digest()), (None, Some(&*digest)));
    assert_eq!(name.tagged(), None);
    let both = RegistryName::parse(&format!("app:1@{digest}")).unwrap();
    assert_eq!(
        both.to_string(),
        format!("docker.io/library/app:1@{digest}")
    );
    assert_eq!(both.tagged().unwrap(), "docker.io/library/app:1");
}

proptest! {
    /// Every text gives a reference or an error of one line, and what is shown means the same.
    #[test]
    fn shown_references_mean_the_same(text in prop_oneof![
        any::<String>(),
        "(docker://|oci:|oci-archive:|docker-archive:|dir:|docker-daemon:|containers-storage:|)\
         [a-zA-Z0-9.:/@_\\[\\]-]{0,40}",
        "docker://([a-z0-9.-]{1,9}(:[0-9]{1,6})?/)?[a-z0-9._/-]{1,20}(:[a-z0-9.]{1,9})?",
    ]) {
        match parse(&text) {
            Ok(found) => {
                // A path is shown escaped; control characters make it another one.
                if !text.chars().any(char::is_control) {
                    prop_assert_eq!(parse(&found.to_string()), Ok(found.clone()));
                }
                if let Reference::Registry(name) = &found {
                    prop_assert!(!name.repository().split('/').any(|part| part.starts_with('.')));
                    prop_assert!(name.tag().is_some() || name.digest().is_some());
                }
            }
            Err(error) => prop_assert_eq!(error.lines().count(), 1),
        }
    }

    /// A path that exists is never taken for anything else.
    #[test]
    fn existing_paths_stay_paths(text in "[a-z:/@.-]{1,30}") {
        prop_assume!(text != "-");
        let found = Reference::parse_with(OsStr::new(&text), &|_| true);
        prop_assert_eq!(found, Ok(Reference::Path(text.into())));
    }
}
