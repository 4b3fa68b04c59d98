//! Whether a document can be signed, before anything is sent.

use crate::draft::{Draft, Kind, Place};
use anyhow::{Context, Result, bail};
use letsesign_stamp::{
    Field, FieldKind, Fonts, Mark, Placement, Signer, Template, Text, is_signed,
};
use std::borrow::Cow;
use std::sync::OnceLock;

/// The longest document: sealed and in base64 it has to fit into a job.
pub(crate) const DOCUMENT_MAX: usize = (36 << 20) - 4096;

macro_rules! face {
    ($name:literal) => {
        &include_bytes!(concat!("../../enclave/packages/fonts/", $name))[..]
    };
}

/// The enclave's own: a name that they lack a character of is refused there, too. 17 MB of the
/// program, of which a check reads a few pages.
fn fonts() -> Result<&'static Fonts> {
    static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
    let load = || {
        let script = face!("DancingScript-Regular.otf");
        Fonts::new(script, face!("Inconsolata.otf"), face!("ukai.ttc")).ok()
    };
    let fonts = FONTS.get_or_init(load).as_ref();
    fonts.context("the fonts of this program cannot be read")
}

/// The fonts of texts that are not a signature.
fn plain_fonts() -> Result<&'static Fonts> {
    static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
    let load = || Fonts::plain(face!("Inconsolata.otf"), face!("ukai.ttc")).ok();
    let fonts = FONTS.get_or_init(load).as_ref();
    fonts.context("the fonts of this program cannot be read")
}

fn open(pdf: &[u8]) -> Result<Template<'_>> {
    if pdf.len() > DOCUMENT_MAX {
        bail!("the document has {} bytes; it can have 36 MB", pdf.len());
    }
    if is_signed(pdf) {
        bail!("the document was signed by this service already: send the original");
    }
    let template = Template::open(pdf).context("the document cannot be signed")?;
    Ok(template.placed(Placement::Displayed))
}

/// Width and height of the pages of a PDF as a reader displays them, in units of the page, when it
/// can be signed.
///
/// # Errors
/// A sentence that says why it cannot, and the way out.
pub fn pages(pdf: &[u8]) -> Result<Vec<(f64, f64)>> {
    let template = open(pdf)?;
    let cannot = "the document cannot be signed";
    template.check(fonts()?, &[]).context(cannot)?;
    template.page_sizes().context(cannot)
}

fn field(kind: FieldKind, place: &Place) -> Field {
    Field {
        kind,
        page: place.page,
        x: place.x,
        y: place.y,
        height: place.height,
    }
}

/// The document with the texts that the sender knows: names, addresses and numbers. Without such
/// fields it is the document itself.
fn filled<'a>(draft: &'a Draft, original: &Template<'_>) -> Result<Cow<'a, [u8]>> {
    let mut texts = Vec::new();
    for (person, signer) in draft.people.iter().zip(1..) {
        for (place, position) in person.fields.iter().zip(1..) {
            let text = match place.kind {
                Kind::Signature | Kind::Date => None,
                Kind::Name => Some(person.name.as_str()),
                Kind::Email => Some(person.email.as_str()),
                Kind::Phone => person.phone.as_deref(),
            };
            texts.extend(text.map(|text| Text {
                text,
                field: field(FieldKind::Other, place),
                signer,
                position,
            }));
        }
    }
    if texts.is_empty() {
        return Ok(Cow::Borrowed(&draft.pdf));
    }
    let filled = original.fill(plain_fonts()?, &texts);
    Ok(Cow::Owned(filled.context("a field cannot be filled")?))
}

/// The document that is to be sealed: filled, and stamped once as the enclave will, to find out now
/// what it would refuse.
///
/// # Errors
/// A sentence that says what is wrong, and the way out.
pub(crate) fn checked(draft: &Draft) -> Result<Cow<'_, [u8]>> {
    // First the original: an error of it is not one of its fields.
    let original = open(&draft.pdf)?;
    let document = filled(draft, &original)?;
    let template = match &document {
        Cow::Borrowed(_) => original,
        Cow::Owned(filled) => open(filled)?,
    };
    let fields: Vec<Vec<Field>> = draft
        .people
        .iter()
        .map(|person| {
            let drawn = |place: &Place| match place.kind {
                Kind::Signature => Some(field(FieldKind::Signature, place)),
                Kind::Date => Some(field(FieldKind::Date, place)),
                Kind::Name | Kind::Email | Kind::Phone => None,
            };
            person.fields.iter().filter_map(drawn).collect()
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
        .context("the document cannot be signed")?;
    drop(template);
    Ok(document)
}
