//! The user's own PDF, and the positions of its signatures.

use anyhow::{Context, Result, ensure};
use letsesign_testbed::client::Field;
use lopdf::{Dictionary, Document, Object};
use std::path::Path;

/// The largest PDF, in bytes. A larger one does not fit into a job (50 MiB, with base64 and
/// everything else).
const BYTES_MAX: u64 = 30 << 20;

/// Reads the user's PDF and computes the fields of the signers: one above the other, at the foot of
/// the last page.
pub(crate) fn read(path: &Path, signers: usize) -> Result<(Vec<u8>, Vec<Vec<Field>>)> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {shown}"))?
        .len();
    ensure!(
        size <= BYTES_MAX,
        "{shown} has {size} bytes; a job takes PDFs of up to {BYTES_MAX}"
    );
    let pdf = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let document =
        Document::load_mem(&pdf).with_context(|| format!("{shown} is not a readable PDF"))?;
    ensure!(
        !document.is_encrypted(),
        "{shown} is encrypted; the server signs what is open to changes (code 2106)"
    );
    let pages = document.get_pages();
    let (number, id) = pages
        .last_key_value()
        .with_context(|| format!("{shown} has no pages"))?;
    let page = document
        .get_dictionary(*id)
        .with_context(|| format!("{shown}: the last page cannot be read"))?;
    let (width, height) = size_of(&document, page).unwrap_or((595.0, 842.0));
    // All signers get the same room; a small page results in small signatures.
    let step = (height * 0.8 / f64::from(u8::try_from(signers).unwrap_or(u8::MAX))).min(64.0);
    let tall = step * 0.72;
    ensure!(
        tall >= 8.0 && width >= 120.0,
        "the last page of {shown} is too small for {signers} signatures"
    );
    let fields = (0..signers).map(|signer| {
        let from_bottom = f64::from(u8::try_from(signers - signer).unwrap_or(u8::MAX));
        let field = |x, y, kind, height| Field {
            x,
            y,
            height,
            page: i64::from(*number),
            kind,
        };
        let top = height - 24.0 - step * from_bottom;
        vec![
            field(width * 0.08, top, 0, tall),
            field(width * 0.68, top + tall * 0.4, 1, tall * 0.22),
        ]
    });
    Ok((pdf, fields.collect()))
}

/// Width and height of a page in protocol 1: those of the MediaBox, without rotation.
fn size_of(document: &Document, page: &Dictionary) -> Option<(f64, f64)> {
    let media = inherited(document, page, b"MediaBox")?
        .as_array()
        .ok()?
        .iter()
        .map(|value| {
            let (_, value) = document.dereference(value).ok()?;
            value.as_float().ok().map(f64::from)
        })
        .collect::<Option<Vec<_>>>()?;
    let &[x0, y0, x1, y1] = media.as_slice() else {
        return None;
    };
    Some(((x1 - x0).abs(), (y1 - y0).abs()))
}

/// An attribute of a page, or of a node above it (ISO 32000-1, 7.7.3.4).
fn inherited<'a>(document: &'a Document, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let mut node = page;
    // Real page trees are not this deep; the limit ends a cycle.
    for _ in 0..32 {
        if let Ok(value) = node.get(key) {
            return document.dereference(value).ok().map(|(_, value)| value);
        }
        node = document
            .get_dictionary(node.get(b"Parent").ok()?.as_reference().ok()?)
            .ok()?;
    }
    None
}
