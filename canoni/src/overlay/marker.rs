//! Names that hide what lower layers have.

use super::{join, split};
use crate::error::{Error, Result};
use crate::tar::{TarEntry, TarKind};

pub(super) enum Marker {
    /// Hides the sibling of this path.
    Whiteout(Vec<u8>),
    /// Hides what lower layers have in this directory.
    Opaque(Vec<u8>),
    /// Bookkeeping of the AUFS storage driver, left in images of old.
    Aufs,
}

/// The meaning of a name that begins with `.wh.`; `None` for all other names.
pub(super) fn marker(entry: &TarEntry, origin: &str) -> Result<Option<Marker>> {
    let (parent, name) = split(&entry.path);
    if parent
        .split(|&byte| byte == b'/')
        .any(|name| name.starts_with(b".wh."))
    {
        return Err(Error::path(origin, &entry.path, "lies below a whiteout"));
    }
    let Some(hidden) = name.strip_prefix(b".wh.") else {
        return Ok(None);
    };
    // To umoci and podman these are whiteouts of names that no image can have, to Docker nothing.
    // (What lies below one, as AUFS left it there, Docker ignores and the other two unpack.)
    if hidden.starts_with(b".wh.") && hidden != b".wh..opq" {
        return Ok(Some(Marker::Aufs));
    }
    let empty = matches!(&entry.kind, TarKind::File(content) if content.is_empty());
    if !empty {
        return Err(Error::path(
            origin,
            &entry.path,
            "has the name of a whiteout but is not an empty file",
        ));
    }
    match hidden {
        b".wh..opq" => Ok(Some(Marker::Opaque(parent.to_vec()))),
        b"" | b"." | b".." => Err(Error::path(origin, &entry.path, "is a whiteout of nothing")),
        _ => Ok(Some(Marker::Whiteout(join(parent, hidden)))),
    }
}
