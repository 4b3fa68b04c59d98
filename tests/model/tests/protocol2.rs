//! All settings hold, and every mutant is as its role says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use letsesign_model::{
    Check, Exploration, MUTANTS, Role, SETTINGS, Setting, explore, setting, shortest,
};
use std::collections::BTreeSet;

fn named(name: &str) -> Setting {
    setting(name).unwrap()
}

fn property(found: &Exploration) -> Option<&'static str> {
    found.violation.as_ref().map(|violation| violation.property)
}

/// Explores settings: nothing breaks, and something happens.
fn hold(settings: impl Iterator<Item = &'static Setting>) {
    for &setting in settings {
        let found = explore(setting, &[]);
        assert!(
            found.violation.is_none(),
            "{}: {:#?}",
            setting.name,
            found.violation
        );
        let mut expected = vec!["a summary", "a decline"];
        match setting.name {
            // The enclave refuses the task.
            "a false domain" => expected.clear(),
            // Signers do not get their mails.
            "a thief of mails" => expected.retain(|&name| name == "a decline"),
            "statements" => expected.push("a void"),
            _ => {}
        }
        assert_eq!(found.reached, expected, "{}", setting.name);
    }
}

#[test]
fn settings_of_one_task_hold() {
    hold(SETTINGS.iter().filter(|setting| setting.tasks == 1));
}

#[test]
fn settings_of_two_senders_hold() {
    hold(
        SETTINGS
            .iter()
            .filter(|setting| setting.tasks == 2 && !setting.one_sender),
    );
}

#[test]
fn two_tasks_of_one_sender_hold() {
    hold(SETTINGS.iter().filter(|setting| setting.one_sender));
}

#[test]
fn each_check_has_one_role() {
    assert_eq!(MUTANTS.map(|(check, _)| check), Check::ALL);
}

#[test]
fn each_needed_check_is_missed() {
    for (check, role) in MUTANTS {
        if let Role::Needed(name) = role {
            let found = shortest(named(name), &[check]);
            assert!(found.is_some(), "{check:?} in {name:?}");
        }
    }
}

#[test]
fn a_covered_check_is_missed_without_its_cover() {
    for (check, role) in MUTANTS {
        if let Role::Covered(cover, name) = role {
            let both = shortest(named(name), &[check, cover]);
            assert!(both.is_some(), "{check:?} and {cover:?} in {name:?}");
        }
    }
}

#[test]
fn nothing_breaks_without_a_covered_check_or_its_cover() {
    let mut alone = BTreeSet::new();
    for (check, role) in MUTANTS {
        if let Role::Covered(cover, name) = role {
            alone.extend([(check, name), (cover, name)]);
        }
    }
    for (check, name) in alone {
        let found = explore(named(name), &[check]);
        assert_eq!(property(&found), None, "{check:?} in {name:?}");
    }
}

#[test]
fn nothing_breaks_without_a_spare_check() {
    for (check, role) in MUTANTS {
        if let Role::Spare(_) = role {
            for name in ["a conspiring sender", "a new round", "a hostile signer"] {
                let found = explore(named(name), &[check]);
                assert_eq!(property(&found), None, "{check:?} in {name:?}");
            }
        }
    }
}

/// Two gaps of the first docs/protocol-2.md: the order of signing and the mail provider were not
/// bound. What closes them must not go again.
#[test]
fn regression_order_and_provider_are_bound() {
    for (check, name, expected) in [
        (Check::SendPrevious, "one task", "asked"),
        (Check::PorPrevious, "a new round in order", "order"),
        (Check::InOrder, "a new round in order", "order"),
        (Check::Provider, "a new provider", "provider"),
    ] {
        let found = shortest(named(name), &[check]).map(|violation| violation.property);
        assert_eq!(found, Some(expected), "{check:?}");
        assert_eq!(property(&explore(named(name), &[])), None, "{name}");
    }
}
