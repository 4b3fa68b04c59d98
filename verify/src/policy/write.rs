//! Writes a key policy that lets only known enclaves use the key.

use crate::args::KmsArgs;
use crate::measurements;
use anyhow::{Context, Result, bail, ensure};
use letsesign_measurements::{Entry, History, Revocations, SignatureState, State};
use serde_json::{Value, json};

/// The largest key policy of KMS, in bytes.
const POLICY_MAX: usize = 32 * 1024;

/// Actions reserved for an attested enclave, and actions that would pass on the right to them.
const GUARDED: &[&str] = &[
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:DeriveSharedSecret",
    "kms:CreateGrant",
    "kms:ReplicateKey",
    "kms:ImportKeyMaterial",
];

/// A policy, with the notes that its owner must know.
pub(super) struct Written {
    pub(super) policy: Value,
    pub(super) notes: Vec<String>,
}

pub(super) fn policy(args: &KmsArgs, history: &History) -> Result<Written> {
    let partition = partition(&args.region)?;
    ensure!(
        args.account.len() == 12 && args.account.bytes().all(|byte| byte.is_ascii_digit()),
        "an AWS account is 12 digits, not {:?}",
        args.account
    );
    let who = |name: &String| arn(partition, &args.account, name);
    let (sender, enclave) = (who(&args.sender)?, who(&args.enclave)?);
    let reader = args.reader.as_ref().map(who).transpose()?;
    let board = args.put_key_policy.as_ref().map(who).transpose()?;
    // One principal in two parts would combine their rights.
    distinct(&sender, &enclave, reader.as_ref(), board.as_ref())?;
    let releases = releases(args, history)?;
    let mut notes = notes(args, &releases);
    match history.revocations() {
        Revocations::Signed { .. } => {}
        list @ Revocations::Invalid { .. } => bail!("{}", measurements::revocations(&list)),
        list => notes.push(measurements::revocations(&list)),
    }
    // The account's root may describe the key, but neither use it nor change the policy: IAM
    // policies of the account would otherwise bypass the attestation.
    let root = format!("arn:{partition}:iam::{}:root", args.account);
    let mut statements = vec![
        json!({
            "Sid": "SeeAndDescribe",
            "Effect": "Allow",
            "Principal": { "AWS": root },
            "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetPublicKey", "kms:ListGrants", "kms:ListKeyPolicies",
                       "kms:ListResourceTags", "kms:TagResource", "kms:UntagResource"],
            "Resource": "*",
        }),
        json!({
            "Sid": "EncryptForTheEnclave",
            "Effect": "Allow",
            "Principal": { "AWS": sender },
            "Action": ["kms:DescribeKey", "kms:GetPublicKey", "kms:Encrypt"],
            "Resource": "*",
        }),
    ];
    // One statement for each release: lists of values in one statement would combine registers of
    // different releases.
    for entry in &releases {
        statements.push(json!({
            "Sid": format!("DecryptInRelease{}", alphanumeric(&entry.release.ver_name)),
            "Effect": "Allow",
            "Principal": { "AWS": enclave },
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": { "StringEqualsIgnoreCase": entry.release.pcrs.numbered().into_iter()
                .map(|(number, pcr)| (key(number), Value::from(pcr.to_string())))
                .collect::<serde_json::Map<_, _>>() },
        }));
    }
    statements.extend(denials(&releases, reader.as_deref()));
    if let Some(board) = &board {
        statements.push(json!({
            "Sid": "ReplaceThisPolicy",
            "Effect": "Allow",
            "Principal": { "AWS": board },
            "Action": "kms:PutKeyPolicy",
            "Resource": "*",
        }));
    }
    let policy =
        json!({ "Version": "2012-10-17", "Id": "letsesign-enclave", "Statement": statements });
    let size = policy.to_string().len();
    if size > POLICY_MAX {
        bail!("the policy has {size} bytes and KMS takes {POLICY_MAX}; name fewer releases");
    }
    notes.push(format!(
        "create the key with it: aws kms create-key --region {} --key-spec RSA_2048 --key-usage ENCRYPT_DECRYPT --policy file://key-policy.json{}",
        args.region,
        if args.put_key_policy.is_none() { " --bypass-policy-lockout-safety-check" } else { "" }
    ));
    Ok(Written { policy, notes })
}

