//! Each kind of hole in isolation.

use super::*;

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_kind_of_hole_is_found() {
    let zeros = "0".repeat(96);
    let mut mixed_deny = allow("kms:Decrypt", "*");
    mixed_deny["Effect"] = json!("Deny");
    mixed_deny["Condition"] = json!({ "StringNotEquals": {
        PCR0: pcr("a", 0), "kms:RecipientAttestation:PCR1": pcr("a", 1), "kms:RecipientAttestation:PCR2": pcr("a", 2) } });
    let mut some_deny = mixed_deny.clone();
    some_deny["Condition"] = json!({ "StringNotEquals": { PCR0: pcr("a", 0) } });
    let mut other_deny = some_deny.clone();
    other_deny["Principal"] = json!({ "AWS": ADMIN });
    for (statements, text) in [
        (json!([allow("kms:Decrypt", ADMIN)]), "PCR0, PCR1, PCR2"),
        (with("Condition", json!({})), "PCR0, PCR1, PCR2"),
        (
            with(
                "Condition",
                json!({ "StringEqualsIgnoreCase": { PCR0: pcr("a", 0) } }),
            ),
            "condition on PCR1, PCR2",
        ),
        (
            with(
                "Condition",
                json!({ "StringEquals": { "aws:SourceVpc": "vpc-1" } }),
            ),
            "PCR0, PCR1, PCR2",
        ),
        (with("Principal", json!("*")), "everybody"),
        (
            with("Principal", json!({ "AWS": [ADMIN, "*"] })),
            "everybody",
        ),
        (
            with_condition("StringEqualsIfExists", PCR0, &pcr("a", 0)),
            "without an attestation document",
        ),
        (
            with_condition("StringEqualsIgnoreCaseIfExists", PCR0, &pcr("a", 0)),
            "without an attestation document",
        ),
        (
            with_condition("ForAllValues:StringEquals", PCR0, &pcr("a", 0)),
            "without an attestation document",
        ),
        (with_condition("StringLike", PCR0, "0a*"), "wildcards"),
        (
            with_condition("StringNotEquals", PCR0, &pcr("b", 0)),
            "does not demand",
        ),
        (with_condition("Null", PCR0, "false"), "does not demand"),
        (with_condition("StringEquals", PCR0, &zeros), "debug mode"),
        (
            with_condition("StringEquals", PCR0, &pcr("f", 0)),
            "no known release",
        ),
        (
            with_condition("StringEquals", PCR0, &pcr("d", 0)),
            "revoked",
        ),
        (with_condition("StringEquals", PCR0, "abc"), "not 96"),
        (
            with_condition("StringEquals", PCR0, &pcr("a", 1)),
            "no known release",
        ),
        (also(allow("kms:*", ROOT)), "kms:Decrypt, kms:ReEncryptFrom"),
        (also(allow("*", ADMIN)), "kms:PutKeyPolicy"),
        (also(allow("KMS:de*", ADMIN)), "kms:Decrypt"),
        (also(allow("kms:Decryp?", ADMIN)), "kms:Decrypt"),
        (also(allow("kms:ReEncrypt*", ADMIN)), "kms:ReEncryptFrom"),
        (
            also(allow("kms:GenerateDataKey*", ADMIN)),
            "kms:GenerateDataKey",
        ),
        (
            also(allow("kms:DeriveSharedSecret", ADMIN)),
            "kms:DeriveSharedSecret",
        ),
        (also(allow("kms:PutKeyPolicy", ROOT)), "replace this policy"),
        (also(allow("kms:CreateGrant", ADMIN)), "grant"),
        (also(allow("kms:Replicate*", ADMIN)), "replicate"),
        (also(allow("kms:ImportKeyMaterial", ADMIN)), "import"),
        (
            also(
                json!({ "Effect": "Allow", "NotPrincipal": { "AWS": ADMIN }, "Action": "kms:DescribeKey", "Resource": "*" }),
            ),
            "NotPrincipal",
        ),
        (
            also(
                json!({ "Effect": "Allow", "Principal": { "AWS": ADMIN }, "NotAction": "kms:Encrypt", "Resource": "*" }),
            ),
            "kms:Decrypt",
        ),
        (
            json!([allow("kms:Decrypt", ADMIN), mixed_deny]),
            "PCR0, PCR1, PCR2",
        ),
        (
            json!([allow("kms:Decrypt", ADMIN), some_deny]),
            "condition on PCR1, PCR2",
        ),
        (
            json!([allow("kms:Decrypt", ADMIN), other_deny]),
            "PCR0, PCR1, PCR2",
        ),
    ] {
        let found = findings(&statements);
        assert!(
            found
                .iter()
                .any(|(hole, problem)| *hole && problem.contains(text)),
            "{text}: {found:?}"
        );
    }
}
