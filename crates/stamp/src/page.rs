//! Pages: where they are in the tree, and how they are measured.

use crate::error::Error;
use crate::pdf::document::Document;
use crate::pdf::object::{Dict, Object};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

/// Nodes of a page tree. Bounds time.
const MAX_NODES: usize = 500_000;
/// Levels of a page tree.
const MAX_LEVELS: usize = 256;
/// What pages take from the nodes above them (ISO 32000-1, 7.7.3.4).
const INHERITED: [&[u8]; 2] = [b"Resources", b"MediaBox"];
/// Values of those, shared by all pages below a node: resources can be large.
type Inherited = [Option<Rc<Object>>; 2];
/// US Letter, what readers take when there is no MediaBox.
const LETTER: [f64; 4] = [0.0, 0.0, 612.0, 792.0];

/// A page of the document.
pub(crate) struct Page {
    /// Where it is in the document, from 1.
    pub(crate) position: u32,
    pub(crate) number: u32,
    pub(crate) generation: u16,
    pub(crate) dict: Dict,
    /// What the page has, or its nearest ancestor that has it.
    pub(crate) resources: Option<Object>,
    pub(crate) view: View,
}

/// How protocol 1 measures a page: the size of its MediaBox, without rotation. Its clients draw their
/// own fields at (x, height - y) of the page's user space and do not add the box's origin, so we do
/// not either.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct View {
    /// In units of the page's user space.
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl View {
    /// From a space with the origin in the top-left corner, x to the right and y up, to the page's
    /// user space.
    pub(crate) fn matrix(self) -> [f64; 6] {
        [1.0, 0.0, 0.0, 1.0, 0.0, self.height]
    }
}

/// The wanted pages (from 1) that exist, by number.
pub(crate) fn pages(
    document: &Document<'_>,
    wanted: &BTreeSet<u32>,
) -> Result<BTreeMap<u32, Page>, Error> {
    let last = wanted.last().copied().unwrap_or(0);
    let catalogue = document.catalogue()?;
    let root = catalogue.get(b"Pages").ok_or(Error::Damaged("no pages"))?;
    let mut found = BTreeMap::new();
    let mut count = 0_u32;
    let mut seen = HashSet::new();
    // Nodes still to visit, the next one last, with what they inherit and their level.
    let mut stack = vec![(root.clone(), Inherited::default(), 0_usize)];
    let mut nodes = 0_usize;
    while let Some((node, inherited, level)) = stack.pop() {
        if count >= last {
            break;
        }
        nodes += 1;
        if nodes > MAX_NODES || level > MAX_LEVELS {
            return Err(Error::Limit("size of the page tree"));
        }
        let (object, own) = match node {
            Object::Ref(number, _) => match document.load(number)? {
                Some(loaded) => (loaded.object, Some((number, loaded.generation))),
                None => continue,
            },
            direct => (direct, None),
        };
        let Object::Dict(dict) = object else {
            continue;
        };
        let kids = document.value(&dict, b"Kids")?;
        if let (Object::Array(kids), false) = (kids, dict.is(b"Type", b"Page")) {
            if own.is_some_and(|(number, _)| !seen.insert(number)) {
                return Err(Error::Damaged("the page tree has a circle"));
            }
            let mut below = inherited;
            for (key, value) in INHERITED.iter().zip(&mut below) {
                if let Some(own) = dict.get(key) {
                    *value = Some(Rc::new(own.clone()));
                }
            }
            for kid in kids.into_iter().rev() {
                if stack.len() >= MAX_NODES {
                    return Err(Error::Limit("size of the page tree"));
                }
                stack.push((kid, below.clone(), level + 1));
            }
            continue;
        }
        count += 1;
        if wanted.contains(&count) {
            // What cannot be referred to cannot be replaced.
            let own = own.ok_or(Error::Damaged("a page is not an object of its own"))?;
            found.insert(count, page(document, count, own, dict, &inherited)?);
        }
    }
    Ok(found)
}

fn page(
    document: &Document<'_>,
    position: u32,
    (number, generation): (u32, u16),
    dict: Dict,
    inherited: &Inherited,
) -> Result<Page, Error> {
    let found = |key: &[u8]| {
        let above = INHERITED
            .iter()
            .zip(inherited)
            .find(|(name, _)| **name == key);
        dict.get(key)
            .or_else(|| above.and_then(|(_, value)| value.as_deref()))
    };
    let value = |key: &[u8]| found(key).map_or(Ok(Object::Null), |value| document.resolve(value));
    let media = rectangle(document, &value(b"MediaBox")?)?.unwrap_or(LETTER);
    let [left, bottom, right, top] = media;
    let resources = found(b"Resources").cloned();
    Ok(Page {
        position,
        number,
        generation,
        resources,
        view: View {
            width: right - left,
            height: top - bottom,
        },
        dict,
    })
}

/// Normalised; `None` when it is no rectangle with an area.
fn rectangle(document: &Document<'_>, value: &Object) -> Result<Option<[f64; 4]>, Error> {
    let Object::Array(items) = value else {
        return Ok(None);
    };
    let mut corners = Vec::with_capacity(4);
    for item in items.iter().take(4) {
        corners.extend(document.resolve(item)?.as_number());
    }
    let [a, b, c, d] = *corners.as_slice() else {
        return Ok(None);
    };
    let rectangle = [a.min(c), b.min(d), a.max(c), b.max(d)];
    Ok(has_area(rectangle).then_some(rectangle))
}

fn has_area([left, bottom, right, top]: [f64; 4]) -> bool {
    right - left > 0.0
        && top - bottom > 0.0
        && [left, bottom, right, top]
            .iter()
            .all(|side| side.abs() < 1e7)
}
