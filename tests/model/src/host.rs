//! The host. It calls every function with every mix of what it knows and can make.
//!
//! Calls that change nothing for honest people are made as soon as they are possible: the enclave
//! has no memory and the host forgets nothing, so a host that calls later knows no more. Calls that
//! mail somebody honest are steps of their own ([`crate::model`]).

use crate::enclave::{Attested, Confirmed, Enclave, Opened};
use crate::keys::number;
use crate::message::{Answer, Claim, Document, Function, Poi, Por, Statement, Summary, Wish};
use crate::model::State;
use crate::scene::{Scene, host_key};
use crate::term::Node;
use crate::{Check, Checks, Knowledge, Term};
use std::collections::BTreeSet;

/// The checks that keep documents of the host's own making out.
const DOCUMENT_CHECKS: [Check; 4] = [
    Check::AttestedImage,
    Check::AttestedProtocol,
    Check::AttestedFunction,
    Check::AttestedBinding,
];

/// Whether the host can have any document taken for a proof.
fn forges_documents(checks: Checks) -> bool {
    DOCUMENT_CHECKS.iter().any(|&check| !checks.on(check))
}

/// The claims that a job may carry: each set of genuine statements.
pub(crate) fn claim_sets(scene: &Scene, state: &State, task: &Opened) -> Vec<Vec<Claim>> {
    let enclave = state.enclave(scene.checks);
    let mut claims: BTreeSet<Claim> = state
        .known
        .terms()
        .filter_map(|term| match term.node() {
            Node::Statement(statement) => Some(statement),
            _ => None,
        })
        .filter(|statement| enclave.is_genuine(task, statement))
        .map(|statement| statement.claim)
        .collect();
    let forged = [
        Claim::Void,
        Claim::NewRound {
            signer: 0,
            round: 2,
        },
    ];
    claims.extend(forged.into_iter().filter(|&claim| {
        let mac = number(0);
        enclave.is_genuine(task, &Statement { claim, mac })
    }));
    let mut sets = vec![Vec::new()];
    for claim in claims {
        let with: Vec<Vec<Claim>> = sets
            .iter()
            .map(|set| {
                let mut set = set.clone();
                set.push(claim);
                set
            })
            .collect();
        sets.extend(with);
    }
    sets
}

/// Documents of the host's own making that the enclave accepts for a proof.
fn forged_documents(
    enclave: &Enclave,
    task: &Opened,
    function: Function,
    proof: &Term,
) -> Vec<Document> {
    let own = Document {
        listed: false,
        protocol: 2,
        function,
        binding: Some(task.binding.clone()),
        hashes: vec![proof.digest()],
        time: enclave.time,
    };
    let candidates = [
        // Protocol 1 is taken to attest any hash.
        Document {
            listed: true,
            protocol: 1,
            binding: None,
            ..own.clone()
        },
        // A document that the host signs itself may have any hash, too.
        Document {
            listed: true,
            function: Function::AttachEsig,
            binding: Some(Term::constant("binding", 9)),
            ..own.clone()
        },
        own,
    ];
    let mut accepted: Vec<Document> = candidates.into();
    accepted.retain(|document| enclave.proves(document, function, &task.binding, proof));
    accepted
}

fn documents(known: &Knowledge, proof: &Term) -> Vec<Document> {
    let hash = proof.digest();
    known
        .terms()
        .filter_map(|term| match term.node() {
            Node::Attested(document) if document.hashes.contains(&hash) => Some(document.clone()),
            _ => None,
        })
        .collect()
}

/// The PoRs that the host can show for a task.
pub(crate) fn asked(scene: &Scene, state: &State, task: &Opened) -> Vec<Attested<Por>> {
    let enclave = state.enclave(scene.checks);
    let forges = forges_documents(scene.checks);
    let mut found = Vec::new();
    for term in state.known.terms() {
        let Node::Por(por) = term.node() else {
            continue;
        };
        if scene.checks.on(Check::PorBinding) && por.binding != task.binding {
            continue;
        }
        let genuine = documents(&state.known, term);
        found.extend(genuine.into_iter().map(|document| (por.clone(), document)));
        if forges {
            let por = Por {
                link_key: host_key().public_key(),
                ..por.clone()
            };
            let proof = Node::Por(por.clone()).into();
            let documents = forged_documents(&enclave, task, Function::SendReq, &proof);
            found.extend(
                documents
                    .into_iter()
                    .map(|document| (por.clone(), document)),
            );
        }
    }
    found
}

