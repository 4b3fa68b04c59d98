//! The functions of the enclave (docs/protocol-2.md, "Functions").

use crate::enclave::{Attested, Confirmed, Enclave, Opened, current};
use crate::keys::{number, seal};
use crate::message::{Answer, Claim, Decline, Function, Mail, Part, Poi, Por, Summary, Void, Wish};
use crate::term::Node;
use crate::{Check, Term};

impl Enclave {
    /// `sendReq`.
    pub(crate) fn send_request(
        &self,
        task: &Opened,
        claims: &[Claim],
        (signer, round): (u8, u8),
        before: Option<&Attested<Poi>>,
    ) -> Option<(Attested<Por>, Mail)> {
        let shown = task.shown()?;
        let person = task.configuration.signers.get(usize::from(signer))?;
        if !self.is_not_void(claims)
            || !self
                .checks
                .holds(Check::SendRound, round == current(claims, signer))
        {
            return None;
        }
        let chained = task.header.in_order && signer > 0;
        let fits = match before {
            Some(proof) => chained && self.fits(task, claims, signer - 1, proof),
            None => !chained,
        };
        if !self.checks.holds(Check::SendPrevious, fits) {
            return None;
        }
        let previous = before.map(|(poi, _)| Term::from(Node::Poi(poi.clone())).digest());
        let key = self.link_key(task, signer, round);
        let answer_key = self
            .checks
            .answer_key(&task.root, &task.binding, signer, round);
        let por = Por {
            binding: task.binding.clone(),
            signer,
            round,
            link_key: key.public_key(),
            answer_key: answer_key.public_key(),
            previous: previous.filter(|_| self.checks.on(Check::PorPrevious)),
        };
        let proof = Term::from(Node::Por(por.clone()));
        let document = self.attest(Function::SendReq, task, &proof);
        let mail = Mail {
            mailbox: person.mailbox,
            sent_by: (task.account.domain, task.account.provider),
            task: shown,
            por: por.clone(),
            por_hash: proof.digest(),
            key,
            time: self.time,
        };
        Some(((por, document), mail))
    }

    /// A PoR that came back: for this task and the current round.
    fn accepts(&self, task: &Opened, claims: &[Claim], (por, document): &Attested<Por>) -> bool {
        let proof = Node::Por(por.clone()).into();
        self.proves(document, Function::SendReq, &task.binding, &proof)
            && self
                .checks
                .holds(Check::PorBinding, por.binding == task.binding)
            && self
                .checks
                .holds(Check::PorRound, por.round == current(claims, por.signer))
            && self.is_not_void(claims)
    }

    /// `remind`.
    pub(crate) fn remind(
        &self,
        task: &Opened,
        claims: &[Claim],
        asked: &Attested<Por>,
    ) -> Option<Mail> {
        let (por, document) = asked;
        let key = self.link_key(task, por.signer, por.round);
        if !self.accepts(task, claims, asked)
            || !self
                .checks
                .holds(Check::RemindKey, por.link_key == key.public_key())
        {
            return None;
        }
        let person = task.configuration.signers.get(usize::from(por.signer))?;
        Some(Mail {
            mailbox: person.mailbox,
            sent_by: (task.account.domain, task.account.provider),
            task: task.shown()?,
            por: por.clone(),
            por_hash: Term::from(Node::Por(por.clone())).digest(),
            key,
            time: document.time,
        })
    }

    /// Opens an answer to a PoR, and gives the hash of what was signed. The host hands it over
    /// encrypted.
    fn answer(&self, task: &Opened, por: &Por, sent: &Term) -> Option<(Answer, Term)> {
        let Node::Encrypted { to, about, text } = sent.node() else {
            return None;
        };
        let hash = Term::from(Node::Por(por.clone())).digest();
        let key = self
            .checks
            .answer_key(&task.root, &task.binding, por.signer, por.round);
        let hash_of_answer = text.digest();
        let Node::List(parts) = text.node() else {
            return None;
        };
        let [signature, text] = parts.as_slice() else {
            return None;
        };
        let Node::Answer(answer) = text.node() else {
            return None;
        };
        let genuine = match signature.node() {
            Node::Signed(key, signed) => {
                key.public_key() == por.link_key && *signed == self.checks.signed(&hash, text)
            }
            _ => false,
        };
        let accepted = *to == key.public_key()
            && self.checks.holds(Check::AnswerData, *about == hash)
            && self.checks.holds(Check::AnswerSignature, genuine);
        accepted.then(|| (answer.clone(), hash_of_answer))
    }

