//! Mutants: the protocol without one check. The checker has to find what goes wrong.

use crate::Check;
use crate::{Model, SETTINGS, Setting};
use stateright::{Checker, HasDiscoveries, Model as _};

/// All that is known about a check.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// Without it, a property breaks in the setting of this name.
    Needed(&'static str),
    /// Another check covers it. In this setting a property breaks without both, and holds without
    /// either one.
    Covered(Check, &'static str),
    /// Nothing breaks without it, for this reason.
    Spare(&'static str),
}

/// Each check with its role.
pub const MUTANTS: [(Check, Role); 46] = [
    (Check::Protocol1Length, Role::Needed("one task")),
    (
        Check::AccountTag,
        Role::Spare(
            "who knows a key can wrap it for any purpose; a key that the host does not \
            know has sealed boxes of one purpose alone",
        ),
    ),
    (
        Check::TaskTag,
        Role::Spare("as AccountTag; the account secret enters the root besides"),
    ),
    (Check::Commitment, Role::Needed("double boxes")),
    (Check::BoxPart, Role::Needed("one task")),
    (
        Check::BoxTask,
        Role::Spare("every task has a root of its own, and BoxHeader has the task's name, too"),
    ),
    (Check::BoxHeader, Role::Needed("one task")),
    (Check::AccountIdentity, Role::Needed("one task")),
    (Check::RootAccountSecret, Role::Needed("one task")),
    (Check::Domain, Role::Needed("a false domain")),
    (Check::Provider, Role::Needed("a new provider")),
    (
        Check::BindingHeader,
        Role::Covered(Check::BoxHeader, "double boxes"),
    ),
    (
        Check::BindingConfiguration,
        Role::Needed("two configurations"),
    ),
    (Check::BindingDocument, Role::Needed("two documents")),
    (Check::StatementCode, Role::Needed("statements")),
    (Check::StatementBinding, Role::Needed("statements")),
    (Check::VoidRefused, Role::Needed("statements")),
    (Check::VoidStatement, Role::Needed("statements")),
    (Check::SendRound, Role::Needed("one task")),
    (
        Check::PorRound,
        Role::Spare(
            "a hostile host withholds the statement of a new round anyway; PoiRound and \
            SenderCompares decide",
        ),
    ),
    (Check::PoiRound, Role::Needed("statements")),
    (Check::LinkLaunch, Role::Needed("a conspiring sender")),
    (
        Check::LinkBinding,
        Role::Covered(Check::SignaturePor, "two documents"),
    ),
    (Check::LinkSigner, Role::Needed("a hostile signer")),
    (Check::LinkRound, Role::Needed("a new round")),
    (Check::RemindKey, Role::Needed("a restart")),
    (Check::AttestedImage, Role::Needed("one task")),
    (
        Check::AttestedProtocol,
        Role::Covered(Check::AttestedBinding, "a new round"),
    ),
    (
        Check::AttestedFunction,
        Role::Covered(Check::AttestedBinding, "a new round"),
    ),
    (
        Check::AttestedBinding,
        Role::Covered(Check::PorBinding, "a new round"),
    ),
    (
        Check::PorBinding,
        Role::Covered(Check::AttestedBinding, "a new round"),
    ),
    (
        Check::PoiBinding,
        Role::Covered(Check::AttestedBinding, "a new round"),
    ),
    (Check::PoiSigner, Role::Needed("a new round")),
    (Check::SendPrevious, Role::Needed("one task")),
    (Check::PorPrevious, Role::Needed("a new round in order")),
    (Check::InOrder, Role::Needed("a new round in order")),
    (
        Check::AnswerKey,
        Role::Spare(
            "the root is in the answer key, and the signature names the PoR; a \
            conspiring sender can encrypt answers anew anyway",
        ),
    ),
    (
        Check::AnswerData,
        Role::Covered(Check::SignaturePor, "one task"),
    ),
    (Check::AnswerSignature, Role::Needed("one task")),
    (Check::SignaturePor, Role::Needed("a conspiring sender")),
    (Check::SignatureText, Role::Needed("a conspiring sender")),
    (Check::Action, Role::Needed("one task")),
    (Check::Pin, Role::Needed("a thief of mails")),
    (Check::VerificationCode, Role::Needed("a thief of mails")),
    (Check::VerificationPor, Role::Needed("a thief of mails")),
    (Check::SenderCompares, Role::Needed("statements")),
];

/// A broken property.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The property.
    pub property: &'static str,
    /// The steps that lead to it.
    pub trace: Vec<String>,
}

/// All that an exploration found.
#[derive(Debug, Clone)]
pub struct Exploration {
    /// The number of different states.
    pub states: usize,
    /// The first property that broke, if any: the one with the shortest trace.
    pub violation: Option<Violation>,
    /// All that was reached of what should be reachable.
    pub reached: Vec<&'static str>,
}

/// Explores a setting without some checks: all of it, or up to some violation.
pub fn explore(setting: Setting, off: &[Check]) -> Exploration {
    explore_to(setting, off, None)
}

/// Finds a violation with the fewest steps. stateright goes on for a while after a violation and
/// keeps the last that it meets, so the bound on the steps grows one by one.
pub fn shortest(setting: Setting, off: &[Check]) -> Option<Violation> {
    let mut states = 0;
    for steps in 0.. {
        let found = explore_to(setting, off, Some(steps));
        if found.violation.is_some() {
            return found.violation;
        }
        if found.states == states {
            break;
        }
        states = found.states;
    }
    None
}

fn explore_to(setting: Setting, off: &[Check], steps: Option<usize>) -> Exploration {
    let mut builder = Model::new(setting, off)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures);
    if let Some(steps) = steps {
        // The first state has depth 1, and those of the depth given here are left out.
        builder = builder.target_max_depth(steps + 2);
    }
    let checker = builder.spawn_bfs().join();
    let mut reached = Vec::new();
    let mut violation: Option<Violation> = None;
    let mut discoveries: Vec<_> = checker.discoveries().into_iter().collect();
    // Of several with as many steps, the first in the list says most.
    let position = |name: &str| {
        let mut properties = checker.model().properties().into_iter();
        properties.position(|property| property.name == name)
    };
    discoveries.sort_by_key(|(name, _)| position(name));
    for (property, path) in discoveries {
        if crate::property::REACHABLE.contains(&property) {
            reached.push(property);
            continue;
        }
        let steps = path.into_actions();
        let trace: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let is_shorter = |before: &Violation| trace.len() < before.trace.len();
        if violation.as_ref().is_none_or(is_shorter) {
            violation = Some(Violation { property, trace });
        }
    }
    Exploration {
        states: checker.unique_state_count(),
        violation,
        reached,
    }
}

/// The setting of a name.
pub fn setting(name: &str) -> Option<Setting> {
    SETTINGS
        .iter()
        .copied()
        .find(|setting| setting.name == name)
}
