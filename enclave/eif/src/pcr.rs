//! Platform configuration registers: the measurements of an image.
//!
//! Each register is extended once, from zero, with the SHA-384 of its contents:
//! `PCRn = SHA-384(0^48 || SHA-384(contents))`. The contents are concatenated section contents,
//! without headers and without lengths:
//!
//! | register | contents |
//! |---|---|
//! | PCR0 | kernel, cmdline, all ramdisks |
//! | PCR1 | kernel, cmdline, first ramdisk |
//! | PCR2 | the other ramdisks |
//! | PCR8 | DER of the signing certificate |
//!
//! Because lengths are left out, two images can share PCR0 although their sections are cut
//! differently: compare PCR0, PCR1 and PCR2 together.

use letsesign_pcr::Pcr;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Reads a register in either case: other tools write upper-case digits.
fn any_case<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pcr, D::Error> {
    let text = String::deserialize(deserializer)?;
    Pcr::parse(&text.to_ascii_lowercase())
        .map_err(|_| D::Error::custom(format!("a PCR is 96 hexadecimal digits, not {text:?}")))
}

fn any_case_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pcr>, D::Error> {
    #[derive(Deserialize)]
    struct AnyCase(#[serde(deserialize_with = "any_case")] Pcr);
    Ok(Option::<AnyCase>::deserialize(deserializer)?.map(|AnyCase(pcr)| pcr))
}

/// The registers of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pcrs {
    /// Kernel, cmdline and all ramdisks.
    #[serde(rename = "PCR0", deserialize_with = "any_case")]
    pub pcr0: Pcr,
    /// Kernel, cmdline and the first ramdisk.
    #[serde(rename = "PCR1", deserialize_with = "any_case")]
    pub pcr1: Pcr,
    /// The ramdisks after the first. With one ramdisk this is the register of nothing,
    /// [`Pcrs::empty`].
    #[serde(rename = "PCR2", deserialize_with = "any_case")]
    pub pcr2: Pcr,
    /// The signing certificate; absent when the image is not signed.
    #[serde(
        rename = "PCR8",
        default,
        deserialize_with = "any_case_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub pcr8: Option<Pcr>,
}

impl Pcrs {
    /// The register over no contents at all: `21b9efbc...`.
    pub fn empty() -> Pcr {
        Pcr::of(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn register_of_nothing_is_the_published_value() {
        assert!(
            Pcrs::empty()
                .to_string()
                .starts_with("21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c")
        );
    }

    #[test]
    fn text_form_is_checked() {
        let read = |pcr: &str| {
            serde_json::from_str::<Pcrs>(&format!(
                r#"{{"PCR0":"{pcr}","PCR1":"{pcr}","PCR2":"{pcr}","PCR8":"{pcr}"}}"#
            ))
        };
        let pcr = Pcr::of(b"x");
        for text in [pcr.to_string(), pcr.to_string().to_ascii_uppercase()] {
            let back = read(&text).unwrap();
            assert_eq!((back.pcr0, back.pcr8), (pcr, Some(pcr)));
        }
        for bad in ["", "00", &"g".repeat(96), &"0".repeat(98)] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
