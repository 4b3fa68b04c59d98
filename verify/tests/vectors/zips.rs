//! Zips, each with one property that programs read differently.

use super::support::archive::{File, Zip};
use super::{Case, good_zip, zip};

#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn zips() -> Vec<Case> {
    let good = || good_zip("contract");
    let changed = |change: &dyn Fn(&mut Zip)| {
        let mut zip = good();
        change(&mut zip);
        zip
    };
    let another = || File::new("proof/contract.pdf", b"%PDF-1.7 another");
    let dots = || {
        let mut zip = good();
        zip.files[0].name = b"contract.pdf.".to_vec();
        zip
    };
    let unicode_path = || {
        let name = b"\x01\0\0\0\0evil.exe";
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        [&b"\x75\x70"[..], &length, name].concat()
    };
    let form = "not where it should be";
    let differ = "its directory and the header of a file differ";
    let extra = "an extra field that ours have not";
    let mut deflated = good();
    deflated.files = deflated.files.into_iter().map(File::deflated).collect();
    let mut longer = deflated.clone();
    longer.files[0].data.extend(b"more");
    let mut descriptor = good();
    descriptor.files[0].flags = 1 << 3;
    descriptor.files[0].behind = vec![0; 16];
    let mut cases = vec![
        zip("as it should be", &good(), ""),
        zip("packed", &deflated, ""),
        zip("the proof first", &changed(&|zip| zip.files.reverse()), ""),
        zip(
            "letters of other scripts",
            &good_zip("約 Zoë 👩\u{200d}👧"),
            "",
        ),
        zip(
            "times as Info-ZIP writes them",
            &changed(&|zip| zip.files[0].extra = b"UT\x05\0\x01\0\0\0\0".to_vec()),
            "",
        ),
        zip(
            "another document in a folder",
            &{
                let mut zip = dots();
                zip.files.push(another());
                zip
            },
            "it holds 3 files",
        ),
        zip(
            "a third file that is not announced",
            &changed(&|zip| {
                zip.files.push(another());
                zip.count = Some(2);
            }),
            form,
        ),
        zip(
            "a third file without a line",
            &changed(&|zip| {
                zip.files[1].behind = Zip {
                    files: vec![another()],
                    ..Zip::default()
                }
                .to_bytes();
            }),
            "bytes between its parts",
        ),
        zip(
            "one file",
            &changed(&|zip| drop(zip.files.pop())),
            "it holds 1 files",
        ),
        zip(
            "a dot behind the extension",
            &dots(),
            "NAME.pdf and NAME.spf of one NAME",
        ),
        zip(
            "two documents",
            &changed(&|zip| zip.files[1].name = b"contract.pdf".to_vec()),
            "of one NAME",
        ),
        zip(
            "two names",
            &changed(&|zip| zip.files[1].name = b"Contract.spf".to_vec()),
            "of one NAME",
        ),
        zip(
            "an extension in capitals",
            &changed(&|zip| zip.files[0].name = b"contract.PDF".to_vec()),
            "of one NAME",
        ),
        zip(
            "one name composed, one not",
            &{
                let mut zip = good_zip("Zoe\u{308}");
                zip.files[0].name = "Zo\u{eb}.pdf".into();
                zip
            },
            "of one NAME",
        ),
        zip(
            "another name before the file",
            &changed(&|zip| zip.files[0].header_name = Some(b"Contract.pdf".to_vec())),
            differ,
        ),
        zip(
            "another size before the file",
            &changed(&|zip| zip.files[0].header_size = Some(5)),
            differ,
        ),
        zip(
            "another name in an extra field",
            &changed(&|zip| zip.files[0].extra = unicode_path()),
            extra,
        ),
        zip(
            "another name in an extra field of the header",
            &changed(&|zip| zip.files[0].header_extra = unicode_path()),
            extra,
        ),
        zip(
            "a Zip64 extra field",
            &changed(&|zip| zip.files[0].extra = b"\x01\0\0\0".to_vec()),
            extra,
        ),
        zip(
            "a size that is elsewhere",
            &changed(&|zip| zip.files[0].size = u32::MAX),
            "Zip64",
        ),
        zip(
            "a data descriptor",
            &descriptor,
            "a flag that ours have not",
        ),
        zip(
            "something before it",
            &changed(&|zip| zip.before = b"#!/bin/sh\n".to_vec()),
            "zip",
        ),
        zip(
            "something between its parts",
            &changed(&|zip| zip.between = b"x".to_vec()),
            "bytes between its parts",
        ),
        zip(
            "something between its files",
            &changed(&|zip| zip.files[0].behind = b"x".to_vec()),
            "do not follow one another",
        ),
        zip(
            "something behind it",
            &changed(&|zip| zip.behind = b"x".to_vec()),
            "at its very end",
        ),
        zip(
            "a comment",
            &changed(&|zip| zip.comment = b"x".to_vec()),
            "at its very end",
        ),
        zip(
            "a zip in the comment",
            &changed(&|zip| zip.comment = good_zip("other").to_bytes()),
            form,
        ),
        zip(
            "a comment of a file",
            &changed(&|zip| zip.files[1].comment = b"x".to_vec()),
            "a file has a comment",
        ),
        zip(
            "overlapping files",
            &changed(&|zip| zip.files[1].place = Some(0)),
            "do not follow one another",
        ),
        zip(
            "a link",
            &changed(&|zip| zip.files[0].attributes = 0o120_777 << 16),
            "something else than files",
        ),
        zip(
            "a folder",
            &changed(&|zip| zip.files[0].attributes = 0x10),
            "something else than files",
        ),
        zip(
            "a name that does not say it is UTF-8",
            &{
                let mut zip = good_zip("約");
                zip.files[0].flags = 0;
                zip
            },
            "does not say that it is UTF-8",
        ),
        zip(
            "a name that is no UTF-8",
            &changed(&|zip| zip.files[0].name = b"contract\xff.pdf".to_vec()),
            "no UTF-8",
        ),
        zip(
            "packed another way",
            &changed(&|zip| zip.files[0].method = 12),
            "packed in a way",
        ),
        zip(
            "another CRC",
            &changed(&|zip| zip.files[0].crc ^= 1),
            "contract.pdf",
        ),
        zip(
            "another size",
            &changed(&|zip| zip.files[0].size += 1),
            "contract.pdf",
        ),
        zip("something behind what was packed", &longer, "contract.pdf"),
        zip(
            "encrypted without a way",
            &changed(&|zip| {
                zip.files[0].method = 99;
                zip.files[0].flags = 1;
            }),
            "packed in a way",
        ),
    ];
    for name in [
        "a/contract",
        "a\\contract",
        "a:b",
        "a\nb",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{7f}b",
        "\u{feff}a",
        "a*b",
        "a\u{2028}b",
    ] {
        cases.push(zip(
            &format!("name {name:?}"),
            &good_zip(name),
            "systems read differently",
        ));
    }
    for name in ["", ".", ".a", "a.", " a", "a ", "a\u{3000}", "../a"] {
        let says = if name.contains('/') {
            "systems read differently"
        } else {
            "a dot or a blank"
        };
        cases.push(zip(&format!("name {name:?}"), &good_zip(name), says));
    }
    for name in [
        "con",
        "Nul",
        "COM1",
        "lpt\u{b2}",
        "aux.b",
        "prn .b",
        "CONIN$",
    ] {
        cases.push(zip(
            &format!("name {name:?}"),
            &good_zip(name),
            "that of a device",
        ));
    }
    for name in ["con1", "com10", "a.con", "common", "COM", "prn-1"] {
        cases.push(zip(&format!("name {name:?}"), &good_zip(name), ""));
    }
    cases.push(zip(
        "a long name",
        &good_zip(&"x".repeat(252)),
        "more than 255 bytes",
    ));
    cases
}
