use super::image::Surroundings;
use super::scan::{Open, Page, Stop, Uneven, check, rewrite};

/// Resources that contain every name.
struct Everything;

impl Surroundings for Everything {
    fn components(&mut self, name: &[u8]) -> Option<usize> {
        (name == b"Three").then_some(3)
    }

    fn take(&mut self, _: usize) -> bool {
        true
    }
}

impl Page for Everything {
    fn spend(&mut self, _: usize) -> bool {
        true
    }

    fn has(&mut self, _: &[u8], name: &[u8]) -> bool {
        name != b"None"
    }
}

fn read(content: &[u8]) -> Result<Open, Uneven> {
    check(content, &[], &mut Everything).unwrap()
}

fn again(content: &[u8]) -> String {
    let (out, _) = rewrite(content, &mut Everything).unwrap();
    assert!(read(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
    String::from_utf8(out).unwrap()
}

/// Unmatched `q`, unmatched `Q`, open text, open marked content.
fn counts(content: &[u8]) -> (usize, usize, bool, usize) {
    let open = read(content).unwrap();
    (
        open.states,
        open.missing,
        open.text,
        open.marked + open.marked_in_text,
    )
}

#[test]
fn open_operators_are_counted() {
    for (content, expected) in [
        (&b"q 1 0 0 1 0 0 cm Q"[..], (0, 0, false, 0)),
        (b"q q Q", (1, 0, false, 0)),
        (b"Q q Q Q", (0, 2, false, 0)),
        (b"BT (q q \\) (Q) ) Tj /gs gs % q q\n", (0, 0, true, 0)),
        (b"[(q)]TJ<71>Tj q", (1, 0, false, 0)),
        (b"/OC /L BDC BT /A BMC ET", (0, 0, false, 2)),
        (b"/A BMC EMC EMC q", (1, 0, false, 0)),
        (
            b"BT/A BMC/B <</C[1 0 R<</D(x)>>]>> BDC EMC",
            (0, 0, true, 1),
        ),
        // An end of line, a name and a number as separators in place of a space.
        (b"q%Q\rq/Q gs[]0 d", (2, 0, false, 0)),
    ] {
        assert_eq!(
            counts(content),
            expected,
            "{}",
            String::from_utf8_lossy(content)
        );
    }
}

#[test]
fn content_that_readers_read_differently_is_uneven() {
    for content in [
        &b"q ["[..],
        b"q (never closed",
        b"q (\\",
        b"<41 ET",
        b"[(a) Q q",
        b"[(a) 1 Q",
        b"<</A 1 Q",
        b"/A <</B BDC",
        b"0 cm",
        b"(x) 1 Tf Tj 1",
        b"1 0 0 1 0 0",
        b"1 0 0 1 0 0cm",
        b"BI /W 1 /H 1 /BPC 8 /CS /G ID x",
        b"BI /W 3 /H 1 /BPC 8 /CS /G ID x EI Q",
        b"BI /F /Fl /W 1 /H 1 ID nonsense EI",
        b"BI /W foo ID EI",
    ] {
        assert!(
            read(content).is_err(),
            "{}",
            String::from_utf8_lossy(content)
        );
        again(content);
    }
    let noise = b"what ".repeat(17);
    assert!(read(&noise).is_err());
    assert!(read(&b"/None Do ".repeat(17)).is_err());
    assert!(read(&b"/Some Do ".repeat(1000)).is_ok());
    assert_eq!(again(&noise), "");
}

#[test]
fn tokens_in_two_streams_are_uneven() {
    for (content, joint, even) in [
        (&b"1 0 0\n1 0 0 cm"[..], 5, true),
        (b"[(a)\n(b)] TJ", 4, true),
        (b"(a\nb) Tj", 2, false),
        (b"<41\n42> Tj", 3, false),
        (b"BI /W 9 /H 1 /IM true ID a\nb EI", 26, false),
    ] {
        let checked = check(content, &[joint], &mut Everything).unwrap();
        assert_eq!(
            checked.is_ok(),
            even,
            "{}",
            String::from_utf8_lossy(content)
        );
    }
}

#[test]
fn readable_content_is_rewritten() {
    for (content, written) in [
        (&b"q 1 g Q\n[ (a) 1"[..], "q\n1 g\nQ\n"),
        (b"1 g (never closed", "1 g\n"),
        (b"q 0 cm Q", "q\nQ\n"),
        (b"Q Q ET EMC 1 g", "1 g\n"),
        (b"BT BT /F 9 Tf [(a) ET 1 g", "BT\n/F 9 Tf\n"),
        (b"1 g [(a) Q (b)] TJ 2 g", "1 g\n2 g\n"),
        (b"1 g <41 Tj 42> Tj 2 g", "1 g\n2 g\n"),
        (b"BI /W 1 EI 1 g", "1 g\n"),
        (b"1 0 0 1 0 0cm", "1 0 0 1 0 0 cm\n"),
        (b"9 9 1 g what (x) w /None Do 1 1 1 rg (", "1 g\n1 1 1 rg\n"),
        (
            b"BI /W 5 /H 1 /BPC 8 /CS /G ID xyz EI 1 g",
            "BI /W 5 /H 1 /BPC 8 /CS /G ID xyz\0\0\nEI\n1 g\n",
        ),
        (b"BI /F /Fl /W 1 /H 1 ID nonsense EI 1 g", "\n1 g\n"),
        (b"BI /W 1 /H 1 /BPC 8 /CS /G ID x", "\n"),
    ] {
        assert_eq!(again(content), written);
    }
}

#[test]
fn the_data_of_images_are_measured() {
    // ` EI Q ` within the data: twelve bytes of grey, of three components, of bits.
    for dict in [
        "/W 12 /H 1 /BPC 8 /CS /G",
        "/W 4 /H 1 /BPC 8 /CS /RGB",
        "/W 2 /H 2 /BPC 8 /CS /Three",
        "/Width 90 /Height 1 /ImageMask true",
        "/W 12 /H 1 /BPC 8 /CS [/I /RGB 1 <000000ffffff>]",
    ] {
        let content = format!("q BI {dict} ID abc EI Q def EI Q");
        assert_eq!(counts(content.as_bytes()), (0, 0, false, 0), "{dict}");
    }
    let fax = "BI /W 8 /H 8 /F /CCF ID";
    let one = format!("q {fax} abcd EI Q");
    assert_eq!(counts(one.as_bytes()), (0, 0, false, 0));
    assert_eq!(counts(format!("{one} {one}").as_bytes()), (0, 0, false, 0));
    let unclear = format!("q {fax} ab EI Q cd EI Q");
    assert_eq!(
        check(unclear.as_bytes(), &[], &mut Everything),
        Err(Stop::Image)
    );
}

#[test]
fn deep_and_long_content_ends() {
    for content in [
        b"[".repeat(1_000_000),
        b"<<".repeat(1_000_000),
        b"(".repeat(1_000_000),
        b"[Q".repeat(500_000),
        b"<q".repeat(500_000),
        b"BI ID ".repeat(200_000),
        b"BI /F/A85 ID x EI ".repeat(5_000),
    ] {
        assert!(read(&content).is_err());
        again(&content);
    }
}