/// Denies everyone the guarded actions without one of the releases, except for the reader.
fn denials(releases: &[&Entry], reader: Option<&str>) -> Vec<Value> {
    let mut statements = Vec::new();
    // An explicit Deny overrides grants and IAM policies, and a missing document differs from every
    // value.
    for number in 0..3u8 {
        let mut values: Vec<String> = releases
            .iter()
            .flat_map(|entry| entry.release.pcrs.numbered())
            .filter(|(other, _)| *other == number)
            .map(|(_, pcr)| pcr.to_string())
            .collect();
        values.dedup();
        let mut deny = json!({
            "Sid": format!("DenyWithoutPCR{number}"),
            "Effect": "Deny",
            "Principal": "*",
            "Action": GUARDED,
            "Resource": "*",
            "Condition": { "StringNotEqualsIgnoreCase": { key(number): values } },
        });
        if let (Some(reader), Some(conditions)) = (
            reader,
            deny.get_mut("Condition").and_then(Value::as_object_mut),
        ) {
            // All conditions of a statement must hold, so this one exempts the reader.
            let excepted = json!({ "aws:PrincipalArn": reader });
            conditions.insert("ArnNotEquals".to_owned(), excepted);
        }
        statements.push(deny);
    }
    if let Some(reader) = reader {
        statements.push(json!({
            "Sid": "DecryptWithoutAttestation",
            "Effect": "Allow",
            "Principal": { "AWS": reader },
            "Action": "kms:Decrypt",
            "Resource": "*",
        }));
        let others: Vec<&str> = GUARDED
            .iter()
            .copied()
            .filter(|action| *action != "kms:Decrypt")
            .collect();
        statements.push(json!({
            "Sid": "DenyReaderAllElse",
            "Effect": "Deny",
            "Principal": { "AWS": reader },
            "Action": others,
            "Resource": "*",
        }));
    }
    statements.push(json!({
        "Sid": "DenyDebugMode",
        "Effect": "Deny",
        "Principal": "*",
        "Action": GUARDED,
        "Resource": "*",
        "Condition": { "StringEquals": { key(0): "0".repeat(96) } },
    }));
    statements
}

/// The host gets the enclave's secret, so that principal must not have another part: not encrypting
/// (the host could encrypt tasks of its own), not decrypting without attestation, not replacing the
/// policy.
fn distinct(
    sender: &str,
    enclave: &str,
    reader: Option<&String>,
    board: Option<&String>,
) -> Result<()> {
    // IAM compares names without case.
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let others = [
        Some(sender),
        reader.map(String::as_str),
        board.map(String::as_str),
    ];
    if others
        .into_iter()
        .flatten()
        .any(|other| same(other, enclave))
    {
        bail!(
            "--enclave is {enclave}, which has another part as well; the host gets its secret, so it needs a principal of its own"
        );
    }
    if reader.is_some_and(|reader| same(reader, sender)) {
        bail!("--sender and --reader are both {sender}; whoever encrypts need not decrypt");
    }
    Ok(())
}

fn releases<'a>(args: &KmsArgs, history: &'a History) -> Result<Vec<&'a Entry>> {
    let mut entries: Vec<&Entry> = Vec::new();
    for name in &args.release {
        let entry = history.named(name).with_context(|| {
            format!("release {name:?} does not exist; `letsesign-verify measurements` lists them")
        })?;
        if let SignatureState::Invalid { reason } = &entry.signature {
            bail!("the signature of release {name} is invalid: {reason}");
        }
        if entry.status.state != State::Current && !args.accept_ended {
            bail!(
                "release {name} is {}; name it only with --accept-ended",
                entry.status.state
            );
        }
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn notes(args: &KmsArgs, releases: &[&Entry]) -> Vec<String> {
    let mut notes = Vec::new();
    for entry in releases {
        if entry.signature == SignatureState::Unsigned {
            notes.push(format!(
                "release {} is not signed: compare its measurements with a rebuild",
                entry.release.ver_name
            ));
        }
    }
    notes.push(format!(
        "the host gets the secret of {}. It must have no other right anywhere: no IAM policy, no grant, no other key",
        args.enclave
    ));
    if let Some(reader) = &args.reader {
        notes.push(format!(
            "{reader} decrypts WITHOUT attestation: whoever controls it reads every document and the mail, SMS and bearer \
             secrets of every task under this key, whatever runs in the enclave. Never give its secret to the host, keep it \
             where names are shown and nowhere else, and leave it out where get-status need not show names"
        ));
    }
    notes.push(match &args.put_key_policy {
        Some(name) => format!(
            "{name} may call kms:PutKeyPolicy: it can replace this policy by one that lets itself decrypt. Whoever controls it controls \
             every document under this key. Watch the call in CloudTrail"
        ),
        None => "nobody may call kms:PutKeyPolicy: the policy is final. A new release needs a new key, and KMS wants the request to say \
                 that this is meant (--bypass-policy-lockout-safety-check). Nobody can delete the key either"
            .to_owned(),
    });
    notes
}

fn key(register: u8) -> String {
    format!("kms:RecipientAttestation:PCR{register}")
}

/// Keeps letters and digits, the only characters of a Sid.
fn alphanumeric(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn partition(region: &str) -> Result<&'static str> {
    let good = region.split('-').count() >= 3
        && region
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    ensure!(good, "{region:?} is not an AWS region, such as us-east-1");
    Ok(if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("cn-") {
        "aws-cn"
    } else {
        "aws"
    })
}

/// The ARN of one role or user of the account, given as an ARN, `role/NAME` or `user/NAME`.
fn arn(partition: &str, account: &str, principal: &str) -> Result<String> {
    let prefix = format!("arn:{partition}:iam::{account}:");
    let name = principal.strip_prefix(&prefix).unwrap_or(principal);
    let path = name
        .strip_prefix("role/")
        .or_else(|| name.strip_prefix("user/"));
    let good = |c: char| c.is_ascii_alphanumeric() || "/+=,.@_-".contains(c);
    match path {
        Some(path) if !path.is_empty() && path.len() <= 576 && path.chars().all(good) => {
            Ok(format!("{prefix}{name}"))
        }
        _ => bail!(
            "{principal:?} is not a role or user of account {account}: write {prefix}role/NAME, role/NAME or user/NAME. Accounts and wildcards \
             stand for too many"
        ),
    }
}
