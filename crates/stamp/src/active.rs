//! What makes a document look different by time, reader, printing or script: taken out, in the preview
//! and in the signed document alike, or refused. docs/stamp.md lists it.
//!
//! Every dictionary of the file is looked at, wherever it is: what is not found by the way through
//! the catalogue cannot hide.

use crate::error::Error;
use crate::pdf::document::Document;
use crate::pdf::object::{Dict, Object};

/// Actions that run programs, change what is shown, or play something (ISO 32000-2, 12.6.4).
const ACTIONS: [&[u8]; 14] = [
    b"JavaScript",
    b"Launch",
    b"Rendition",
    b"Movie",
    b"Sound",
    b"Hide",
    b"SetOCGState",
    b"ImportData",
    b"ResetForm",
    b"GoTo3DView",
    b"RichMediaExecute",
    b"Trans",
    b"GoToDp",
    b"NOP",
];
/// Events that start actions (12.6.3).
const EVENTS: [&[u8]; 20] = [
    b"E", b"X", b"D", b"U", b"Fo", b"Bl", b"PO", b"PC", b"PV", b"PI", b"O", b"C", b"K", b"F", b"V",
    b"WC", b"WS", b"DS", b"WP", b"DP",
];
/// What a layer's usage says (8.11.4.4).
const USAGE: [&[u8]; 8] = [
    b"CreatorInfo",
    b"Language",
    b"Export",
    b"Zoom",
    b"Print",
    b"View",
    b"User",
    b"PageElement",
];
/// Bits of an annotation's flags (12.5.3): shown in print, not on the screen, and not always.
const PRINT: i64 = 1 << 2;
const NO_VIEW: i64 = 1 << 5;
const TOGGLE: i64 = 1 << 8;

/// Takes out of an object what is active. Says whether something was; refuses what has to stay.
pub(crate) fn clean(
    document: &Document<'_>,
    object: &mut Object,
    stream: bool,
) -> Result<bool, Error> {
    let mut changed = false;
    match object {
        Object::Array(items) => {
            for item in items {
                changed |= clean(document, item, false)?;
            }
        }
        Object::Dict(dict) => {
            if stream {
                refuse_stream(document, dict)?;
            }
            changed |= clean_dict(document, dict)?;
            for (_, value) in &mut dict.0 {
                changed |= clean(document, value, false)?;
            }
        }
        _ => {}
    }
    Ok(changed)
}

/// Streams whose data come from elsewhere, or that are others in print.
fn refuse_stream(document: &Document<'_>, dict: &Dict) -> Result<(), Error> {
    for (key, what) in [
        (&b"F"[..], "a stream's data are in another file"),
        (b"Alternates", "an image has alternates"),
        (b"OPI", "an image has a proxy for print"),
    ] {
        if dict.get(key).is_some() && document.value(dict, key)? != Object::Null {
            return Err(Error::Active(what));
        }
    }
    if matches!(document.value(dict, b"Ref")?, Object::Dict(_)) {
        return Err(Error::Active("a form shows a page of another file"));
    }
    let kind = document.value(dict, b"Subtype")?;
    if kind.name() == Some(b"PS") || document.value(dict, b"Subtype2")?.name() == Some(b"PS") {
        return Err(Error::Active("PostScript for printers"));
    }
    Ok(())
}

fn clean_dict(document: &Document<'_>, dict: &mut Dict) -> Result<bool, Error> {
    let mut doomed: Vec<Vec<u8>> = Vec::new();
    // One pass over the keys: dictionaries may be large.
    for (key, value) in &dict.0 {
        let remove = match key.as_slice() {
            b"S" => {
                let kind = document.resolve(value)?;
                if kind.name().is_some_and(|kind| ACTIONS.contains(&kind)) {
                    // An action without a type does nothing; nor does what would come next.
                    doomed.extend([&b"JS"[..], b"Next", b"R"].map(<[u8]>::to_vec));
                    true
                } else {
                    false
                }
            }
            b"AA" => runs_actions(document, value)?,
            b"OpenAction" => !is_harmless_opening(document, value)?,
            b"JavaScript" | b"AlternatePresentations" => is_dict(document, value)?,
            b"XFA" | b"NeedAppearances" | b"FixedPrint" | b"Collection" => true,
            b"NeedsRendering" => {
                if document.resolve(value)? == Object::Bool(true) {
                    return Err(Error::Active("a dynamic XFA form"));
                }
                false
            }
            b"AS" => matches!(document.resolve(value)?, Object::Array(_)),
            b"BaseState" => document.resolve(value)?.name() == Some(b"Unchanged"),
            b"Usage" => {
                let usage = document.resolve(value)?;
                usage
                    .dict()
                    .is_some_and(|usage| USAGE.iter().any(|key| usage.get(key).is_some()))
            }
            b"Subtype" => {
                let kind = document.resolve(value)?;
                if matches!(
                    kind.name(),
                    Some(b"RichMedia" | b"3D" | b"Movie" | b"Sound" | b"Screen")
                ) && dict.get(b"Rect").is_some()
                {
                    return Err(Error::Active("an annotation that plays media"));
                }
                false
            }
            _ => false,
        };
        if remove {
            doomed.push(key.clone());
        }
    }
    let flags = print_flags(document, dict)?;
    let changed = !doomed.is_empty() || flags.is_some();
    if !doomed.is_empty() {
        dict.0.retain(|(key, _)| !doomed.contains(key));
    }
    if let Some(flags) = flags {
        dict.set(b"F", Object::Int(flags));
    }
    Ok(changed)
}

fn is_dict(document: &Document<'_>, value: &Object) -> Result<bool, Error> {
    Ok(matches!(document.resolve(value)?, Object::Dict(_)))
}

/// Whether the value of `AA` is what it says, not a font or a graphics state with this name.
fn runs_actions(document: &Document<'_>, value: &Object) -> Result<bool, Error> {
    let Object::Dict(events) = document.resolve(value)? else {
        return Ok(false);
    };
    for event in EVENTS {
        if let Object::Dict(action) = document.value(&events, event)?
            && action.get(b"S").is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A place in the document, and nothing after it.
fn is_harmless_opening(document: &Document<'_>, value: &Object) -> Result<bool, Error> {
    Ok(match document.resolve(value)? {
        Object::Dict(action) => {
            document.value(&action, b"S")?.name() == Some(b"GoTo") && action.get(b"Next").is_none()
        }
        _ => true,
    })
}

/// The flags of an annotation that only printers show, or that a mouse brings out: without those.
fn print_flags(document: &Document<'_>, dict: &Dict) -> Result<Option<i64>, Error> {
    if dict.get(b"Rect").is_none() || dict.get(b"F").is_none() {
        return Ok(None);
    }
    let Some(flags) = document.value(dict, b"F")?.as_int() else {
        return Ok(None);
    };
    let mut clean = flags & !TOGGLE;
    if clean & NO_VIEW != 0 {
        clean &= !PRINT;
    }
    Ok((clean != flags).then_some(clean))
}