/// The PoIs that the host can show for a task.
pub(crate) fn confirmed(scene: &Scene, state: &State, task: &Opened) -> Vec<Attested<Poi>> {
    let enclave = state.enclave(scene.checks);
    let mut found = Vec::new();
    for term in state.known.terms() {
        if let Node::Poi(poi) = term.node() {
            let documents = documents(&state.known, term);
            found.extend(
                documents
                    .into_iter()
                    .map(|document| (poi.clone(), document)),
            );
        }
    }
    if forges_documents(scene.checks) {
        for signer in [0, 1] {
            let mut hashes: Vec<Option<Term>> = vec![None];
            if signer > 0 {
                hashes.extend(hashes_of(&found, signer - 1).into_iter().map(Some));
            }
            for previous in hashes {
                let poi = Poi {
                    binding: task.binding.clone(),
                    signer,
                    round: 1,
                    por: number(0),
                    por_time: state.time,
                    answer: number(0),
                    previous,
                };
                let proof = Node::Poi(poi.clone()).into();
                let documents = forged_documents(&enclave, task, Function::ConfirmIntent, &proof);
                found.extend(
                    documents
                        .into_iter()
                        .map(|document| (poi.clone(), document)),
                );
            }
        }
    }
    found
}

/// The hashes of the PoIs of a signer.
fn hashes_of(proofs: &[Attested<Poi>], signer: u8) -> BTreeSet<Term> {
    let of = proofs.iter().filter(|(poi, _)| poi.signer == signer);
    of.map(|(poi, _)| Term::from(Node::Poi(poi.clone())).digest())
        .collect()
}

/// The PoIs that the host can show to `sendReq`: none, or one of a first signer, which follows on
/// none. Of two signers only such a PoI is before another; mutants could make chains without end.
pub(crate) fn before(proofs: &[Attested<Poi>]) -> Vec<Option<&Attested<Poi>>> {
    let mut seen = BTreeSet::new();
    let shown = proofs
        .iter()
        .filter(|proof| proof.0.previous.is_none() && seen.insert(*proof));
    std::iter::once(None).chain(shown.map(Some)).collect()
}

/// The answers that the host can send for a PoR: those that it has, and those that it makes.
fn answers(scene: &Scene, state: &State, task: &Opened, por: &Por) -> Vec<Term> {
    let checks = scene.checks;
    let known = &state.known;
    let hash = Term::from(Node::Por(por.clone())).digest();
    let to = checks
        .answer_key(&task.root, &task.binding, por.signer, por.round)
        .public_key();
    let mut signatures = Vec::new();
    let mut texts = Vec::new();
    let mut details = vec![None];
    let mut found = Vec::new();
    for term in known.terms() {
        match term.node() {
            Node::Encrypted { to: key, about, .. }
                if *key == to && checks.holds(Check::AnswerData, *about == hash) =>
            {
                found.push(term.clone());
            }
            Node::Signed(..) => signatures.push(term.clone()),
            Node::Answer(_) => texts.push(term.clone()),
            Node::Fresh("pin", _) => details.push(Some(term.clone())),
            _ => {}
        }
    }
    let key = match por.link_key.node() {
        Node::PublicKey(key) if known.can(key) => Some(key.clone()),
        _ if !checks.on(Check::AnswerSignature) => Some(host_key()),
        _ => None,
    };
    if !known.can(&to) || (key.is_none() && signatures.is_empty()) {
        return found;
    }
    for wish in [Wish::RequestPin, Wish::Confirm, Wish::Decline] {
        texts.extend(details.iter().map(|detail| {
            let detail = detail.clone();
            Node::Answer(Answer { wish, detail }).into()
        }));
    }
    for text in &texts {
        let signed = checks.signed(&hash, text);
        let own = key
            .iter()
            .map(|key| Node::Signed(key.clone(), signed.clone()).into());
        // A signature of another text is refused.
        let fits = |signature: &&Term| {
            let same = matches!(signature.node(), Node::Signed(_, of) if *of == signed);
            checks.holds(Check::AnswerSignature, same)
        };
        for signature in own.chain(signatures.iter().filter(fits).cloned()) {
            let encrypted = Node::Encrypted {
                to: to.clone(),
                about: hash.clone(),
                text: Term::list(&[&signature, text]),
            };
            found.push(encrypted.into());
        }
    }
    found
}

