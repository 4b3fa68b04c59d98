//! Rules 3 and 4: the certificates. In the chain, 0 is the root, 1 the region, 2 the zone, 3 the
//! instance, and 4 the signing certificate.

use super::{Case, TIME, bad};
use letsesign_test_authority::{Algorithm, Certificate, Extension, Point, root};

/// When the document was made, in seconds since 1970.
const NOW: u64 = TIME / 1000;

pub(super) fn extension(id: u8, critical: bool) -> Extension {
    Extension {
        id,
        critical,
        value: vec![5, 0],
    }
}

pub(super) fn certificate(
    name: &'static str,
    kind: &'static str,
    note: &'static str,
    index: usize,
    change: impl FnOnce(&mut Certificate),
) -> Case {
    bad(name, 4, kind, note, |document| {
        change(&mut document.chain[index])
    })
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = roots();
    all.extend(validity_and_names());
    all.extend(super::extensions::cases());
    all.extend(keys_and_signatures());
    all
}

fn roots() -> Vec<Case> {
    vec![
        bad(
            "03-own-root",
            3,
            "root",
            "a sound chain to a root with the same name and another key",
            |d| {
                d.chain[0].key = 9;
                d.chain[0].signer = 9;
                d.chain[1].signer = 9;
            },
        ),
        bad(
            "03-renewed-root",
            3,
            "root",
            "the trusted root's key in another certificate",
            |d| d.chain[0].to -= 1,
        ),
        bad(
            "03-no-root",
            3,
            "root",
            "a bundle that starts below the root",
            |d| drop(d.chain.remove(0)),
        ),
        bad(
            "03-root-last",
            3,
            "root",
            "the trusted root, but not as the first",
            |d| {
                let mut own = root();
                own.key = 9;
                own.signer = 9;
                d.chain.insert(0, own);
            },
        ),
    ]
}

fn validity_and_names() -> Vec<Case> {
    vec![
        certificate(
            "04-expired-leaf",
            "certificate/validity",
            "it expired a second before",
            4,
            |c| c.to = NOW - 1,
        ),
        certificate(
            "04-early-leaf",
            "certificate/validity",
            "it is valid a second later",
            4,
            |c| c.from = NOW + 1,
        ),
        certificate(
            "04-expired-ca",
            "certificate/validity",
            "the zone expired a second before",
            2,
            |c| {
                c.to = NOW - 1;
            },
        ),
        certificate(
            "04-early-ca",
            "certificate/validity",
            "the region is valid a second later",
            1,
            |c| {
                c.from = NOW + 1;
            },
        ),
        certificate(
            "04-issuer",
            "certificate/issuer",
            "it names another issuer",
            4,
            |c| c.issuer.push('x'),
        ),
        certificate(
            "04-issuer-ca",
            "certificate/issuer",
            "the zone names another issuer",
            2,
            |c| {
                c.issuer.push('x');
            },
        ),
        bad(
            "04-order",
            4,
            "certificate/issuer",
            "region and zone in the wrong order",
            |d| d.chain.swap(1, 2),
        ),
        bad(
            "04-gap",
            4,
            "certificate/issuer",
            "no instance between zone and enclave",
            |d| {
                drop(d.chain.remove(3));
            },
        ),
        certificate(
            "04-version",
            "certificate/version",
            "version 1, with extensions",
            3,
            |c| c.version = 0,
        ),
        certificate(
            "04-trailing",
            "certificate/malformed",
            "a byte behind a certificate",
            4,
            |c| c.behind = vec![0],
        ),
        bad(
            "04-rubbish",
            4,
            "certificate/malformed",
            "no certificate at all",
            |d| {
                d.instead = vec![(
                    "certificate",
                    letsesign_test_authority::bytes(b"\x30\x82\xff\xff"),
                )];
            },
        ),
    ]
}

fn keys_and_signatures() -> Vec<Case> {
    vec![
        certificate(
            "04-signature",
            "certificate/signature",
            "signed with another key than its issuer's",
            4,
            |c| c.signer = 3,
        ),
        certificate(
            "04-signature-ca",
            "certificate/signature",
            "the region is signed with its own key",
            1,
            |c| c.signer = 2,
        ),
        certificate(
            "04-inner-algorithm",
            "certificate/algorithm",
            "ecdsa-with-SHA256 in the signed part",
            4,
            |c| {
                c.inner = Algorithm::Sha256;
            },
        ),
        certificate(
            "04-outer-algorithm",
            "certificate/algorithm",
            "ecdsa-with-SHA256 outside the signed part",
            4,
            |c| {
                c.outer = Algorithm::Sha256;
            },
        ),
        certificate(
            "04-curve",
            "certificate/key",
            "a key that is said to be of P-256",
            4,
            |c| c.point = Point::OtherCurve,
        ),
        certificate(
            "04-off-curve",
            "certificate/key",
            "a key that is no point of the curve",
            4,
            |c| c.point = Point::OffCurve,
        ),
        certificate(
            "04-compressed",
            "certificate/key",
            "a compressed point",
            4,
            |c| c.point = Point::Compressed,
        ),
    ]
}
