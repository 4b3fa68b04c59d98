//! Arbitrary bytes as an image archive. One pass makes every accepted archive canonical.
#![no_main]

use canoni::{Archive, Canonical, CanonicalOptions, Format, Limits, Selector};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    archive_bytes: 1 << 20,
    content_bytes: 1 << 20,
    entries: 1000,
    name_bytes: 1 << 20,
    json_bytes: 1 << 16,
    header_bytes: 1 << 16,
    layers: 10,
};

fuzz_target!(|data: &[u8]| {
    let Ok(archive) = Archive::from_reader(data, "input", &LIMITS) else { return };
    let Ok(image) = archive.image(&Selector::default()) else { return };
    for flatten in [false, true] {
        let options = CanonicalOptions { flatten, ..CanonicalOptions::default() };
        let Ok(once) = Canonical::from_image(&image, &options) else { continue };
        let mut bytes = Vec::new();
        once.write_tar(&mut bytes, Format::DockerArchive, "output").unwrap();
        let archive = Archive::from_reader(&bytes[..], "output", &Limits::default()).unwrap();
        let twice = Canonical::from_image(&archive.image(&Selector::default()).unwrap(), &options).unwrap();
        assert_eq!(once.digest(), twice.digest());
    }
});
