//! Every image that the crate writes, it reads back with the same contents. Input that is not an
//! image is refused without a panic.

#![cfg(test)]

mod support;

use eif::format::{Arch, SectionKind};
use eif::kernel::fake_bzimage;
use eif::{Build, HeaderFields, Metadata, Pcr, Ramdisks};
use proptest::prelude::*;
use support::{Parts, read};

/// PCR0, PCR1 and PCR2 by their definition, without any streaming.
fn pcrs_by_definition(kernel: &[u8], cmdline: &str, ramdisks: &[Vec<u8>]) -> [Pcr; 3] {
    let boot = [kernel, cmdline.as_bytes()].concat();
    let first = ramdisks.first().map_or(&[][..], Vec::as_slice);
    let rest = ramdisks[1..].concat();
    [
        Pcr::of(&[&boot, first, &rest].concat()),
        Pcr::of(&[&boot, first].concat()),
        Pcr::of(&rest),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn written_is_read(
        kernel_len in 1024_usize..4000,
        cmdline in "[ -~]{0,100}",
        // Around the size of a buffer, where streaming could go wrong, and small.
        sizes in proptest::collection::vec(prop_oneof![0_usize..50, 262_100_usize..262_200, 524_280_usize..524_300], 1..5),
        (name, version) in (".{0,20}", ".{0,20}"),
        (default_memory, default_cpus) in any::<(u64, u64)>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let contents: Vec<Vec<u8>> = sizes
            .iter()
            .enumerate()
            .map(|(i, size)| (0..*size).map(|j| u8::try_from((i * 31 + j * 7) % 256).unwrap()).collect())
            .collect();
        let kernel_bytes = fake_bzimage(kernel_len);
        let kernel = write("kernel", &kernel_bytes);
        let paths: Vec<_> = contents.iter().enumerate().map(|(i, bytes)| write(&format!("r{i}"), bytes)).collect();
        let mut build = Build::new(&kernel, &cmdline, Ramdisks::Files(&paths), Metadata::new(name, version));
        build.fields = HeaderFields { arch: Arch::X86_64, default_memory, default_cpus };
        let output = folder.path().join("out.eif");
        let built = build.write(&output).unwrap();
        let bytes = std::fs::read(&output).unwrap();
        let image = read(&bytes).unwrap();

        prop_assert_eq!([image.pcrs.pcr0, image.pcrs.pcr1, image.pcrs.pcr2], pcrs_by_definition(&kernel_bytes, &cmdline, &contents));
        prop_assert_eq!(&built.pcrs, &image.pcrs);
        prop_assert_eq!(built.size, bytes.len() as u64);
        prop_assert_eq!(&image.cmdline, &cmdline);
        prop_assert_eq!(&image.metadata, &build.metadata);
        prop_assert_eq!((image.layout.header.default_memory, image.layout.header.default_cpus), (default_memory, default_cpus));
        let parts = Parts::of(&bytes);
        let ramdisks: Vec<_> = parts
            .sections
            .iter()
            .filter(|(header, _)| header.kind == SectionKind::Ramdisk as u16)
            .map(|(_, bytes)| bytes.clone())
            .collect();
        prop_assert_eq!(ramdisks, contents);
    }

    #[test]
    fn anything_gets_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        prop_assert!(read(&bytes).is_err());
    }

    /// Several bytes changed at once, with the checksum made right: refused, or read as what it
    /// then is.
    #[test]
    fn bent_images_get_an_answer(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = support::vector("signed");
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&bytes[..544]);
        checksum.update(&bytes[548..]);
        bytes[544..548].copy_from_slice(&checksum.finalize().to_be_bytes());
        if let Ok(image) = read(&bytes) {
            prop_assert_eq!(&image.layout.header.to_bytes()[..], &bytes[..548]);
        }
    }
}
