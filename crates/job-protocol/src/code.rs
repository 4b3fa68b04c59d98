//! The codes of `jobResult.code` (docs/job-protocol.md, "Codes").

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The outcome of a job, as clients see it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// All codes, ascending.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The number on the wire.
            pub fn number(self) -> u16 {
                self as u16
            }
        }
    };
}

codes! {
    /// Success.
    Success = 0,
    /// The job or a part of it does not fit its schema.
    InvalidParameter = 2001,
    /// A part could not be decrypted.
    DecryptFailed = 2002,
    /// `inOrder` differs from the binding data.
    InOrderMismatch = 2003,
    /// Hash of the task configuration differs.
    TaskConfigHash = 2004,
    /// Hash of the template information differs.
    TemplateInfoHash = 2005,
    /// Hash of the template data differs.
    TemplateDataHash = 2006,
    /// Bearer secrets differ.
    BearerSecret = 2007,
    /// The e-mail configuration contradicts the public setting.
    EmailConfigMismatch = 2008,
    /// A mail could not be sent.
    MailFailed = 2009,
    /// The mail provider refused the credentials.
    MailCredentials = 2010,
    /// Twilio refused the credentials.
    TwilioCredentials = 2011,
    /// The Twilio service is set up wrongly.
    TwilioSetting = 2012,
    /// Signer lists differ in length.
    SignerListLength = 2101,
    /// The signer's index is out of range.
    SignerIndex = 2102,
    /// A signer has a phone number, but the task lacks a Twilio configuration.
    TwilioConfigMissing = 2103,
    /// A phone number is invalid.
    PhoneNumber = 2104,
    /// The PDF is a signed one already.
    AlreadySigned = 2105,
    /// The PDF cannot be modified.
    PdfNotModifiable = 2106,
    /// The preview could not be made.
    PreviewFailed = 2107,
    /// The mail to the notificant failed.
    NotifyMail = 2108,
    /// The mail to the signer failed.
    ConfirmMail = 2109,
    /// The proof of request is invalid.
    PorInvalid = 2201,
    /// The content of the proof of request does not match the job.
    PorContent = 2202,
    /// Waiting for the PIN.
    WaitingForPin = 2203,
    /// The phone check failed.
    PhoneCheck = 2204,
    /// The SMS could not be sent.
    Sms = 2205,
    /// Proof list and signer list differ in length.
    ProofListLength = 2301,
    /// A proof of intent is invalid.
    PoiInvalid = 2302,
    /// The content of a proof of intent does not match the job.
    PoiContent = 2303,
    /// Signers did not sign in order.
    Order = 2304,
    /// Signing failed.
    SigningFailed = 2305,
    /// The result could not be encrypted.
    ResultEncryption = 2306,
    /// Protocol 2: the account is refused.
    AccountRefused = 2401,
    /// Protocol 2: the task is refused.
    TaskRefused = 2402,
    /// Protocol 2: the document is refused.
    DocumentRefused = 2403,
    /// Protocol 2: a statement is not the sender's, or the round is not the current one.
    StatementRefused = 2404,
    /// Protocol 2: the task is void.
    Void = 2405,
    /// Protocol 2: the task has expired.
    Expired = 2406,
    /// Protocol 2: the answer is not from this link, or its action is another function's.
    AnswerRefused = 2407,
    /// Protocol 2: the link was made by another start of the enclave.
    LinkGone = 2408,
    /// Anything else.
    Undefined = 2999,
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_ascend_and_are_those_of_the_protocol() {
        let numbers: Vec<u16> = Code::ALL.iter().map(|code| code.number()).collect();
        let expected: Vec<u16> = [0]
            .into_iter()
            .chain(2001..=2012)
            .chain(2101..=2109)
            .chain(2201..=2205)
            .chain(2301..=2306)
            .chain(2401..=2408)
            .chain([2999])
            .collect();
        assert_eq!(numbers, expected);
    }
}
