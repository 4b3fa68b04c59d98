//! Rules 3 and 4: the certificates. 0 is the root, 1 region, 2 zone, 3 instance, 4 the one that signs.

use super::{Case, TIME, bad};
use letsesign_test_authority::{Algorithm, Certificate, Constraints, Extension, Point, root};

/// When the document is made, in seconds.
const NOW: u64 = TIME / 1000;

pub(super) fn extension(id: u8, critical: bool) -> Extension {
    Extension {
        id,
        critical,
        value: vec![5, 0],
    }
}

fn certificate(
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

fn ca(critical: bool, ca: bool, path: Option<u8>) -> Option<Constraints> {
    Some(Constraints { critical, ca, path })
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = roots();
    all.extend(validity_and_names());
    all.extend(extensions());
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

fn extensions() -> Vec<Case> {
    vec![
        certificate(
            "04-not-ca",
            "certificate/not-ca",
            "the instance is no CA",
            3,
            |c| c.constraints = ca(true, false, None),
        ),
        certificate(
            "04-no-constraints",
            "certificate/not-ca",
            "the instance has no basicConstraints",
            3,
            |c| {
                c.constraints = None;
            },
        ),
        certificate(
            "04-uncritical-constraints",
            "certificate/not-ca",
            "its basicConstraints are not critical",
            3,
            |c| {
                c.constraints = ca(false, true, Some(0));
            },
        ),
        certificate(
            "04-path-length",
            "certificate/path-length",
            "the zone allows nothing between",
            2,
            |c| {
                c.constraints = ca(true, true, Some(0));
            },
        ),
        bad(
            "04-path-length-added",
            4,
            "certificate/path-length",
            "an enclave that is made a CA below the instance",
            |d| {
                let mut leaf = d.chain[4].clone();
                d.chain[4].constraints = ca(true, true, None);
                d.chain[4].usage = Some(0x04);
                leaf.issuer.clone_from(&d.chain[4].subject);
                leaf.subject.push('x');
                (leaf.key, leaf.signer, d.signer) = (6, 5, 6);
                d.chain.push(leaf);
            },
        ),
        certificate(
            "04-no-cert-sign",
            "certificate/no-cert-sign",
            "the instance may only sign documents",
            3,
            |c| {
                c.usage = Some(0x80);
            },
        ),
        certificate(
            "04-no-usage-ca",
            "certificate/no-key-usage",
            "the instance has no keyUsage",
            3,
            |c| c.usage = None,
        ),
        certificate(
            "04-leaf-ca",
            "certificate/leaf-ca",
            "the signing certificate is a CA",
            4,
            |c| {
                c.constraints = ca(true, true, None);
            },
        ),
        certificate(
            "04-leaf-cert-sign",
            "certificate/leaf-ca",
            "the signing certificate may issue",
            4,
            |c| {
                c.usage = Some(0x84);
            },
        ),
        bad(
            "04-leaf-is-instance",
            4,
            "certificate/leaf-ca",
            "a document that the instance's CA signed",
            |d| {
                d.chain.pop();
                d.signer = 4;
            },
        ),
        bad(
            "04-leaf-is-root",
            4,
            "certificate/leaf-ca",
            "the root twice, signing itself",
            |d| {
                d.chain = vec![root(), root()];
                d.signer = 1;
            },
        ),
        certificate(
            "04-no-digital-signature",
            "certificate/no-digital-signature",
            "keyUsage nonRepudiation alone",
            4,
            |c| {
                c.usage = Some(0x40);
            },
        ),
        certificate(
            "04-no-usage",
            "certificate/no-key-usage",
            "the signing certificate has no keyUsage",
            4,
            |c| {
                c.usage = None;
            },
        ),
        certificate(
            "04-critical",
            "certificate/critical-extension",
            "an unknown critical extension",
            3,
            |c| {
                c.more = vec![extension(99, true)];
            },
        ),
        certificate(
            "04-name-constraints",
            "certificate/critical-extension",
            "critical nameConstraints, which nobody here reads",
            1,
            |c| {
                c.more = vec![extension(30, true)];
            },
        ),
        certificate(
            "04-duplicate-extension",
            "certificate/duplicate-extension",
            "basicConstraints twice",
            3,
            |c| {
                let value = vec![0x30, 0];
                c.more = vec![Extension {
                    id: 19,
                    critical: true,
                    value,
                }];
            },
        ),
        certificate(
            "04-malformed-usage",
            "certificate/malformed-extension",
            "a keyUsage that is no bit string",
            4,
            |c| {
                c.usage = None;
                c.more = vec![extension(15, false)];
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