/// Makes every call that changes nothing for honest people, until nothing new comes of it.
pub(crate) fn saturate(scene: &Scene, state: &mut State) {
    loop {
        let jobs: Vec<(&Opened, Vec<Claim>)> = scene
            .openings
            .iter()
            .flat_map(|task| {
                let sets = claim_sets(scene, state, task).into_iter();
                sets.map(move |claims| (task, claims))
            })
            .collect();
        let before = inputs(&state.known);
        for (task, claims) in &jobs {
            statements_and_mails(scene, state, task, claims);
        }
        for (task, claims) in &jobs {
            proofs(scene, state, task, claims);
        }
        for (task, claims) in &jobs {
            attach(scene, state, task, claims);
        }
        if inputs(&state.known) == before {
            return;
        }
    }
}

/// The number of terms that could give an earlier call something new.
fn inputs(known: &Knowledge) -> usize {
    let is_input = |term: &&Term| {
        !matches!(
            term.node(),
            Node::Attested(_) | Node::Decline(_) | Node::Void(_) | Node::Sealed(_)
        )
    };
    known.terms().filter(is_input).count()
}

/// `voidTask`, and `sendReq` to mailboxes that the host reads.
fn statements_and_mails(scene: &Scene, state: &mut State, task: &Opened, claims: &[Claim]) {
    let enclave = state.enclave(scene.checks);
    if let Some((proof, document)) = enclave.void(task, claims) {
        state.known.learn(Node::Void(proof));
        state.known.learn(Node::Attested(document));
    }
    let proofs = confirmed(scene, state, task);
    for signer in [0, 1] {
        let person = task.configuration.signers.get(usize::from(signer));
        if !person.is_some_and(|person| scene.reads_mailbox(person.mailbox)) {
            continue;
        }
        for round in [1, 2] {
            for before in before(&proofs) {
                let request = (signer, round);
                if let Some((asked, mail)) = enclave.send_request(task, claims, request, before) {
                    state.mail(scene, asked, mail);
                }
            }
        }
    }
}

/// `confirmIntent` and `decline`.
fn proofs(scene: &Scene, state: &mut State, task: &Opened, claims: &[Claim]) {
    let enclave = state.enclave(scene.checks);
    let verifications: Vec<(Term, Term)> = state
        .known
        .terms()
        .filter_map(|term| match term.node() {
            Node::Verification { sid, mac } => Some((sid.clone(), mac.clone())),
            _ => None,
        })
        .collect();
    let shown = confirmed(scene, state, task);
    for asked in asked(scene, state, task) {
        // The host chooses among PoIs if the PoR does not name one.
        let mut claimed = vec![None];
        if let Some(signer) = asked.0.signer.checked_sub(1)
            && !scene.checks.on(Check::PorPrevious)
        {
            claimed.extend(hashes_of(&shown, signer).into_iter().map(Some));
        }
        for sent in answers(scene, state, task, &asked.0) {
            if let Some(((proof, document), sealed)) = enclave.decline(task, claims, &asked, &sent)
            {
                state.known.learn(Node::Decline(proof));
                state.known.learn(Node::Attested(document));
                state.known.learn(sealed);
            }
            let with = verifications.iter().map(|(sid, mac)| Some((sid, mac)));
            for verification in std::iter::once(None).chain(with) {
                for claimed in &claimed {
                    let claimed = claimed.as_ref();
                    match enclave.confirm(task, claims, &asked, &sent, verification, claimed) {
                        Some(Confirmed::Poi((poi, document))) => {
                            state.known.learn(Node::Poi(poi));
                            state.known.learn(Node::Attested(document));
                        }
                        Some(Confirmed::PinSent { phone, sid, mac }) => {
                            state.send_pin(scene, phone, &sid);
                            state.known.learn(Node::Verification { sid, mac });
                        }
                        None => {}
                    }
                }
            }
        }
    }
}

/// `attachEsig`.
fn attach(scene: &Scene, state: &mut State, task: &Opened, claims: &[Claim]) {
    if task.document.is_none() {
        return;
    }
    let enclave = state.enclave(scene.checks);
    let proofs = confirmed(scene, state, task);
    let at = |place| {
        proofs
            .iter()
            .filter(|proof| enclave.fits(task, claims, place, proof))
            .collect::<Vec<&Attested<Poi>>>()
    };
    let (first, second) = (at(0), at(1));
    let mut made: Vec<(Summary, Term)> = Vec::new();
    for one in &first {
        let pairs = second.iter().map(|other| [*one, *other]);
        made.extend(pairs.filter_map(|pair| enclave.attach(task, claims, &pair)));
    }
    for (summary, sealed) in made {
        state.summaries.insert(summary);
        state.known.learn(sealed);
    }
}