    /// `confirmIntent`. `verification` is the SID and its code. `claimed` is what the host says of
    /// the PoI before; it counts where the PoR does not say it.
    pub(crate) fn confirm(
        &self,
        task: &Opened,
        claims: &[Claim],
        asked: &Attested<Por>,
        sent: &Term,
        verification: Option<(&Term, &Term)>,
        claimed: Option<&Term>,
    ) -> Option<Confirmed> {
        let (por, document) = asked;
        if !self.accepts(task, claims, asked) {
            return None;
        }
        let (answer, hash_of_answer) = self.answer(task, por, sent)?;
        let person = task.configuration.signers.get(usize::from(por.signer))?;
        let hash = Term::from(Node::Por(por.clone())).digest();
        if let (Some(phone), Wish::RequestPin) = (person.phone, answer.wish) {
            let sid = Term::list(&[&Term::constant("sid", 0), &hash]).digest();
            let mac = self.checks.verification_code(&task.root, &hash, &sid);
            return Some(Confirmed::PinSent { phone, sid, mac });
        }
        if !self
            .checks
            .holds(Check::Action, answer.wish == Wish::Confirm)
        {
            return None;
        }
        if person.phone.is_some() && self.checks.on(Check::Pin) {
            let (sid, mac) = verification?;
            let code = self.checks.verification_code(&task.root, &hash, sid);
            if !self.checks.holds(Check::VerificationCode, *mac == code)
                || answer.detail != Some(Node::Fresh("pin", sid.clone()).into())
            {
                return None;
            }
        }
        let poi = Poi {
            binding: task.binding.clone(),
            signer: por.signer,
            round: por.round,
            por: hash,
            por_time: document.time,
            answer: hash_of_answer,
            previous: if self.checks.on(Check::PorPrevious) {
                por.previous.clone()
            } else {
                claimed.cloned()
            },
        };
        let proof = Node::Poi(poi.clone()).into();
        let document = self.attest(Function::ConfirmIntent, task, &proof);
        Some(Confirmed::Poi((poi, document)))
    }

    /// `decline`: the proof and the sealed reason.
    pub(crate) fn decline(
        &self,
        task: &Opened,
        claims: &[Claim],
        asked: &Attested<Por>,
        sent: &Term,
    ) -> Option<(Attested<Decline>, Term)> {
        let (por, _) = asked;
        if !self.accepts(task, claims, asked) {
            return None;
        }
        let (answer, _) = self.answer(task, por, sent)?;
        if !self
            .checks
            .holds(Check::Action, answer.wish == Wish::Decline)
        {
            return None;
        }
        let proof = Decline {
            binding: task.binding.clone(),
            signer: por.signer,
            por: Term::from(Node::Por(por.clone())).digest(),
        };
        let reason = answer.detail.unwrap_or_else(|| number(0));
        let sealed = seal(
            &task.root,
            Part::Decline,
            &task.header.task,
            &task.binding,
            &reason,
        );
        let document = self.attest(
            Function::Decline,
            task,
            &Node::Decline(proof.clone()).into(),
        );
        Some(((proof, document), sealed))
    }

    /// `voidTask`.
    pub(crate) fn void(&self, task: &Opened, claims: &[Claim]) -> Option<Attested<Void>> {
        if !self
            .checks
            .holds(Check::VoidStatement, claims.contains(&Claim::Void))
        {
            return None;
        }
        let proof = Void {
            binding: task.binding.clone(),
        };
        let document = self.attest(Function::VoidTask, task, &Node::Void(proof.clone()).into());
        Some((proof, document))
    }

    /// Whether a PoI can stand at a signer's place.
    pub(crate) fn fits(
        &self,
        task: &Opened,
        claims: &[Claim],
        place: u8,
        (poi, document): &Attested<Poi>,
    ) -> bool {
        let proof = Node::Poi(poi.clone()).into();
        self.proves(document, Function::ConfirmIntent, &task.binding, &proof)
            && self
                .checks
                .holds(Check::PoiBinding, poi.binding == task.binding)
            && self.checks.holds(Check::PoiSigner, poi.signer == place)
            && self
                .checks
                .holds(Check::PoiRound, poi.round == current(claims, place))
    }

    /// `attachEsig` for PoIs that [`fits`](Self::fits) has accepted: the attested summary, and the
    /// sealed result.
    pub(crate) fn attach(
        &self,
        task: &Opened,
        claims: &[Claim],
        proofs: &[&Attested<Poi>],
    ) -> Option<(Summary, Term)> {
        let shown = task.shown()?;
        let in_order = proofs.windows(2).all(|pair| match pair {
            [(before, _), (after, _)] => {
                after.previous == Some(Term::from(Node::Poi(before.clone())).digest())
            }
            _ => true,
        });
        if !self.is_not_void(claims)
            || (task.header.in_order && !self.checks.holds(Check::InOrder, in_order))
        {
            return None;
        }
        let sealed = seal(
            &task.root,
            Part::Result,
            &task.header.task,
            &task.binding,
            &shown.document,
        );
        let summary = Summary {
            task: shown,
            provider: task.account.provider,
            claims: claims.to_vec(),
            signers: proofs
                .iter()
                .map(|(poi, _)| (poi.round, poi.por_time))
                .collect(),
        };
        Some((summary, sealed))
    }
}
