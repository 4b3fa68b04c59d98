//! Whether a document can be signed, before anything is sent.

use crate::draft::Draft;
use anyhow::{Context, Result, bail};
use letsesign_protocol2::FieldType;
use letsesign_stamp::{Field, FieldKind, Fonts, Mark, Placement, Signer, Template, is_signed};
use std::sync::OnceLock;

/// The longest document: sealed and in base64 it has to fit into a job.
pub(crate) const DOCUMENT_MAX: usize = (36 << 20) - 4096;

fn fonts() -> Result<&'static Fonts> {
    // The enclave's own: a name that they lack a character of is refused there, too. 17 MB of the
    // program, of which a check reads a few pages.
    macro_rules! face {
        ($name:literal) => {
            &include_bytes!(concat!("../../enclave/packages/fonts/", $name))[..]
        };
    }
    static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
    let load = || {
        let script = face!("DancingScript-Regular.otf");
        Fonts::new(script, face!("Inconsolata.otf"), face!("ukai.ttc")).ok()
    };
    FONTS
        .get_or_init(load)
        .as_ref()
        .context("the fonts of this program cannot be read")
}

/// Stamps the draft's document as the enclave will, to find out now what it would refuse.
///
/// # Errors
/// A sentence that says what is wrong, and the way out.
pub fn check(draft: &Draft) -> Result<()> {
    if draft.pdf.len() > DOCUMENT_MAX {
        bail!(
            "the document has {} bytes; it can have 36 MB",
            draft.pdf.len()
        );
    }
    if is_signed(&draft.pdf) {
        bail!("the document was signed by this service already: send the original");
    }
    let template = Template::open(&draft.pdf).context("the document cannot be signed")?;
    let template = template.placed(Placement::Displayed);
    let fields: Vec<Vec<Field>> = draft
        .people
        .iter()
        .map(|person| {
            let place = |place: &crate::Place| Field {
                kind: match place.kind {
                    FieldType::Signature => FieldKind::Signature,
                    FieldType::Date => FieldKind::Date,
                },
                page: place.page,
                x: place.x,
                y: place.y,
                height: place.height,
            };
            person.fields.iter().map(place).collect()
        })
        .collect();
    let magic = "5e".repeat(32);
    let signers: Vec<Signer<'_>> = draft
        .people
        .iter()
        .zip(&fields)
        .zip(1..)
        .map(|((person, fields), number)| Signer {
            number,
            name: &person.name,
            fields,
            what: Mark::Signed {
                magic_number: &magic,
                date: "2026/11/27 (UTC)",
            },
        })
        .collect();
    template
        .check(fonts()?, &signers)
        .context("the document cannot be signed")
}
