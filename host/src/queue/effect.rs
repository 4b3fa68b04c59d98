//! For every code of the job protocol: did the job have an effect (docs/host-queue.md).

use letsesign_job_protocol::Code;

/// Whether a job mailed or texted somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing was sent: it may be submitted again by a program.
    No,
    /// Something may have been sent: a person decides.
    Maybe,
    /// Something was sent.
    Yes,
}

/// The effect of a job that ended with `code`, given whether it had begun.
///
/// A job asks `begin-job` before its first mail or SMS (docs/job-protocol.md, "Begin"), so one that
/// has not begun sent nothing, whatever its code. Of one that has begun, only two codes say what
/// was sent: success, and 2203, which follows an SMS. Every other failure may have come before or
/// after a mail, or have sent the mail that reports a failure.
pub fn effect(code: Code, begun: bool) -> Effect {
    if !begun {
        return Effect::No;
    }
    match code {
        Code::Success | Code::WaitingForPin => Effect::Yes,
        // The first message that a job sends is the one that failed, and a provider may have taken
        // it before the connection broke.
        Code::MailFailed
        | Code::MailCredentials
        | Code::TwilioCredentials
        | Code::TwilioSetting
        | Code::NotifyMail
        | Code::ConfirmMail
        | Code::PhoneCheck
        | Code::Sms
        // Refusals: the mail that reports the failure may have been sent.
        | Code::InvalidParameter
        | Code::DecryptFailed
        | Code::InOrderMismatch
        | Code::TaskConfigHash
        | Code::TemplateInfoHash
        | Code::TemplateDataHash
        | Code::BearerSecret
        | Code::EmailConfigMismatch
        | Code::SignerListLength
        | Code::SignerIndex
        | Code::TwilioConfigMissing
        | Code::PhoneNumber
        | Code::AlreadySigned
        | Code::PdfNotModifiable
        | Code::PreviewFailed
        | Code::PorInvalid
        | Code::PorContent
        | Code::ProofListLength
        | Code::PoiInvalid
        | Code::PoiContent
        | Code::Order
        | Code::SigningFailed
        | Code::ResultEncryption
        | Code::AccountRefused
        | Code::TaskRefused
        | Code::DocumentRefused
        | Code::StatementRefused
        | Code::Void
        | Code::Expired
        | Code::AnswerRefused
        | Code::LinkGone
        // Its time was over, perhaps in the middle of its mails.
        | Code::Undefined => Effect::Maybe,
    }
}

/// The effect for a code as it is on the wire. A number that the protocol does not have says
/// nothing about what was sent.
pub fn effect_of_number(code: u16, begun: bool) -> Effect {
    match Code::ALL.iter().find(|known| known.number() == code) {
        Some(code) => effect(*code, begun),
        None if begun => Effect::Maybe,
        None => Effect::No,
    }
}

/// Whether a failed job with this code may be submitted again by a program, unchanged: nothing was
/// sent, and another attempt may end otherwise.
pub fn may_retry(code: u16, begun: bool) -> bool {
    const PASSING: [Code; 6] = [
        // KMS did not answer.
        Code::DecryptFailed,
        Code::MailFailed,
        Code::NotifyMail,
        Code::ConfirmMail,
        Code::Sms,
        Code::Undefined,
    ];
    effect_of_number(code, begun) == Effect::No
        && PASSING.iter().any(|passing| passing.number() == code)
}

#[cfg(test)]
mod tests {
    use super::{Effect, effect, effect_of_number, may_retry};
    use letsesign_job_protocol::Code;

    #[test]
    fn what_has_not_begun_has_no_effect() {
        for code in Code::ALL {
            assert_eq!(effect(*code, false), Effect::No, "{code:?}");
        }
    }

    #[test]
    fn what_has_begun_is_never_taken_for_nothing() {
        for code in Code::ALL {
            assert_ne!(effect(*code, true), Effect::No, "{code:?}");
            assert!(!may_retry(code.number(), true), "{code:?}");
        }
        assert_eq!(effect(Code::WaitingForPin, true), Effect::Yes);
        assert_eq!(effect(Code::Undefined, true), Effect::Maybe);
        assert_eq!(effect_of_number(4711, true), Effect::Maybe);
    }

    #[test]
    fn the_page_has_every_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/host-queue.md");
        let page = std::fs::read_to_string(path).unwrap();
        for code in Code::ALL {
            let begun = match effect(*code, true) {
                Effect::No => "no",
                Effect::Maybe => "maybe",
                Effect::Yes => "yes",
            };
            let retry = if may_retry(code.number(), false) {
                "yes"
            } else {
                "no"
            };
            let row = format!("| {} | no | {begun} | {retry} |", code.number());
            assert!(page.contains(&row), "docs/host-queue.md lacks `{row}`");
        }
    }
}
