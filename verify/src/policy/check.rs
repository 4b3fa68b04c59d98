//! Finds ways around the attestation in a key policy.
//!
//! A policy is good when no statement lets anyone use the key, change the policy or pass the key on
//! unless KMS sees an attestation document with all three registers of a known release. A Deny
//! statement that requires a register also covers what every other statement allows.

use super::condition::{Demand, demand, negated, register};
use super::finding::{Finding, Severity};
use super::model::{Policy, Principals, Statement};
use letsesign_measurements::History;
use std::collections::BTreeSet;

/// Actions that decrypt what the key protects, or re-encrypt it under another key.
const USES: &[&str] = &[
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:DeriveSharedSecret",
];

/// Actions after which the policy no longer decides who uses the key.
const BYPASSES: &[(&str, &str)] = &[
    (
        "kms:PutKeyPolicy",
        "may replace this policy by another and then decrypt",
    ),
    (
        "kms:CreateGrant",
        "may create a grant that decrypts without attestation",
    ),
    (
        "kms:ReplicateKey",
        "may replicate the key to another region under another policy",
    ),
    (
        "kms:ImportKeyMaterial",
        "may import key material that it knows, and decrypt elsewhere",
    ),
];

/// Actions that make everything under the key undecryptable.
const LOSSES: &[&str] = &["kms:ScheduleKeyDeletion", "kms:DisableKey"];

pub(crate) fn check(policy: &Policy, history: &History) -> Vec<Finding> {
    let mut checker = Checker {
        policy,
        history,
        findings: Vec::new(),
    };
    for statement in policy.statements.iter().filter(|statement| statement.allow) {
        checker.allow(statement);
    }
    for statement in policy
        .statements
        .iter()
        .filter(|statement| !statement.allow)
    {
        checker.deny(statement);
    }
    let allowed = |statement: &&Statement| statement.allow && statement.covers("kms:Decrypt");
    if !policy
        .statements
        .iter()
        .any(|statement| allowed(&statement))
    {
        checker.add(
            Severity::Warning,
            "policy",
            "nobody may decrypt with this key".to_owned(),
        );
    }
    checker.findings
}

