use super::Budget;
use super::scene::Scene;
use crate::queue::core::Rule;
use stateright::{Checker as _, Model as _};

/// Nothing breaks, and nobody decides.
const NOTHING: Budget = Budget {
    ticks: 0,
    deaths: 0,
    false_reports: 0,
    losses: 0,
    forgets: 0,
    decisions: 0,
    backups: 0,
    restores: 0,
};

/// One job and two enclaves.
fn scene(budget: Budget, without: Option<Rule>) -> Scene {
    Scene {
        jobs: 1,
        enclaves: 2,
        budget,
        without,
    }
}

/// An enclave dies, an answer is lost, a person decides.
fn deaths(without: Option<Rule>) -> Scene {
    let budget = Budget {
        ticks: 2,
        deaths: 1,
        losses: 1,
        decisions: 1,
        ..NOTHING
    };
    scene(budget, without)
}

/// A host takes an enclave for dead that lives.
fn mistaken(without: Option<Rule>) -> Scene {
    let budget = Budget {
        ticks: 2,
        false_reports: 1,
        losses: 1,
        decisions: 1,
        ..NOTHING
    };
    scene(budget, without)
}

/// Time passes, and an enclave forgets.
fn forgetful(without: Option<Rule>) -> Scene {
    let budget = Budget {
        ticks: 2,
        losses: 1,
        forgets: 1,
        decisions: 1,
        ..NOTHING
    };
    scene(budget, without)
}

/// A backup that is restored.
fn restored(without: Option<Rule>) -> Scene {
    let budget = Budget {
        deaths: 1,
        decisions: 1,
        backups: 1,
        restores: 1,
        ..NOTHING
    };
    scene(budget, without)
}

/// Two jobs.
fn wide(without: Option<Rule>) -> Scene {
    let budget = Budget {
        deaths: 1,
        ..NOTHING
    };
    Scene {
        jobs: 2,
        ..scene(budget, without)
    }
}

/// One enclave alone, which forgets.
fn alone(without: Option<Rule>) -> Scene {
    let budget = Budget {
        ticks: 3,
        losses: 1,
        forgets: 2,
        decisions: 1,
        ..NOTHING
    };
    Scene {
        enclaves: 1,
        ..scene(budget, without)
    }
}

#[test]
fn every_state_keeps_the_properties() {
    let scenes = [
        ("deaths", deaths(None)),
        ("mistaken", mistaken(None)),
        ("forgetful", forgetful(None)),
        ("restored", restored(None)),
        ("wide", wide(None)),
        ("alone", alone(None)),
    ];
    for (name, scene) in scenes {
        let checker = scene.checker().threads(2).spawn_bfs().join();
        eprintln!("{name}: {} states", checker.unique_state_count());
        checker.assert_properties();
        assert!(checker.is_done());
    }
}

#[test]
fn every_rule_is_needed() {
    let mutants = [
        (Rule::BeginNeedsSession, forgetful as fn(_) -> _),
        (Rule::BeginNeedsOffer, restored),
        (Rule::BegunIsUnknown, deaths),
        (Rule::BegunStays, forgetful),
        (Rule::NewSession, forgetful),
        (Rule::FirstResult, deaths),
        (Rule::OldSession, forgetful),
        (Rule::LostIsUnknown, forgetful),
        (Rule::LostIsQueued, alone),
        (Rule::StartEnds, deaths),
        (Rule::RestoredIsUnknown, restored),
    ];
    for (rule, scene) in mutants {
        let scene: Scene = scene(Some(rule));
        let checker = scene
            .checker()
            .finish_when(stateright::HasDiscoveries::AnyFailures);
        let checker = checker.threads(2).spawn_bfs().join();
        let broken: Vec<&str> = checker
            .discoveries()
            .keys()
            .copied()
            .filter(|name| *name != "a job is done")
            .collect();
        assert!(!broken.is_empty(), "nothing breaks without {rule:?}");
        eprintln!("without {rule:?}: {broken:?}");
    }
}
