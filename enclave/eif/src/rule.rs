//! The rules that a well-formed image obeys, numbered as in `docs/eif-format.md`.

use std::fmt;

/// One rule of the format. The number is stable: scripts and documents may refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // `text` says what each one demands.
pub enum Rule {
    Magic = 1,
    Version = 2,
    Flags = 3,
    ReservedZero = 4,
    SectionCount = 5,
    UnusedSlots = 6,
    Contiguous = 7,
    SectionKind = 8,
    SectionFlags = 9,
    SizesAgree = 10,
    InsideFile = 11,
    TrailingBytes = 12,
    OneEach = 13,
    Order = 14,
    SmallSections = 15,
    Crc = 16,
    Kernel = 17,
    Cmdline = 18,
    Metadata = 19,
    SignatureForm = 20,
    SignaturePcr0 = 21,
    SignatureValid = 22,
}

impl Rule {
    /// Every rule, by number.
    pub const ALL: [Rule; 22] = [
        Rule::Magic,
        Rule::Version,
        Rule::Flags,
        Rule::ReservedZero,
        Rule::SectionCount,
        Rule::UnusedSlots,
        Rule::Contiguous,
        Rule::SectionKind,
        Rule::SectionFlags,
        Rule::SizesAgree,
        Rule::InsideFile,
        Rule::TrailingBytes,
        Rule::OneEach,
        Rule::Order,
        Rule::SmallSections,
        Rule::Crc,
        Rule::Kernel,
        Rule::Cmdline,
        Rule::Metadata,
        Rule::SignatureForm,
        Rule::SignaturePcr0,
        Rule::SignatureValid,
    ];

    /// The rule's number in `docs/eif-format.md`.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The rule as one sentence.
    pub fn text(self) -> &'static str {
        match self {
            Rule::Magic => "the file starts with \".eif\"",
            Rule::Version => "the version is 4",
            Rule::Flags => "no flag but the architecture bit is set",
            Rule::ReservedZero => "reserved header fields are zero",
            Rule::SectionCount => "an image has 2 to 32 sections",
            Rule::UnusedSlots => "unused slots of the header's tables are zero",
            Rule::Contiguous => "sections follow the header and each other without gap or overlap",
            Rule::SectionKind => "a section is a kernel, cmdline, ramdisk, signature or metadata",
            Rule::SectionFlags => "section flags are zero",
            Rule::SizesAgree => {
                "a section's size is the same in the file header and in its own header"
            }
            Rule::InsideFile => "headers and sections lie inside the file",
            Rule::TrailingBytes => "the file ends with its last section",
            Rule::OneEach => {
                "there is exactly one kernel, one cmdline and one metadata section, at least one ramdisk and at most one signature"
            }
            Rule::Order => {
                "the kernel comes before the cmdline and the cmdline before the ramdisks"
            }
            Rule::SmallSections => {
                "cmdline (2047 bytes), metadata (1 MiB) and signature (256 KiB) keep within their limits"
            }
            Rule::Crc => "the CRC-32 in the header is that of the rest of the file",
            Rule::Kernel => "the kernel has the boot header of the image's architecture",
            Rule::Cmdline => "the cmdline is printable ASCII",
            Rule::Metadata => {
                "the metadata is a JSON object with the fields that AWS's reader needs"
            }
            Rule::SignatureForm => {
                "the signature section is one certificate and one untagged or tagged COSE_Sign1 \
                 with ES256, ES384 or ES512, by the certificate's key"
            }
            Rule::SignaturePcr0 => "the signature's payload is the image's PCR0",
            Rule::SignatureValid => "the signature verifies with the certificate's public key",
        }
    }
}

impl Rule {
    /// The reaction of `nitro-cli describe-eif` to a file that breaks the rule, as a sentence
    /// without its subject. Source: `aws-nitro-enclaves-image-format`, `src/utils/eif_reader.rs`.
    pub fn nitro_cli(self) -> &'static str {
        match self {
            Rule::Magic
            | Rule::Version
            | Rule::Flags
            | Rule::ReservedZero
            | Rule::SectionCount
            | Rule::UnusedSlots
            | Rule::SectionFlags
            | Rule::Kernel
            | Rule::Cmdline => "does not look at it",
            Rule::Contiguous | Rule::SizesAgree => {
                "ignores the header's tables and reads one section after the other"
            }
            Rule::SectionKind => {
                "refuses the file (\"Invalid section type\", for 0 \"Found invalid EIF section\")"
            }
            Rule::InsideFile => "refuses the file (\"Error while reading ... from EIF\")",
            Rule::TrailingBytes => "ignores up to 11 bytes and takes more for another section",
            Rule::OneEach => "takes any number of sections of a kind",
            Rule::Order => "measures the sections in the order of the file",
            Rule::SmallSections => "has no limits",
            Rule::Crc => "prints \"CheckCRC\": false",
            Rule::Metadata => "refuses the file (\"Error deserializing metadata\")",
            Rule::SignatureForm => "is less strict, and stops with a panic when the list is empty",
            Rule::SignaturePcr0 => "prints \"SignatureCheck\": false",
            Rule::SignatureValid => "refuses the file (\"Failed to get signature payload\")",
        }
    }
}

/// A rule that a file breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// Offset from the start of the file of the field or section at fault.
    pub offset: u64,
    /// The bytes or value found instead.
    pub detail: String,
}

impl Violation {
    pub(crate) fn new(rule: Rule, offset: u64, detail: impl Into<String>) -> Self {
        Violation {
            rule,
            offset,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "at offset {}: {} (rule {}: {})",
            self.offset,
            self.detail,
            self.rule.number(),
            self.rule.text()
        )
    }
}

impl std::error::Error for Violation {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page lists each rule with the same words about nitro-cli.
    #[test]
    fn the_page_agrees_about_nitro_cli() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/eif-format.md");
        let page = std::fs::read_to_string(page).unwrap();
        for rule in Rule::ALL {
            let start = format!("| {} | ", rule.number());
            let rules = page.lines().skip_while(|line| !line.starts_with("| rule "));
            let row = rules.skip(2).find(|line| line.starts_with(&start));
            let end = format!(" | {} |", rule.nitro_cli());
            assert!(row.unwrap().ends_with(&end), "{row:?} does not end {end}");
        }
    }

    #[test]
    fn numbers_run_without_gap() {
        for (i, rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(usize::from(rule.number()), i + 1);
            assert!(!rule.text().is_empty());
            assert!(!rule.nitro_cli().is_empty());
        }
    }
}
