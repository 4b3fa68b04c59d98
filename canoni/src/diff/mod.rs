//! Why two images differ: what they mean first, then how they are written.
//!
//! A *difference of meaning* is one that the canonical form keeps, so that the canonical digests
//! differ: a file's content, mode, owner, kept attributes, links, whiteouts, the config.
//! A *difference of writing* is one that it takes away: times, order, spelling of headers, names of
//! owners, compression, members of the config that tell of the building machine. Two images without
//! a difference of meaning have one canonical digest.

mod bytes;
mod config;
mod content;
mod view;

use crate::error::Result;
use crate::limits::Meter;
use crate::overlay::Changes;
use crate::source::{Image, Layer};
use crate::tree::{TreeOptions, XattrPolicy};
use serde::Serialize;
use view::{Item, View, path_words};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Whether the canonical form keeps it.
    pub meaning: bool,
    /// `config`, `image`, or `layer 2`, counted from the lowest, from 1.
    pub place: String,
    /// Path of a file, or pointer into the config (RFC 6901).
    pub path: String,
    /// The property that differs: `mode`, `owner`, `content`, `mtime`, ...; `presence` where only
    /// one side has the path.
    pub field: String,
    /// On the first side; none where it has nothing.
    pub left: Option<String>,
    /// On the second side.
    pub right: Option<String>,
    /// For contents: a few lines of a text diff or hexadecimal dump.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
}

impl Difference {
    pub(crate) fn new(
        meaning: bool,
        place: &str,
        path: impl Into<String>,
        field: impl Into<String>,
        left: Option<String>,
        right: Option<String>,
    ) -> Self {
        Self {
            meaning,
            place: place.to_owned(),
            path: path.into(),
            field: field.into(),
            left,
            right,
            detail: Vec::new(),
        }
    }
}

/// Choices for a comparison.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompareOptions {
    /// Compare what the layers add up to, instead of layer by layer.
    pub flatten: bool,
    /// The contents that layers may have. Attributes that the canonical form does not keep are
    /// compared as a difference of writing, and never refused here.
    pub tree: TreeOptions,
}

/// Compares two images. Differences of meaning stand first; within each kind the config, then layer
/// by layer in the order of paths.
pub fn compare(left: &Image, right: &Image, options: &CompareOptions) -> Result<Vec<Difference>> {
    let tree = TreeOptions {
        xattrs: XattrPolicy::Drop,
        ..options.tree
    };
    let mut all = config::compare(left, right, options.flatten)?;
    if options.flatten {
        let (left, right) = (left.flatten(&tree)?, right.flatten(&tree)?);
        views(
            "image",
            &View::of_tree(&left),
            &View::of_tree(&right),
            &mut all,
        )?;
    } else {
        layers(left, right, &tree, &mut all)?;
    }
    all.sort_by_key(|difference| !difference.meaning);
    Ok(all)
}

fn layers(
    left: &Image,
    right: &Image,
    tree: &TreeOptions,
    all: &mut Vec<Difference>,
) -> Result<()> {
    left.verify()?;
    right.verify()?;
    let counts = (left.layers().len(), right.layers().len());
    if counts.0 != counts.1 {
        all.push(Difference::new(
            true,
            "image",
            "",
            "layers",
            Some(counts.0.to_string()),
            Some(counts.1.to_string()),
        ));
    }
    // The root directory's metadata is a layer's change only where it differs from what lies below.
    let mut roots = (crate::Metadata::default(), crate::Metadata::default());
    let mut meters = (Meter::new(left.limits()), Meter::new(right.limits()));
    for number in 0..counts.0.max(counts.1) {
        let place = format!("layer {}", number + 1);
        let (one, other) = (left.layers().get(number), right.layers().get(number));
        let view = |layer: Option<&Layer>, root: &mut crate::Metadata, meter| -> Result<View> {
            let Some(layer) = layer else {
                return Ok(View::default());
            };
            let mut changes = Changes::new(layer, tree, meter)?;
            changes.root = changes.root.filter(|own| !own.same(root));
            if let Some(own) = &changes.root {
                *root = own.clone();
            }
            Ok(View::of_changes(&changes))
        };
        let a = view(one, &mut roots.0, &mut meters.0)?;
        let b = view(other, &mut roots.1, &mut meters.1)?;
        if let (Some(one), Some(other)) = (one, other) {
            if one.diff_id() == other.diff_id() && roots.0.same(&roots.1) {
                bytes::packing(&place, one, other, all)?;
                continue;
            }
            views(&place, &a, &b, all)?;
            bytes::compare(&place, one, other, all)?;
        } else {
            views(&place, &a, &b, all)?;
        }
    }
    Ok(())
}

/// Compares the meaning of two layers or images.
fn views(place: &str, left: &View, right: &View, all: &mut Vec<Difference>) -> Result<()> {
    let mut paths: Vec<&Vec<u8>> = left.0.keys().chain(right.0.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        match (left.0.get(path), right.0.get(path)) {
            (Some(one), Some(other)) => items(place, path, one, other, all)?,
            (one, other) => all.push(Difference::new(
                true,
                place,
                path_words(path),
                "presence",
                one.map(Item::summary),
                other.map(Item::summary),
            )),
        }
    }
    Ok(())
}

fn items(
    place: &str,
    path: &[u8],
    left: &Item,
    right: &Item,
    all: &mut Vec<Difference>,
) -> Result<()> {
    let words = path_words(path);
    let mut add = |field: &str, one: String, other: String| {
        if one != other {
            all.push(Difference::new(
                true,
                place,
                words.as_str(),
                field,
                Some(one),
                Some(other),
            ));
        }
    };
    add("type", left.kind.into(), right.kind.into());
    let (one, other) = (&left.metadata, &right.metadata);
    add(
        "mode",
        format!("{:04o}", one.mode),
        format!("{:04o}", other.mode),
    );
    add(
        "owner",
        format!("{}:{}", one.uid, one.gid),
        format!("{}:{}", other.uid, other.gid),
    );
    if left.kind == right.kind {
        let text = |detail: &Option<String>| detail.clone().unwrap_or_default();
        add("target", text(&left.detail), text(&right.detail));
    }
    let link = |link: &Option<Vec<u8>>| {
        link.as_ref().map_or_else(
            || "a file of its own".to_owned(),
            |path| crate::printable(path),
        )
    };
    add("hard link to", link(&left.link), link(&right.link));
    attributes(place, &words, &one.xattrs, &other.xattrs, true, all);
    if let (Some(one), Some(other)) = (&left.content, &right.content) {
        all.extend(content::compare(place, &words, one, other)?);
    }
    Ok(())
}

/// Extended attributes, both lists sorted by name.
fn attributes(
    place: &str,
    path: &str,
    left: &[(Vec<u8>, Vec<u8>)],
    right: &[(Vec<u8>, Vec<u8>)],
    meaning: bool,
    all: &mut Vec<Difference>,
) {
    let find = |list: &[(Vec<u8>, Vec<u8>)], name: &[u8]| {
        list.iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| crate::printable(value))
    };
    let mut names: Vec<&Vec<u8>> = left.iter().chain(right).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (one, other) = (find(left, name), find(right, name));
        if one != other {
            let field = format!("attribute {}", crate::printable(name));
            all.push(Difference::new(meaning, place, path, field, one, other));
        }
    }
}
