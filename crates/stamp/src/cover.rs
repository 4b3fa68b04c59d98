//! Readers draw annotations and form fields above the page's content, so they could hide a stamp.
//! There the stamp is shown a second time, as the appearance of a field above all others.

use crate::active;
use crate::error::Error;
use crate::page::{View, rectangle};
use crate::update::Update;
use crate::{Field, FieldKind};
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::object::{Dict, Object};

/// Bits of an annotation's flags (ISO 32000-1, 12.5.3).
const HIDDEN: i64 = 1 << 1;
const PRINT: i64 = 1 << 2;
const NO_ZOOM: i64 = 1 << 3;
const NO_ROTATE: i64 = 1 << 4;
const NO_VIEW: i64 = 1 << 5;
const READ_ONLY: i64 = 1 << 6;
const LOCKED: i64 = 1 << 7;
/// Flags of a form field (12.7.4): a push button that is read-only.
const BUTTON: i64 = 1 << 16 | 1;

/// Margin around the drawing, in points.
const MARGIN: f64 = 1.0;

/// The bounding area of a field's drawing: left, bottom, right, top, in the page's user space.
pub(crate) type Area = [f64; 4];

/// The area of a field that shows `name`. Previews and signed documents need the same area, so it
/// does not depend on the state of the signature.
pub(crate) fn area(view: View, field: &Field, name: &str) -> Area {
    let Field { x, y, height, .. } = *field;
    let characters = u32::try_from(name.chars().count()).unwrap_or(u32::MAX);
    // A date has 16 characters, half as wide as high. Right of a seal are 37 characters at a fifth
    // of the height, or the name, whose widest characters are 0.75 of the height.
    let width = match field.kind {
        FieldKind::Date => 9.0 * height,
        FieldKind::Signature | FieldKind::Other => {
            height * (1.1 + f64::max(3.9, 0.75 * f64::from(characters))) + 3.0
        }
    };
    // Room for the descenders of a date, and for the rounding of readers.
    let below = match field.kind {
        FieldKind::Date => 0.3 * height,
        FieldKind::Signature | FieldKind::Other => 0.0,
    };
    view.to_user_space([
        x - MARGIN,
        -y - height - below - MARGIN,
        (x + width).min(view.width.max(x + height)) + MARGIN,
        -y + MARGIN,
    ])
}

/// The annotations of a page with our fields above those that would cover `areas`; `None` when none
/// does. `form` draws the page's stamp.
pub(crate) fn above(
    document: &Document<'_>,
    page: u32,
    annotations: Option<&Object>,
    areas: &[Area],
    form: u32,
    update: &mut Update,
) -> Result<Option<Object>, Error> {
    let Some(annotations) = annotations else {
        return Ok(None);
    };
    let Object::Array(items) = document.resolve(annotations)? else {
        return Ok(None);
    };
    let mut covered = vec![false; areas.len()];
    for item in &items {
        if let Some(rectangle) = shown(document, item)? {
            document.spend(areas.len())?;
            for (covered, area) in covered.iter_mut().zip(areas) {
                *covered |= meet(rectangle, *area);
            }
        }
    }
    if !covered.contains(&true) {
        return Ok(None);
    }
    let mut all = Object::Array(items);
    // Active content is removed here, too, because these are copied into the page.
    active::clean(document, &mut all, false)?;
    let Object::Array(mut all) = all else {
        return Ok(None);
    };
    for (area, _) in areas.iter().zip(&covered).filter(|(_, covered)| **covered) {
        let rectangle = Object::Array(area.map(Object::number).to_vec());
        let inside = Dict::default().with("Stamp", Object::Ref(form, 0));
        let appearance = Dict::default()
            .with("Type", Object::named("XObject"))
            .with("Subtype", Object::named("Form"))
            .with("BBox", rectangle.clone())
            .with(
                "Resources",
                Object::Dict(Dict::default().with("XObject", Object::Dict(inside))),
            );
        let appearance = update.add_stream(appearance, b"/Stamp Do\n".to_vec());
        let name = format!("letsesign.{appearance}").into_bytes();
        // A button, because some readers draw all form fields above all other annotations.
        let field = Dict::default()
            .with("Type", Object::named("Annot"))
            .with("Subtype", Object::named("Widget"))
            .with("FT", Object::named("Btn"))
            .with("Ff", Object::Int(BUTTON))
            .with("T", Object::String(name))
            .with("H", Object::named("N"))
            .with("F", Object::Int(PRINT | READ_ONLY | LOCKED))
            .with("P", Object::Ref(page, 0))
            .with("Rect", rectangle)
            .with(
                "AP",
                Object::Dict(Dict::default().with("N", Object::Ref(appearance, 0))),
            );
        all.push(Object::Ref(update.add(Object::Dict(field)), 0));
    }
    Ok(Some(Object::Array(all)))
}

/// The area where an annotation is shown; `None` if it is not. One that does not rotate and zoom
/// with the page may be anywhere.
fn shown(document: &Document<'_>, annotation: &Object) -> Result<Option<Area>, Error> {
    let Object::Dict(annotation) = document.resolve(annotation)? else {
        return Ok(None);
    };
    let kind = document.value(&annotation, b"Subtype")?;
    let drawn = matches!(document.value(&annotation, b"AP")?, Object::Dict(_));
    match kind.name() {
        // Only displayed on demand.
        Some(b"Popup") => return Ok(None),
        // Without an appearance, a link only has a thin border.
        Some(b"Link") if !drawn => return Ok(None),
        _ => {}
    }
    let flags = document.value(&annotation, b"F")?.as_int().unwrap_or(0);
    if flags & (HIDDEN | NO_VIEW) != 0 {
        return Ok(None);
    }
    let rectangle = rectangle(document, &document.value(&annotation, b"Rect")?)?;
    Ok(rectangle.map(|rectangle| {
        if flags & (NO_ZOOM | NO_ROTATE) == 0 {
            rectangle
        } else {
            [f64::MIN, f64::MIN, f64::MAX, f64::MAX]
        }
    }))
}

fn meet(one: Area, other: Area) -> bool {
    let [left, bottom, right, top] = one;
    let [other_left, other_bottom, other_right, other_top] = other;
    left < other_right && other_left < right && bottom < other_top && other_bottom < top
}
