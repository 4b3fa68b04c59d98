//! All that must hold in every state, and what must be reachable (docs/security.md, "Protocol 2").

use crate::enclave::current;
use crate::message::{Claim, Mail, Person, Shown, Summary, Wish};
use crate::model::{Model, State};
use crate::term::Node;
use crate::{Check, Term};
use stateright::Property;

/// All that must be reachable, so that the rest does not hold for want of anything to happen.
pub const REACHABLE: [&str; 3] = ["a summary", "a decline", "a void"];

/// All properties.
pub(crate) fn all() -> Vec<Property<Model>> {
    vec![
        Property::always("secrecy", secrecy),
        Property::always("links", links),
        Property::always("tasks", tasks),
        Property::always("mails", mails),
        Property::always("answers", answers),
        Property::always("statements", statements),
        Property::always("summary", summary),
        Property::always("asked", asked),
        Property::always("order", order),
        Property::always("times", times),
        Property::always("provider", provider),
        Property::always("accepted", accepted),
        Property::sometimes("a summary", |model, state: &State| {
            state
                .summaries
                .iter()
                .any(|summary| is_of_sender(model, &summary.task.binding))
        }),
        Property::sometimes("a decline", |model, state: &State| {
            state.known.terms().any(|term| match term.node() {
                Node::Decline(decline) => is_of_sender(model, &decline.binding),
                _ => false,
            })
        }),
        Property::sometimes("a void", |model, state: &State| {
            state.known.terms().any(|term| match term.node() {
                Node::Void(void) => is_of_sender(model, &void.binding),
                _ => false,
            })
        }),
    ]
}

/// Whether a task is one that a sender sealed, and not the host's own.
fn is_of_sender(model: &Model, binding: &Term) -> bool {
    model
        .0
        .sealed
        .iter()
        .any(|(_, shown)| shown.binding == *binding)
}

/// The host knows no document, configuration, account secret, reason or PIN of honest people.
fn secrecy(model: &Model, state: &State) -> bool {
    let scene = &model.0;
    let is_honest = |mail: &Mail| scene.accounts.contains(&mail.task.header.account);
    let declines = state
        .uses
        .iter()
        .filter(|one| one.wish == Wish::Decline && is_honest(&one.mail));
    let reasons = declines.map(|one| Node::Fresh("reason", one.mail.por_hash.clone()).into());
    // The sender of a task pays for its SMS and can read them.
    let pins = state
        .pins
        .iter()
        .filter(|_| scene.setting.conspiracy.is_none());
    let pins = pins.map(|(_, sid)| Node::Fresh("pin", sid.clone()).into());
    let mut hidden = scene.secrets.iter().cloned().chain(reasons).chain(pins);
    !hidden.any(|secret: Term| state.known.can(&secret))
}

/// The host, with or without a sender, knows no link of an honest mailbox.
fn links(model: &Model, state: &State) -> bool {
    let scene = &model.0;
    !state.mails.iter().any(|mail| {
        !scene.reads_mailbox(mail.mailbox)
            && !state.leaked.contains(&mail.por_hash)
            && state.known.can(&mail.key)
    })
}

/// Whether what was shown is a task that its sender sealed. Conspiring senders seal anything.
fn is_sealed(model: &Model, shown: &Shown) -> bool {
    let scene = &model.0;
    !scene.accounts.contains(&shown.header.account)
        || scene.sealed.iter().any(|(_, sealed)| sealed == shown)
}

/// Nothing is mailed or signed in the name of an account but what its sender sealed.
fn tasks(model: &Model, state: &State) -> bool {
    let mails = state.mails.iter().map(|mail| &mail.task);
    let summaries = state.summaries.iter().map(|summary| &summary.task);
    mails.chain(summaries).all(|shown| is_sealed(model, shown))
}

/// A mail comes from the domain that it shows, and its link fits its PoR.
fn mails(_: &Model, state: &State) -> bool {
    state.mails.iter().all(|mail| {
        let signers = &mail.task.configuration.signers;
        let person = signers.get(usize::from(mail.por.signer));
        mail.task.configuration.domain == mail.sent_by.0
            && mail.key.public_key() == mail.por.link_key
            && mail.task.binding == mail.por.binding
            && person.is_some_and(|person| person.mailbox == mail.mailbox)
    })
}

/// Whether a signer can act: who reads the mails has no phone to confirm with.
fn is_honest(model: &Model, person: Person) -> bool {
    let phone = person
        .phone
        .is_some_and(|phone| !model.0.reads_phone(phone));
    !model.0.reads_mailbox(person.mailbox) || phone
}

fn person(model: &Model, binding: &Term, signer: u8) -> Option<Person> {
    let of = |task: &&crate::enclave::Opened| task.binding == *binding;
    let task = model.0.openings.iter().find(of)?;
    let signers = &task.configuration.signers;
    signers.get(usize::from(signer)).copied()
}

/// A PoI means that the link of its PoR confirmed, a decline that it declined.
fn answers(model: &Model, state: &State) -> bool {
    state.known.terms().all(|term| {
        let (binding, signer, por, wish) = match term.node() {
            Node::Poi(poi) => (&poi.binding, poi.signer, &poi.por, Wish::Confirm),
            Node::Decline(decline) => (
                &decline.binding,
                decline.signer,
                &decline.por,
                Wish::Decline,
            ),
            _ => return true,
        };
        let Some(person) = person(model, binding, signer) else {
            return true;
        };
        let used = state.uses.iter().any(|one| {
            one.wish == wish
                && one.mail.por.binding == *binding
                && one.mail.por.signer == signer
                && one.mail.por_hash == *por
        });
        // A thief of mails can decline. An old link that came to the host can do anything.
        used || !is_honest(model, person)
            || (wish == Wish::Decline && model.0.reads_mailbox(person.mailbox))
            || state.leaked.contains(por)
    })
}

