//! Finds pages in the page tree and measures them.

use crate::Placement;
use crate::error::Error;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::object::{Dict, Object};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

/// The most nodes of a page tree, which bounds time.
const MAX_NODES: usize = 500_000;
/// Attributes that pages inherit (ISO 32000-1, 7.7.3.4).
const INHERITED: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];
/// Inherited values, shared by all pages below a node because resources can be large.
type Inherited = [Option<Rc<Object>>; 4];
/// US Letter: readers assume it when the MediaBox is missing.
const LETTER: [f64; 4] = [0.0, 0.0, 612.0, 792.0];

/// A page of the document.
pub(crate) struct Page {
    /// Position in the document, from 1.
    pub(crate) position: u32,
    pub(crate) home: Home,
    pub(crate) dict: Dict,
    /// The page's own resources, or those of its nearest ancestor.
    pub(crate) resources: Option<Object>,
    pub(crate) view: View,
}

/// The location of a page's dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    /// An indirect object, with its generation.
    Object(u32, u16),
    /// A direct object: element `usize` of `Kids` in the node that is this object. The
    /// specification forbids it, but most readers accept it.
    Kid(u32, usize),
}

/// The space in which fields are placed: its size, and its place in the page's user space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct View {
    /// Width in units of the page's user space.
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The transformation from a space with its origin in the top-left corner, x to the right and y
    /// upwards, to the page's user space.
    pub(crate) matrix: [f64; 6],
}

impl View {
    /// Protocol 1: the MediaBox without rotation. Its clients draw their own fields at
    /// (x, height - y) of the page's user space without adding the box's origin, so this crate does
    /// the same.
    fn unrotated([left, bottom, right, top]: [f64; 4]) -> Self {
        let height = top - bottom;
        Self {
            width: right - left,
            height,
            matrix: [1.0, 0.0, 0.0, 1.0, 0.0, height],
        }
    }

    /// The visible box as a reader displays it: turned clockwise by quarters.
    fn displayed([left, bottom, right, top]: [f64; 4], quarters: i64) -> Self {
        let (width, height) = (right - left, top - bottom);
        let (size, matrix) = match quarters {
            1 => ((height, width), [0.0, 1.0, -1.0, 0.0, left, bottom]),
            2 => ((width, height), [-1.0, 0.0, 0.0, -1.0, right, bottom]),
            3 => ((height, width), [0.0, -1.0, 1.0, 0.0, right, top]),
            _ => ((width, height), [1.0, 0.0, 0.0, 1.0, left, top]),
        };
        Self {
            width: size.0,
            height: size.1,
            matrix,
        }
    }

    /// A rectangle, given by x to the right and y upwards from the top-left corner, in user space.
    pub(crate) fn to_user_space(self, [left, bottom, right, top]: [f64; 4]) -> [f64; 4] {
        let [a, b, c, d, e, f] = self.matrix;
        let point = |x: f64, y: f64| (a * x + c * y + e, b * x + d * y + f);
        let ((x, y), (u, v)) = (point(left, bottom), point(right, top));
        [x.min(u), y.min(v), x.max(u), y.max(v)]
    }
}

/// The requested pages that exist, by their number from 1.
pub(crate) fn pages(
    document: &Document<'_>,
    wanted: &BTreeSet<u32>,
    placement: Placement,
) -> Result<BTreeMap<u32, Page>, Error> {
    let last = wanted.last().copied().unwrap_or(0);
    let catalogue = document.catalogue()?;
    let root = catalogue.get(b"Pages").ok_or(Error::Damaged("no pages"))?;
    let mut found = BTreeMap::new();
    let mut count = 0_u32;
    let mut seen = HashSet::new();
    // Nodes still to visit, the next one last, with their inherited values and their location.
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
                return Err(Error::Damaged("the page tree has a cycle"));
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
            // Some readers count this node as a page and some do not, so page numbers are
            // ambiguous.
            return Err(Error::Damaged("a leaf of the page tree is not a page"));
        }
        count += 1;
        if wanted.contains(&count) {
            // The update can only replace an indirect object.
            let home = home.ok_or(Error::Damaged("a page is not an object of its own"))?;
            found.insert(
                count,
                page(document, (count, home), dict, &inherited, placement)?,
            );
        }
    }
    Ok(found)
}

/// Whether a leaf of the page tree is a page. Some writers omit its type.
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
    (position, home): (u32, Home),
    dict: Dict,
    inherited: &Inherited,
    placement: Placement,
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
    let view = match placement {
        Placement::Unrotated => View::unrotated(media),
        Placement::Displayed => {
            let crop = rectangle(document, &value(b"CropBox")?)?;
            let visible = crop.and_then(|crop| common(crop, media)).unwrap_or(media);
            View::displayed(visible, quarters(&value(b"Rotate")?))
        }
    };
    let resources = found(b"Resources").cloned();
    Ok(Page {
        position,
        home,
        dict,
        resources,
        view,
    })
}

/// The area that two boxes share: a reader shows of the crop box what lies in the media box
/// (ISO 32000-1, 14.11.2). `None` where they share none; readers then show the media box.
fn common(a: [f64; 4], b: [f64; 4]) -> Option<[f64; 4]> {
    let shared = [
        a[0].max(b[0]),
        a[1].max(b[1]),
        a[2].min(b[2]),
        a[3].min(b[3]),
    ];
    has_area(shared).then_some(shared)
}

/// Clockwise quarter turns of a page. Values that are not multiples of 90 are ignored, as readers
/// do.
fn quarters(rotate: &Object) -> i64 {
    match rotate.as_number() {
        Some(degrees) if degrees.abs() < 1e9 && degrees % 90.0 == 0.0 => {
            // Whole and small.
            #[expect(clippy::cast_possible_truncation, reason = "checked above")]
            let quarters = (degrees / 90.0) as i64;
            quarters.rem_euclid(4)
        }
        _ => 0,
    }
}

/// The normalised rectangle; `None` when the value is not a rectangle with an area.
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