pub(super) struct Checker<'a> {
    policy: &'a Policy,
    pub(super) history: &'a History,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    pub(super) fn add(&mut self, severity: Severity, statement: &str, problem: String) {
        self.findings.push(Finding {
            severity,
            statement: statement.to_owned(),
            problem,
        });
    }

    fn allow(&mut self, statement: &Statement) {
        let name = &statement.name;
        let uses: Vec<&str> = USES
            .iter()
            .copied()
            .filter(|action| statement.covers(action))
            .collect();
        let bypasses: Vec<_> = BYPASSES
            .iter()
            .filter(|(action, _)| statement.covers(action))
            .collect();
        let mut pinned = BTreeSet::new();
        for condition in &statement.conditions {
            if let Some(register) = register(&condition.key) {
                match demand(condition) {
                    Ok(Demand::Equal) => {
                        self.values(name, register, &condition.values);
                        pinned.insert(register);
                    }
                    Ok(Demand::Quantified) => {
                        self.values(name, register, &condition.values);
                        pinned.insert(register);
                        self.add(
                            Severity::Warning,
                            name,
                            format!(
                                "{} is for keys with many values; write StringEqualsIgnoreCase",
                                condition.operator
                            ),
                        );
                    }
                    Err(problem) if uses.is_empty() && bypasses.is_empty() => {
                        self.add(Severity::Warning, name, problem);
                    }
                    Err(problem) => self.add(Severity::Hole, name, problem),
                }
            }
        }
        self.combinations(statement, &pinned);
        let open_uses: Vec<&str> = uses
            .into_iter()
            .filter(|action| !self.missing(action, &pinned).is_empty())
            .collect();
        if let Some(first) = open_uses.first() {
            let missing: Vec<String> = self
                .missing(first, &pinned)
                .iter()
                .map(|register| format!("PCR{register}"))
                .collect();
            let problem = format!(
                "{} without a condition on {} (kms:RecipientAttestation:...)",
                open_uses.join(", "),
                missing.join(", ")
            );
            self.add(Severity::Hole, name, problem);
        }
        let mut open = !open_uses.is_empty();
        for (action, problem) in bypasses {
            // These calls carry no attestation document, so requiring a register forbids them.
            if pinned.is_empty() && self.missing(action, &pinned).len() == 3 {
                self.add(
                    Severity::Hole,
                    name,
                    format!("{} {problem} ({action})", who(&statement.principals)),
                );
                open = true;
            }
        }
        self.principals(statement, open || !pinned.is_empty());
        if let Some(action) = LOSSES.iter().find(|action| statement.covers(action)) {
            let problem = format!(
                "{} may make everything undecryptable ({action})",
                who(&statement.principals)
            );
            self.add(Severity::Warning, name, problem);
        }
    }

    fn principals(&mut self, statement: &Statement, uses_key: bool) {
        let name = &statement.name;
        if statement.not_action {
            let problem = "NotAction allows every action that is not named, those of tomorrow too";
            self.add(Severity::Warning, name, problem.to_owned());
        }
        match &statement.principals {
            Principals::AllBut => {
                let problem =
                    "NotPrincipal with Allow lets in everybody who is not named, of any account";
                self.add(Severity::Hole, name, problem.to_owned());
            }
            Principals::Everybody if uses_key => {
                let problem = "the principal is everybody, of any AWS account";
                self.add(Severity::Hole, name, problem.to_owned());
            }
            Principals::Named(list) if uses_key => {
                if let Some(root) = list.iter().find(|text| is_account(text)) {
                    let problem = format!(
                        "{root} stands for whoever the account's IAM policies name; name one role or user"
                    );
                    self.add(Severity::Warning, name, problem);
                }
            }
            _ => {}
        }
    }

    /// Warns about a Deny that requires a register of no release: it would lock everyone out.
    fn deny(&mut self, statement: &Statement) {
        let conditions: Vec<_> = statement
            .conditions
            .iter()
            .filter_map(|c| register(&c.key))
            .collect();
        if conditions.len() > 1 && statement.conditions.iter().all(negated) {
            self.add(
                Severity::Warning,
                &statement.name,
                "it denies only when all of its conditions differ at once; write one statement for each register".to_owned(),
            );
        }
    }

    /// The registers that neither the statement nor a Deny requires for an action.
    fn missing(&self, action: &str, pinned: &BTreeSet<u8>) -> Vec<u8> {
        let denies = || {
            self.policy
                .statements
                .iter()
                .filter(|deny| is_guard(deny, action))
        };
        if denies().any(|deny| deny.conditions.is_empty()) {
            return Vec::new();
        }
        let guarded = |number: u8| {
            denies().any(|deny| match deny.conditions.as_slice() {
                [condition] => {
                    register(&condition.key) == Some(number)
                        && negated(condition)
                        && !condition.values.is_empty()
                        && condition
                            .values
                            .iter()
                            .all(|value| self.known(number, value))
                }
                _ => false,
            })
        };
        (0..3)
            .filter(|number| !pinned.contains(number) && !guarded(*number))
            .collect()
    }

    /// Lists of values combine freely: a register of one release matches with another register of a
    /// second one.
    fn combinations(&mut self, statement: &Statement, pinned: &BTreeSet<u8>) {
        let many = statement
            .conditions
            .iter()
            .filter(|condition| {
                register(&condition.key).is_some_and(|number| pinned.contains(&number))
            })
            .any(|condition| condition.values.len() > 1);
        if many {
            let problem = "several values for one register combine freely with those of the others; write one statement for each release";
            self.add(Severity::Warning, &statement.name, problem.to_owned());
        }
    }
}

/// Whether a statement denies an action to everyone, at least under its conditions.
fn is_guard(statement: &Statement, action: &str) -> bool {
    !statement.allow
        && statement.principals == Principals::Everybody
        && statement.every_resource
        && statement.covers(action)
}

fn is_account(principal: &str) -> bool {
    principal.ends_with(":root")
        || (principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit()))
}

fn who(principals: &Principals) -> String {
    match principals {
        Principals::Everybody => "everybody".to_owned(),
        Principals::AllBut => "everybody but the named".to_owned(),
        Principals::Named(list) => list.join(", "),
    }
}
