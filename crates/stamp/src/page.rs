//! Pages: where they are in the tree, and how they are measured.

use crate::error::Error;
use crate::pdf::document::Document;
use crate::pdf::object::{Dict, Object};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

/// Nodes of a page tree. Bounds time.
const MAX_NODES: usize = 500_000;
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
    pub(crate) home: Home,
    pub(crate) dict: Dict,
    /// What the page has, or its nearest ancestor that has it.
    pub(crate) resources: Option<Object>,
    pub(crate) view: View,
}

/// Where a page's dictionary stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    /// An object of its own, with its generation.
    Object(u32, u16),
    /// In the `Kids` of the node that is this object, at this place. No specification allows it,
    /// most readers do.
    Kid(u32, usize),
}

/// How protocol 1 measures a page: the size of its MediaBox, without rotation. Its clients draw
/// their own fields at (x, height - y) of the page's user space and do not add the box's origin, so
/// we do not either.
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
    // Nodes still to visit, the next one last, with what they inherit, and where they stand.
    let mut stack = vec![(root.clone(), Inherited::default(), None)];
    let mut nodes = 0_usize;
    while let Some((node, inherited, place)) = stack.pop() {
        if count >= last {
            break;
        }
        nodes += 1;
        if nodes > MAX_NODES {
            return Err(Error::Limit("size of the page tree"));
        }
        let (object, home) = match node {
            Object::Ref(number, _) => match document.load(number)? {
                Some(loaded) => (loaded.object, Some(Home::Object(number, loaded.generation))),
                None => continue,
            },
            direct => (direct, place),
        };
        let Object::Dict(dict) = object else {
            continue;
        };
        let kids = document.value(&dict, b"Kids")?;
        let kind = document.value(&dict, b"Type")?;
        if let (Object::Array(kids), false) = (kids, kind.name() == Some(b"Page")) {
            let node = match home {
                Some(Home::Object(number, _)) => Some(number),
                _ => None,
            };
            if node.is_some_and(|number| !seen.insert(number)) {
                return Err(Error::Damaged("the page tree has a circle"));
            }
            let mut below = inherited;
            for (key, value) in INHERITED.iter().zip(&mut below) {
                if let Some(own) = dict.get(key) {
                    *value = Some(Rc::new(own.clone()));
                }
            }
            for (index, kid) in kids.into_iter().enumerate().rev() {
                if stack.len() >= MAX_NODES {
                    return Err(Error::Limit("size of the page tree"));
                }
                let place = node.map(|node| Home::Kid(node, index));
                stack.push((kid, below.clone(), place));
            }
            continue;
        }
        if !is_page(&dict, kind.name()) {
            // Readers count it, or do not: which page is meant cannot be told.
            return Err(Error::Damaged("something in the page tree is no page"));
        }
        count += 1;
        if wanted.contains(&count) {
            // What cannot be referred to cannot be replaced.
            let home = home.ok_or(Error::Damaged("a page is not an object of its own"))?;
            found.insert(count, page(document, count, home, dict, &inherited)?);
        }
    }
    Ok(found)
}

/// Whether a leaf of the page tree is a page. Some writers leave out its type.
fn is_page(dict: &Dict, kind: Option<&[u8]>) -> bool {
    match kind {
        Some(kind) => kind == b"Page",
        None => [&b"Parent"[..], b"MediaBox", b"Contents"]
            .iter()
            .any(|key| dict.get(key).is_some()),
    }
}

fn page(
    document: &Document<'_>,
    position: u32,
    home: Home,
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
        home,
        resources,
        view: View {
            width: right - left,
            height: top - bottom,
        },
        dict,
    })
}

/// Normalised; `None` when it is no rectangle with an area.
pub(crate) fn rectangle(
    document: &Document<'_>,
    value: &Object,
) -> Result<Option<[f64; 4]>, Error> {
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
