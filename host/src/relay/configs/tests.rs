use super::*;
use eif::{Build, Metadata, Ramdisks};
use letsesign_tests::newc::{FILE, entry, trailer};
use std::path::PathBuf;
use tempfile::TempDir;

const EGRESS: &str = include_str!("../../../../enclave/configs/egress.toml");

/// An image whose second ramdisk has this configuration.
fn image(egress: &[u8], more: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let kernel = "../enclave/eif/tests/vectors/inputs/bzImage";
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join(kernel);
    let config = |name: &str, bytes: &[u8]| {
        entry(
            1,
            FILE,
            1,
            &format!("rootfs/letsesign/configs/{name}"),
            bytes,
        )
    };
    let more = more.iter().map(|name| config(name, name.as_bytes()));
    let second = [
        config("egress.toml", egress),
        more.collect::<Vec<_>>().concat(),
        trailer(),
    ];
    let paths = [folder.path().join("1"), folder.path().join("2")];
    std::fs::write(
        &paths[0],
        [entry(1, FILE, 1, "init", b"i"), trailer()].concat(),
    )
    .unwrap();
    std::fs::write(&paths[1], second.concat()).unwrap();
    let image = folder.path().join("image.eif");
    Build::new(
        &kernel,
        "quiet",
        Ramdisks::Files(&paths),
        Metadata::new("a", "1"),
    )
    .write(&image)
    .unwrap();
    (folder, image)
}

fn measurements(image: &Path) -> Measurements {
    let (_, image) = eif::Image::open(image, Arc::new(Silent)).unwrap();
    Measurements::new(image.pcrs.pcr0, image.pcrs.pcr1, image.pcrs.pcr2).unwrap()
}

const BOTH: [&str; 2] = ["compatible.toml", "limits.toml"];

#[test]
fn the_configuration_of_an_accepted_image_is_read() {
    let (_folder, path) = image(EGRESS.as_bytes(), &BOTH);
    let (_other_folder, other) = image(b"", &BOTH);
    let accepted = [measurements(&other), measurements(&path)];
    let configs = Configs::from_eif(&path, &accepted).unwrap();
    assert_eq!(configs.measurements, accepted[1]);
    assert_eq!(configs.egress, Egress::parse(EGRESS).unwrap());
    assert_eq!(
        (configs.compatible.as_str(), configs.limits.as_str()),
        (BOTH[0], BOTH[1])
    );
    assert_eq!(Egress::from_eif(&path, &accepted).unwrap(), configs.egress);
}

#[test]
fn an_image_that_is_not_accepted_is_refused_with_the_way_out() {
    let (_folder, path) = image(EGRESS.as_bytes(), &BOTH);
    let (_other_folder, other) = image(b"", &BOTH);
    for accepted in [vec![], vec![measurements(&other)]] {
        let error = Configs::from_eif(&path, &accepted).unwrap_err();
        assert!(matches!(error, ConfigsError::NotAccepted { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(&measurements(&path).pcr0().to_string()),
            "{text}"
        );
    }
    // One register of another image is another image.
    let (ours, theirs) = (measurements(&path), measurements(&other));
    let mixed = Measurements::new(ours.pcr0(), ours.pcr1(), theirs.pcr2()).unwrap();
    assert!(Configs::from_eif(&path, &[mixed]).is_err());
}

#[test]
fn faults_of_the_configuration_are_named() {
    let missing: [&str; 1] = ["limits.toml"];
    for (egress, more, reason) in [
        (
            EGRESS.as_bytes(),
            &missing[..],
            "compatible.toml is not in the image",
        ),
        (b"cid = 3", &BOTH[..], "missing field `job-api`"),
        (b"\xff", &BOTH[..], "egress.toml in the image is not UTF-8"),
        (
            "#".repeat(300 << 10).as_bytes(),
            &BOTH[..],
            "at most 262144 bytes",
        ),
    ] {
        let (_folder, path) = image(egress, more);
        let error = Configs::from_eif(&path, &[measurements(&path)]).unwrap_err();
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
}

#[test]
fn what_is_not_an_image_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.eif");
    assert!(
        Configs::from_eif(&path, &[])
            .unwrap_err()
            .to_string()
            .contains("cannot open")
    );
    std::fs::write(&path, "no image").unwrap();
    let error = Configs::from_eif(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("not a valid enclave image"), "{error}");
}