/// Voids and new rounds are the sender's.
fn statements(model: &Model, state: &State) -> bool {
    let scene = &model.0;
    let stated = |binding: &Term, claim: Claim| {
        scene.sealed.iter().any(|(task, shown)| {
            shown.binding == *binding && state.stated.contains(&(*task, claim))
        })
    };
    let honest = |binding: &Term| {
        let mut of = scene
            .openings
            .iter()
            .filter(|task| task.binding == *binding);
        of.any(|task| scene.accounts.contains(&task.header.account))
    };
    let voids = state.known.terms().all(|term| match term.node() {
        Node::Void(void) => !honest(&void.binding) || stated(&void.binding, Claim::Void),
        _ => true,
    });
    let summaries = state
        .summaries
        .iter()
        .all(|summary| !summary.claims.contains(&Claim::Void));
    let rounds = state.mails.iter().all(|mail| {
        let (signer, round) = (mail.por.signer, mail.por.round);
        round == 1
            || !honest(&mail.por.binding)
            || stated(&mail.por.binding, Claim::NewRound { signer, round })
    });
    voids && summaries && rounds
}

/// The honest signers of a summary, and whether a use confirms the entry of each.
fn entries(
    model: &Model,
    state: &State,
    summary: &Summary,
    holds: impl Fn(&crate::message::Use, u8) -> bool,
) -> bool {
    let signers = summary.task.configuration.signers.iter();
    (0..)
        .zip(signers)
        .zip(&summary.signers)
        .all(|((signer, person), &(round, _))| {
            let leaked = state.mails.iter().any(|mail| {
                let por = &mail.por;
                por.binding == summary.task.binding
                    && (por.signer, por.round) == (signer, round)
                    && state.leaked.contains(&mail.por_hash)
            });
            let used = state.uses.iter().any(|one| {
                let por = &one.mail.por;
                one.wish == Wish::Confirm
                    && one.mail.mailbox == person.mailbox
                    && (por.signer, por.round) == (signer, round)
                    && one.mail.task == summary.task
                    && holds(one, signer)
            });
            used || leaked || !is_honest(model, *person)
        })
}

/// A summary means that each signer's link of that round was used to confirm exactly this task.
fn summary(model: &Model, state: &State) -> bool {
    state
        .summaries
        .iter()
        .all(|summary| entries(model, state, summary, |_, _| true))
}

/// In order: nobody is asked before the signer before has confirmed.
fn asked(_: &Model, state: &State) -> bool {
    state.mails.iter().all(|mail| {
        let before = mail.por.signer.checked_sub(1);
        let before = before.filter(|_| mail.task.header.in_order);
        before.is_none_or(|before| !state.rounds(&mail.task.binding, before).is_empty())
    })
}

/// The time in a summary at which a signer was asked is one at which its link was mailed. An answer
/// may be older: the same PoR can be attested again.
fn times(model: &Model, state: &State) -> bool {
    state.summaries.iter().all(|summary| {
        let signers = summary.task.configuration.signers.iter();
        (0..)
            .zip(signers)
            .zip(&summary.signers)
            .all(|((signer, person), &(round, time))| {
                let mailed = state.mails.iter().any(|mail| {
                    let por = &mail.por;
                    por.binding == summary.task.binding
                        && (por.signer, por.round, mail.time) == (signer, round, time)
                });
                mailed || !is_honest(model, *person)
            })
    })
}

/// In order: each signer answered after the one before had confirmed.
fn order(model: &Model, state: &State) -> bool {
    let ordered = state
        .summaries
        .iter()
        .filter(|summary| summary.task.header.in_order);
    ordered.into_iter().all(|summary| {
        entries(model, state, summary, |one, signer| {
            let before = signer
                .checked_sub(1)
                .and_then(|before| summary.signers.get(usize::from(before)));
            before.is_none_or(|(round, _)| one.before.contains(round))
        })
    })
}

/// The provider in a summary is the one that the mails went through.
fn provider(model: &Model, state: &State) -> bool {
    state.summaries.iter().all(|summary| {
        entries(model, state, summary, |one, _| {
            one.mail.sent_by.1 == summary.provider
        })
    })
}

/// All that an honest sender accepts has the rounds that it stated last, of a task that it did not
/// void.
fn accepted(model: &Model, state: &State) -> bool {
    let scene = &model.0;
    scene.sealed.iter().all(|(task, shown)| {
        let mut stated: Vec<Claim> = state
            .stated
            .iter()
            .filter(|(of, _)| of == task)
            .map(|&(_, claim)| claim)
            .collect();
        stated.sort_unstable();
        state
            .summaries
            .iter()
            .filter(|summary| summary.task == *shown)
            .filter(|summary| {
                scene
                    .checks
                    .holds(Check::SenderCompares, summary.claims == stated)
            })
            .all(|summary| {
                let rounds = (0..).zip(&summary.signers);
                !stated.contains(&Claim::Void)
                    && rounds
                        .into_iter()
                        .all(|(signer, (round, _))| *round == current(&stated, signer))
            })
    })
}
