//! Decides whether a document allows changes of its pages: encryption permissions, certification,
//! locks of signatures.

use crate::error::Error;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::object::{Dict, Object};
use std::collections::HashSet;

/// The most form fields that are examined.
const MAX_FIELDS: usize = 200_000;

/// Refuses a document that forbids changes of its pages.
///
/// An approval signature stays valid, because its bytes stay. A certification, or a signature with
/// a lock, declares that later changes of pages break it, whatever else its level allows (forms,
/// annotations).
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
        // A field may inherit its type from its parent.
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

/// Whether a signed field has a lock (12.7.5.5), or its signature names a transform that detects
/// changes (12.8.2).
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
