//! The single checks of the protocol. Each can be switched off.

/// A check, or a value that enters a key, a code, a signature or the binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Check {
    /// Protocol 1 refuses wrapped texts of other than 32 bytes.
    Protocol1Length,
    /// The tag of an account's data key.
    AccountTag,
    /// The tag of a task's data key.
    TaskTag,
    /// A box commits to its key.
    Commitment,
    /// The part in the key and the associated data of a box.
    BoxPart,
    /// The task's name in the key and the associated data of a box.
    BoxTask,
    /// The hash of the header in the associated data of a box.
    BoxHeader,
    /// The header names the account's identity.
    AccountIdentity,
    /// The account secret enters the root.
    RootAccountSecret,
    /// The configuration's domain is the account's.
    Domain,
    /// The configuration's mail provider is the account's.
    Provider,
    /// The header in the binding.
    BindingHeader,
    /// The configuration box in the binding.
    BindingConfiguration,
    /// The document box in the binding.
    BindingDocument,
    /// The authentication code of a statement.
    StatementCode,
    /// The binding in the key of that code.
    StatementBinding,
    /// A void task is refused.
    VoidRefused,
    /// `voidTask` needs a void statement.
    VoidStatement,
    /// `sendReq` accepts the current round alone.
    SendRound,
    /// A PoR is of the current round.
    PorRound,
    /// A PoI is of the current round.
    PoiRound,
    /// The launch secret in the link key.
    LinkLaunch,
    /// The binding in the link key.
    LinkBinding,
    /// The signer in the link key.
    LinkSigner,
    /// The round in the link key.
    LinkRound,
    /// A reminder compares the PoR's keys with those that it derives.
    RemindKey,
    /// A listed image made an attestation document.
    AttestedImage,
    /// The protocol in the user data.
    AttestedProtocol,
    /// The function in the user data.
    AttestedFunction,
    /// The binding in the user data.
    AttestedBinding,
    /// The binding in a PoR.
    PorBinding,
    /// The binding in a PoI.
    PoiBinding,
    /// The signer in a PoI is the one at this place.
    PoiSigner,
    /// In order: `sendReq` needs the PoI of the signer before.
    SendPrevious,
    /// In order: the hash of that PoI in the PoR, which answers sign with its hash.
    PorPrevious,
    /// In order: `attachEsig` compares that hash with the PoI before.
    InOrder,
    /// The request in the answer key.
    AnswerKey,
    /// The PoR's hash in the associated data of an answer.
    AnswerData,
    /// The link's signature of an answer.
    AnswerSignature,
    /// The PoR's hash in that signature.
    SignaturePor,
    /// The text in that signature: action, PIN and reason.
    SignatureText,
    /// The action fits the function.
    Action,
    /// A signer with a phone number confirms with a PIN.
    Pin,
    /// The authentication code of a verification.
    VerificationCode,
    /// The PoR in the key of that code.
    VerificationPor,
    /// The sender compares the statements of a summary with its own.
    SenderCompares,
}

impl Check {
    /// All checks.
    pub const ALL: [Self; 46] = [
        Self::Protocol1Length,
        Self::AccountTag,
        Self::TaskTag,
        Self::Commitment,
        Self::BoxPart,
        Self::BoxTask,
        Self::BoxHeader,
        Self::AccountIdentity,
        Self::RootAccountSecret,
        Self::Domain,
        Self::Provider,
        Self::BindingHeader,
        Self::BindingConfiguration,
        Self::BindingDocument,
        Self::StatementCode,
        Self::StatementBinding,
        Self::VoidRefused,
        Self::VoidStatement,
        Self::SendRound,
        Self::PorRound,
        Self::PoiRound,
        Self::LinkLaunch,
        Self::LinkBinding,
        Self::LinkSigner,
        Self::LinkRound,
        Self::RemindKey,
        Self::AttestedImage,
        Self::AttestedProtocol,
        Self::AttestedFunction,
        Self::AttestedBinding,
        Self::PorBinding,
        Self::PoiBinding,
        Self::PoiSigner,
        Self::SendPrevious,
        Self::PorPrevious,
        Self::InOrder,
        Self::AnswerKey,
        Self::AnswerData,
        Self::AnswerSignature,
        Self::SignaturePor,
        Self::SignatureText,
        Self::Action,
        Self::Pin,
        Self::VerificationCode,
        Self::VerificationPor,
        Self::SenderCompares,
    ];
}

/// The checks that are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks(u64);

impl Checks {
    /// All but these.
    pub fn without(off: &[Check]) -> Self {
        Self(
            off.iter()
                .fold(u64::MAX, |on, &check| on & !(1 << check as u8)),
        )
    }

    /// Whether a check is on.
    pub fn on(self, check: Check) -> bool {
        self.0 & (1 << check as u8) != 0
    }

    /// Whether something holds, or its check is off.
    pub fn holds(self, check: Check, condition: bool) -> bool {
        condition || !self.on(check)
    }

    /// A value that enters a key or hash; another one that says nothing if its check is off.
    pub(crate) fn value(self, check: Check, value: &crate::Term) -> crate::Term {
        if self.on(check) {
            value.clone()
        } else {
            crate::Term::constant("nothing", 0)
        }
    }
}
