//! Rule 4: the purpose of each certificate.

use super::chain::{certificate, extension};
use super::{Case, bad};
use letsesign_test_authority::{Constraints, Extension, root};

fn ca(critical: bool, ca: bool, path: Option<u8>) -> Option<Constraints> {
    Some(Constraints { critical, ca, path })
}

pub(super) fn cases() -> Vec<Case> {
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
