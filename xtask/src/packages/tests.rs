use super::list::{FORMAT, Package, Source};
use super::pins::{Pin, Pins};
use super::*;

/// A folder with one package of two files and its list.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("kernel")).unwrap();
    fs::write(folder.path().join("kernel/bzImage"), b"kernel").unwrap();
    fs::write(folder.path().join("font.otf"), b"font").unwrap();
    let file = |path: &str, role, image: Option<&str>| {
        let hashes = hash_file(&folder.path().join(path)).unwrap();
        PackageFile {
            path: path.to_owned(),
            role,
            size: hashes.size,
            sha256: hashes.sha256,
            image: image.map(str::to_owned),
        }
    };
    let list = List {
        schema: "packages.schema.json".into(),
        format: FORMAT,
        packages: vec![Package {
            name: "linux".into(),
            version: "6.12".into(),
            licence: "GPL-2.0-only".into(),
            purpose: "test".into(),
            source: Source {
                file: "linux.deb".into(),
                sha256: "0".repeat(64),
                url: format!("{}{}", pins::SNAPSHOT, "0".repeat(40)),
            },
            reproducer: "reproducers/kernel".into(),
            files: vec![
                file("kernel/bzImage", Role::Kernel, None),
                file("font.otf", Role::Font, Some("/letsesign/fonts/font.otf")),
            ],
        }],
    };
    list.save(folder.path()).unwrap();
    folder
}

/// Changes the text of the list.
fn doctor(folder: &Path, from: &str, to: &str) -> String {
    let path = folder.join("packages.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    format!("{:#}", Packages::load(folder).unwrap_err())
}

#[test]
fn kernel_and_image_files_are_found() {
    let folder = folder();
    let packages = Packages::load(folder.path()).unwrap();
    assert_eq!(
        packages.kernel().unwrap().path,
        folder.path().join("kernel/bzImage")
    );
    let files = packages.image_files();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].image, "/letsesign/fonts/font.otf");
    assert_eq!(packages.entries().count(), 1);
}

#[test]
fn a_changed_file_is_refused_with_the_way_out() {
    let folder = folder();
    fs::write(folder.path().join("kernel/bzImage"), b"kernal").unwrap();
    let error = format!("{:#}", Packages::load(folder.path()).unwrap_err());
    assert!(
        error.contains("kernel/bzImage") && error.contains("cargo xtask reproduce kernel"),
        "{error}"
    );
}

#[test]
fn a_file_of_no_package_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("kernel/blob"), b"?").unwrap();
    let error = format!("{:#}", Packages::load(folder.path()).unwrap_err());
    assert!(
        error.contains("kernel/blob belongs to no package"),
        "{error}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let folder = folder();
    fs::remove_file(folder.path().join("font.otf")).unwrap();
    let error = format!("{:#}", Packages::load(folder.path()).unwrap_err());
    assert!(
        error.contains("font.otf") && error.contains("linux"),
        "{error}"
    );
}

#[test]
fn malformed_lists_are_refused() {
    for (from, to, expected) in [
        ("\"format\": 1", "\"format\": 2", "format 2 is not 1"),
        ("\"kernel/bzImage\"", "\"../bzImage\"", "leaves the folder"),
        ("\"kernel/bzImage\"", "\"/etc/passwd\"", "leaves the folder"),
        ("\"kernel/bzImage\"", "\"font.otf\"", "listed twice"),
        (
            "\"/letsesign/fonts/font.otf\"",
            "\"letsesign\"",
            "is not a path of the image",
        ),
        (pins::SNAPSHOT, "https://example.com/", "permanent archive"),
        ("\"purpose\"", "\"porpoise\"", "unknown field `porpoise`"),
        (
            "\"role\": \"kernel\"",
            "\"role\": \"kernal\"",
            "unknown variant",
        ),
    ] {
        let error = doctor(folder().path(), from, to);
        assert!(error.contains(expected), "{from} to {to}: {error}");
    }
}

#[test]
fn two_kernels_or_none_are_an_error() {
    let folder = folder();
    let mut packages = Packages::load(folder.path()).unwrap();
    packages.list.packages[0].files[1].role = Role::Kernel;
    assert!(
        packages
            .kernel()
            .unwrap_err()
            .to_string()
            .contains("more than one")
    );
    packages.list.packages.clear();
    assert!(
        packages
            .kernel()
            .unwrap_err()
            .to_string()
            .contains("no file")
    );
}

#[test]
fn refresh_takes_sums_and_source() {
    let folder = folder();
    fs::write(folder.path().join("kernel/bzImage"), b"new kernel").unwrap();
    let mut list = List::load(folder.path()).unwrap();
    let pin = Pin {
        name: "linux".into(),
        version: "6.13".into(),
        file: "linux_6.13.deb".into(),
        size: 1,
        sha256: "1".repeat(64),
        sha1: "2".repeat(40),
    };
    list.refresh(folder.path(), "reproducers/kernel", &[pin])
        .unwrap();
    list.save(folder.path()).unwrap();
    let packages = Packages::load(folder.path()).unwrap();
    assert_eq!(packages.kernel().unwrap().size, 10);
    let package = packages.entries().next().unwrap();
    assert_eq!(package.version, "6.13");
    assert!(package.source.url.ends_with(&"2".repeat(40)));
    assert!(
        list.refresh(folder.path(), "reproducers/kernel", &[])
            .is_err()
    );
}

/// The list of this repository is whole: its files have their sums.
#[test]
fn the_repositorys_own_packages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let packages = Packages::load(&root.join("enclave/packages")).unwrap();
    let fonts = packages.image_files();
    for name in ["DancingScript-Regular.otf", "Inconsolata.otf", "ukai.ttc"] {
        assert!(
            fonts
                .iter()
                .any(|file| file.image == format!("/letsesign/fonts/{name}")),
            "{name}"
        );
    }
    for package in packages.entries() {
        let pins = Pins::load(&root.join(&package.reproducer).join("packages.json")).unwrap();
        let pin = pins
            .packages
            .iter()
            .find(|pin| pin.name == package.name)
            .unwrap();
        assert_eq!(
            (&pin.version, &pin.file, &pin.sha256, pin.url()),
            (
                &package.version,
                &package.source.file,
                &package.source.sha256,
                package.source.url.clone()
            )
        );
    }
}
