//! Writes one page: its stamp, its resources, its content, and the annotations above them.

use crate::active;
use crate::content::content;
use crate::cover::{Area, above};
use crate::draw::Uses;
use crate::error::Error;
use crate::font_set::Shared;
use crate::page::{Page, View};
use crate::update::Update;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::filter::deflate_within;
use letsesign_pdf_reader::object::{Dict, Object};
use std::collections::HashSet;

/// Numbers reserved for fonts and seals, more than needed. These differ between previews and signed
/// documents, and no other number may.
const SHARED: u32 = 64;

/// A page and the drawing on it.
pub(crate) struct Sheet {
    pub(crate) page: Page,
    /// The content of its stamp.
    pub(crate) drawn: Vec<u8>,
    /// The areas of stamp fields. All pages with such a field are written, whichever stamp is
    /// drawn.
    pub(crate) areas: Vec<Area>,
}

/// A node of the page tree with references to new objects in place of all direct kids: some readers
/// show no page of a document with such a kid.
pub(crate) fn with_kids(
    document: &Document<'_>,
    node: u32,
    pages: &[(usize, u32)],
    update: &mut Update,
) -> Result<(u16, Object), Error> {
    let loaded = document.load(node)?;
    let (mut object, generation) = match loaded {
        Some(loaded) => (loaded.object, loaded.generation),
        None => return Err(Error::Damaged("no pages")),
    };
    active::clean(document, &mut object, false)?;
    if let Object::Dict(dict) = &mut object
        && let Object::Array(mut kids) = document.value(dict, b"Kids")?
    {
        for (index, number) in pages {
            if let Some(kid) = kids.get_mut(*index) {
                *kid = Object::Ref(*number, 0);
            }
        }
        for kid in &mut kids {
            if matches!(kid, Object::Dict(_)) {
                active::clean(document, kid, false)?;
                document.spend(kid.values())?;
                *kid = Object::Ref(update.add(std::mem::replace(kid, Object::Null)), 0);
            }
        }
        dict.set(b"Kids", Object::Array(kids));
    }
    Ok((generation, object))
}

/// One resource dictionary for the stamps of all pages.
pub(crate) fn resources(
    fonts: &Shared,
    uses: &Uses,
    first: u32,
    update: &mut Update,
) -> Result<u32, Error> {
    let mut faces = Dict::default();
    for (name, used, face) in [
        ("Script", &uses.script, &fonts.script),
        ("Cjk", &uses.cjk, &fonts.cjk),
    ] {
        if !used.is_empty() {
            faces.set(
                name.as_bytes(),
                Object::Ref(used.subset(face)?.write(update), 0),
            );
        }
    }
    for (name, fixed) in [
        ("Mono", &fonts.mono),
        ("English", &fonts.english),
        ("Chinese", &fonts.chinese),
    ] {
        if uses.fixed.contains(name) {
            faces.set(name.as_bytes(), Object::Ref(fixed.subset.write(update), 0));
        }
    }
    let mut forms = Dict::default();
    for (name, seal) in [("Signed", &fonts.signed), ("Pending", &fonts.pending)] {
        if uses.fixed.contains(name) {
            forms.set(name.as_bytes(), Object::Ref(seal.write(update), 0));
        }
    }
    let resources = Dict::default()
        .with("Font", Object::Dict(faces))
        .with("XObject", Object::Dict(forms));
    update.go_on_with(first.saturating_add(SHARED));
    Ok(update.add(Object::Dict(resources)))
}

/// The stamp of one page, as a form in the page's own space.
pub(crate) fn form(
    document: &Document<'_>,
    view: &View,
    resources: u32,
    drawn: &[u8],
    update: &mut Update,
) -> Result<u32, Error> {
    let numbers =
        |values: &[f64]| Object::Array(values.iter().map(|value| Object::number(*value)).collect());
    let dict = Dict::default()
        .with("Type", Object::named("XObject"))
        .with("Subtype", Object::named("Form"))
        .with("BBox", numbers(&[0.0, -view.height, view.width, 0.0]))
        .with("Matrix", numbers(&view.matrix))
        .with("Resources", Object::Ref(resources, 0))
        .with("Filter", Object::named("FlateDecode"));
    let packed = deflate_within(drawn, &document.budget)?;
    Ok(update.add_stream(dict, packed))
}

/// The page's dictionary with the form added to its resources and drawn after its content.
pub(crate) fn stamped(
    document: &Document<'_>,
    sheet: &Sheet,
    number: u32,
    form: u32,
    update: &mut Update,
) -> Result<Dict, Error> {
    let page = &sheet.page;
    let mut cleaned = Object::Dict(page.dict.clone());
    active::clean(document, &mut cleaned, false)?;
    let Object::Dict(mut dict) = cleaned else {
        return Err(Error::Damaged("a page is not a dictionary"));
    };
    // Copies, because other pages may share the originals.
    let mut resources = match page
        .resources
        .as_ref()
        .map(|resources| document.resolve(resources))
        .transpose()?
    {
        Some(Object::Dict(resources)) => resources,
        _ => Dict::default(),
    };
    let mut forms = match document.value(&resources, b"XObject")? {
        Object::Dict(forms) => forms,
        _ => Dict::default(),
    };
    let name = {
        let taken: HashSet<&[u8]> = forms.0.iter().map(|(name, _)| name.as_slice()).collect();
        let numbered = (2_u32..).map(|count| format!("Stamp{count}"));
        std::iter::once("Stamp".to_owned())
            .chain(numbered)
            .find(|name| !taken.contains(name.as_bytes()))
            .unwrap_or_default()
    };
    let content = content(document, page, &resources, update)?;
    forms.set(name.as_bytes(), Object::Ref(form, 0));
    resources.set(b"XObject", Object::Dict(forms));
    dict.set(b"Resources", Object::Dict(resources));
    let annotations = dict.get(b"Annots");
    if let Some(above) = above(document, number, annotations, &sheet.areas, form, update)? {
        dict.set(b"Annots", above);
    }
    let mut streams = Vec::with_capacity(content.streams.len() + 2);
    let show = format!("q /{name} Do Q\n");
    if content.streams.is_empty() {
        streams.push(Object::Ref(
            update.add_stream(Dict::default(), show.into_bytes()),
            0,
        ));
    } else {
        let mut after = content.after;
        after.extend_from_slice(show.as_bytes());
        streams.push(Object::Ref(
            update.add_stream(Dict::default(), content.before),
            0,
        ));
        streams.extend(content.streams);
        streams.push(Object::Ref(update.add_stream(Dict::default(), after), 0));
    }
    dict.set(b"Contents", Object::Array(streams));
    Ok(dict)
}
