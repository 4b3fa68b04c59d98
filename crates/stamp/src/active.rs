//! Active content: features that change a document's appearance by time, reader, printing or
//! script. They are removed from the preview and the signed document alike, or the document is
//! refused. docs/stamp.md lists them.
//!
//! Every dictionary of the file is checked, wherever it is, so content that the catalogue does not
//! lead to cannot hide.

use crate::error::Error;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::object::{Dict, Object};

/// Actions that run programs, change the display, or play something (ISO 32000-2, 12.6.4).
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
/// Events that trigger actions (ISO 32000-2, 12.6.3).
const EVENTS: [&[u8]; 20] = [
    b"E", b"X", b"D", b"U", b"Fo", b"Bl", b"PO", b"PC", b"PV", b"PI", b"O", b"C", b"K", b"F", b"V",
    b"WC", b"WS", b"DS", b"WP", b"DP",
];
/// Usage entries of a layer (ISO 32000-2, 8.11.4.4).
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
/// Bits of an annotation's flags (ISO 32000-2, 12.5.3): printed, not on screen, toggled by the
/// mouse.
const PRINT: i64 = 1 << 2;
const NO_VIEW: i64 = 1 << 5;
const TOGGLE: i64 = 1 << 8;

/// Removes active content from an object and returns whether there was any. Refuses content that
/// cannot be removed.
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

/// Refuses streams whose data come from elsewhere, or are replaced in print.
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
    // One pass over the keys, because dictionaries may be large.
    for (key, value) in &dict.0 {
        let remove = match key.as_slice() {
            b"S" => {
                let kind = document.resolve(value)?;
                if kind.name().is_some_and(|kind| ACTIONS.contains(&kind)) {
                    // Without its type, an action does nothing, and neither do the actions chained
                    // to it.
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

/// Whether the value of `AA` is a dictionary of actions, and not a font or a graphics state that
/// happens to have this name.
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

/// Whether an opening action only goes to a place in the document, without a further action.
fn is_harmless_opening(document: &Document<'_>, value: &Object) -> Result<bool, Error> {
    Ok(match document.resolve(value)? {
        Object::Dict(action) => {
            document.value(&action, b"S")?.name() == Some(b"GoTo") && action.get(b"Next").is_none()
        }
        _ => true,
    })
}

/// New flags for an annotation that only printers show, or that the mouse toggles; `None` when the
/// flags may stay.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use letsesign_pdf_reader::Budget;
    use std::collections::BTreeMap;
    use std::path::Path;

    /// Counts the keys that `after` lacks, and the flags that differ.
    fn taken(before: &Object, after: &Object, hits: &mut BTreeMap<String, usize>) {
        match (before, after) {
            (Object::Array(before), Object::Array(after)) => {
                for (before, after) in before.iter().zip(after) {
                    taken(before, after, hits);
                }
            }
            (Object::Dict(before), Object::Dict(after)) => {
                for (key, value) in &before.0 {
                    if let Some(left) = after.get(key) {
                        taken(value, left, hits);
                    } else {
                        let kind = value.name().unwrap_or_default();
                        let what = [key.as_slice(), b" ", kind].concat();
                        let what = String::from_utf8_lossy(&what).into_owned();
                        *hits.entry(what).or_default() += 1;
                    }
                }
            }
            (before, after) if before != after => {
                *hits.entry("F (flags)".to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Cleans every object of a file and counts the removed entries, or returns the reason for a
    /// refusal.
    fn one(pdf: &[u8]) -> Result<BTreeMap<String, usize>, Error> {
        let document = letsesign_pdf_reader::open(pdf, Budget::new(Limits::default()))?;
        let mut hits = BTreeMap::new();
        for (number, _) in &document.table.entries {
            let Some(loaded) = document.load(*number)? else {
                continue;
            };
            let mut object = loaded.object.clone();
            clean(&document, &mut object, loaded.stream.is_some())?;
            taken(&loaded.object, &object, &mut hits);
        }
        Ok(hits)
    }

    fn walk(folder: &Path, see: &mut dyn FnMut(&Path)) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                walk(&path, see);
            } else if path.extension().is_some_and(|extension| extension == "pdf") {
                see(&path);
            }
        }
    }

    /// `STAMP_CORPUS=FOLDER cargo test -p letsesign-stamp --lib -- --ignored --nocapture hits`
    #[test]
    #[ignore = "prints a table for a folder of PDFs"]
    fn hits_of_each_rule() {
        let folder = std::env::var_os("STAMP_CORPUS").expect("STAMP_CORPUS names a folder");
        let (mut files, mut total) = (0, BTreeMap::<String, (usize, usize)>::new());
        walk(Path::new(&folder), &mut |path| {
            files += 1;
            let found = match one(&std::fs::read(path).unwrap()) {
                Ok(found) => found,
                Err(error) => BTreeMap::from([(format!("refused: {error}"), 1)]),
            };
            for (rule, count) in found {
                let (in_files, all) = total.entry(rule).or_default();
                *in_files += 1;
                *all += count;
            }
        });
        println!("{files} files; files and places of each rule:");
        for (rule, (in_files, all)) in &total {
            println!("{in_files:6} {all:8}  {rule}");
        }
        assert!(files > 0, "no PDF in the folder");
    }
}
