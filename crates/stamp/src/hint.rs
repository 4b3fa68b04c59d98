//! The texts of the signing hint.

use crate::Language;

/// The English hint, on two lines.
pub(crate) const ENGLISH: [&str; 2] = ["Your signature will", "be placed here"];
pub(crate) const ENGLISH_CHARACTERS: &str = "Your signature will be placed here";
/// The Chinese hint, on one line.
pub(crate) const CHINESE: &str = "您的簽名將放置於此";

pub(crate) fn lines(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &ENGLISH,
        Language::Chinese => &[CHINESE],
    }
}
