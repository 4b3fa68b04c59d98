//! Whether a document allows its pages to be changed: encryption permissions, certification, locks of signatures.

use crate::error::Error;
use crate::pdf::document::Document;
use crate::pdf::object::{Dict, Object};
use std::collections::HashSet;

/// Form fields that are looked through.
const MAX_FIELDS: usize = 200_000;

/// An approval signature stays valid: its bytes stay. A certification, and a signature with a lock, say that later changes
/// of pages break them, whatever their level allows besides (forms, annotations).
pub(crate) fn check(document: &Document<'_>) -> Result<(), Error> {
    if document
        .crypt
        .as_ref()
        .is_some_and(|crypt| !crypt.modifiable)
    {
        return Err(Error::Permission);
    }
    let catalogue = document.catalogue()?;
    if let Object::Dict(permissions) = document.value(&catalogue, b"Perms")?
        && matches!(document.value(&permissions, b"DocMDP")?, Object::Dict(_))
    {
        return Err(Error::Certified);
    }
    let Object::Dict(form) = document.value(&catalogue, b"AcroForm")? else {
        return Ok(());
    };
    signature_fields(document, &form)
}

fn signature_fields(document: &Document<'_>, form: &Dict) -> Result<(), Error> {
    let mut stack = match document.value(form, b"Fields")? {
        // The kind of a field may be its parent's.
        Object::Array(fields) => fields
            .into_iter()
            .map(|field| (field, false))
            .collect::<Vec<_>>(),
        _ => return Ok(()),
    };
    let mut fields = 0_usize;
    let mut seen = HashSet::new();
    while let Some((field, signature)) = stack.pop() {
        // A field that is its own ancestor, or in the tree twice.
        if let Object::Ref(number, _) = field
            && !seen.insert((number, signature))
        {
            continue;
        }
        fields += 1;
        if fields > MAX_FIELDS || stack.len() > MAX_FIELDS {
            return Err(Error::Limit("number of form fields"));
        }
        let Object::Dict(field) = document.resolve(&field)? else {
            continue;
        };
        let signature = match field.get(b"FT") {
            Some(kind) => document.resolve(kind)?.name() == Some(b"Sig"),
            None => signature,
        };
        if signature && let Object::Dict(value) = document.value(&field, b"V")? {
            locked(document, &field, &value)?;
        }
        if let Object::Array(kids) = document.value(&field, b"Kids")? {
            stack.extend(kids.into_iter().map(|kid| (kid, signature)));
        }
    }
    Ok(())
}

/// A signed field with a lock (12.7.5.5), or a signature that names a transform which finds changes (12.8.2).
fn locked(document: &Document<'_>, field: &Dict, value: &Dict) -> Result<(), Error> {
    if matches!(document.value(field, b"Lock")?, Object::Dict(_)) {
        return Err(Error::Certified);
    }
    if let Object::Array(references) = document.value(value, b"Reference")? {
        for reference in &references {
            if let Object::Dict(reference) = document.resolve(reference)? {
                let method = document.value(&reference, b"TransformMethod")?;
                if matches!(method.name(), Some(b"DocMDP" | b"FieldMDP" | b"Identity")) {
                    return Err(Error::Certified);
                }
            }
        }
    }
    Ok(())
}
