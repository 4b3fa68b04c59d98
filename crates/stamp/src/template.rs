//! From a PDF and signers to a stamped PDF.

use crate::budget::Budget;
use crate::cover::area;
use crate::draw::{Prepared, Uses, field as draw_field};
use crate::error::Error;
use crate::fonts::{Fonts, Shared};
use crate::page::{Home, View, pages};
use crate::pdf::document::Document;
use crate::pdf::object::{Dict, Object};
use crate::sheet::{Sheet, form, resources, stamped, with_kids};
use crate::survey::{Survey, survey};
use crate::update::{Changed, Update};
use crate::{Field, FieldKind, Limits, Output, Signer, active, permit, protect, trailer, update};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Fields of at least this height are drawn.
const MIN_HEIGHT: f64 = 2.0;
/// Values in the dictionaries of all stamped pages. Bounds memory: pages may share large resources.
const MAX_COPIED: usize = 1_000_000;
/// What sums of decimal fractions may be off by.
const SLACK: f64 = 1e-6;

/// A parsed PDF. Only its structure was read: the rest is read when it is needed.
pub struct Template<'a> {
    document: Document<'a>,
    survey: OnceCell<Survey>,
}

/// What is drawn on each page.
struct Plan {
    /// By the number of the page.
    pages: BTreeMap<u32, Sheet>,
    uses: Uses,
}

impl<'a> Template<'a> {
    /// Reads the structure of a PDF, and repairs it where it is damaged.
    ///
    /// # Errors
    /// When it is no PDF, is damaged beyond repair, needs a password, or exceeds a limit. Whether it may be changed is
    /// [`Self::check`]'s business.
    pub fn open(pdf: &'a [u8]) -> Result<Self, Error> {
        Self::open_within(pdf, Limits::default())
    }

    /// As [`Self::open`], with limits that hold for everything that is done with the template.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::Budget`] and [`Error::Stopped`], here and later.
    pub fn open_within(pdf: &'a [u8], limits: Limits<'a>) -> Result<Self, Error> {
        Ok(Self {
            document: Document::open(pdf, Budget::new(limits))?,
            survey: OnceCell::new(),
        })
    }

    fn survey(&self) -> Result<&Survey, Error> {
        if let Some(known) = self.survey.get() {
            return Ok(known);
        }
        let found = survey(&self.document)?;
        Ok(self.survey.get_or_init(|| found))
    }

    /// Finds everything that [`Self::stamp`] would refuse: makes the update, and throws it away.
    ///
    /// # Errors
    /// When the document may not be changed, a field does not lie on its page, or a name has no glyphs.
    pub fn check(&self, fonts: &Fonts, signers: &[Signer<'_>]) -> Result<(), Error> {
        let plan = self.plan(&fonts.0, signers)?;
        self.update(&fonts.0, plan).map(|_| ())
    }

    /// Draws all signers' fields.
    ///
    /// # Errors
    /// As [`Self::check`]; and for protected output, when there are no random bytes, or the document is so tangled that
    /// rewriting it exceeds a limit.
    pub fn stamp(
        &self,
        fonts: &Fonts,
        signers: &[Signer<'_>],
        output: Output<'_>,
    ) -> Result<Vec<u8>, Error> {
        let plan = self.plan(&fonts.0, signers)?;
        let update = self.update(&fonts.0, plan)?;
        match output {
            Output::Plain => update::append(&self.document, &update),
            Output::Protected { password } => protect::rewrite(&self.document, &update, password),
            Output::Signed => {
                let mut out = update::append(&self.document, &update)?;
                out.extend_from_slice(trailer::MARK);
                out.push(b'\n');
                Ok(out)
            }
        }
    }

    fn plan(&self, fonts: &Shared, signers: &[Signer<'_>]) -> Result<Plan, Error> {
        permit::check(&self.document)?;
        let wanted: BTreeSet<u32> = signers
            .iter()
            .flat_map(|signer| signer.fields)
            .map(|field| field.page)
            .collect();
        let found = pages(&self.document, &wanted)?;
        let mut plan = Plan {
            pages: found
                .into_iter()
                .map(|(number, page)| {
                    let sheet = Sheet {
                        page,
                        drawn: Vec::new(),
                        areas: Vec::new(),
                    };
                    (number, sheet)
                })
                .collect(),
            uses: Uses::default(),
        };
        for signer in signers {
            let prepared = Prepared::new(fonts, signer)?;
            for (position, field) in (1_usize..).zip(signer.fields) {
                let sheet = plan.pages.get_mut(&field.page).ok_or(Error::Page {
                    signer: signer.number,
                    field: position,
                    page: field.page,
                })?;
                let view = sheet.page.view;
                lies_on(&view, field, signer.number, position)?;
                if field.kind != FieldKind::Other {
                    sheet.areas.push(area(view, field, signer.name));
                }
                let (uses, out) = (&mut plan.uses, &mut sheet.drawn);
                draw_field(fonts, uses, &prepared, field, view.width, out);
            }
        }
        Ok(plan)
    }

    fn update(&self, fonts: &Shared, plan: Plan) -> Result<Update, Error> {
        let document = &self.document;
        let survey = self.survey()?;
        let mut update = Update::new(survey.first);
        let resources = resources(fonts, &plan.uses, survey.first, &mut update)?;
        let mut copied = 0_usize;
        // A page that is in the tree twice is one page: what is drawn on either is on both.
        let mut by_home: BTreeMap<Home, Sheet> = BTreeMap::new();
        for sheet in plan.pages.into_values() {
            if sheet.areas.is_empty() {
                continue;
            }
            match by_home.get_mut(&sheet.page.home) {
                Some(before) => {
                    before.drawn.extend_from_slice(&sheet.drawn);
                    before.areas.extend(sheet.areas);
                }
                None => {
                    by_home.insert(sheet.page.home, sheet);
                }
            }
        }
        // Nodes whose kids were pages: these become objects.
        let mut kids: BTreeMap<u32, Vec<(usize, u32)>> = BTreeMap::new();
        for sheet in by_home.into_values() {
            let (number, generation) = match sheet.page.home {
                Home::Object(number, generation) => (number, generation),
                Home::Kid(node, index) => {
                    let number = update.reserve();
                    kids.entry(node).or_default().push((index, number));
                    (number, 0)
                }
            };
            let view = &sheet.page.view;
            let form = form(document, view, resources, &sheet.drawn, &mut update)?;
            let mut dict = stamped(document, &sheet, number, form, &mut update)?;
            if let (Home::Kid(node, _), None) = (sheet.page.home, dict.get(b"Parent")) {
                dict.set(b"Parent", Object::Ref(node, 0));
            }
            let dict = Object::Dict(dict);
            copied = copied.saturating_add(dict.values());
            document.spend(dict.values().saturating_add(sheet.drawn.len()))?;
            if copied > MAX_COPIED {
                return Err(Error::Limit("resources of the stamped pages"));
            }
            update.replace(number, generation, dict);
        }
        for (node, pages) in kids {
            let (generation, dict) = with_kids(document, node, &pages, &mut update)?;
            copied = copied.saturating_add(dict.values());
            if copied > MAX_COPIED {
                return Err(Error::Limit("resources of the stamped pages"));
            }
            update.replace(node, generation, dict);
        }
        if let Some((number, generation, catalogue)) = self.newer_catalogue()? {
            update.replace(number, generation, Object::Dict(catalogue));
        }
        let own: HashSet<u32> = update.objects.iter().map(|object| object.number).collect();
        let cleaned = survey.changed.iter();
        let cleaned: Vec<Changed> = cleaned
            .filter(|object| !own.contains(&object.number))
            .cloned()
            .collect();
        update.objects.extend(cleaned);
        // The cross-reference stream, or the encryption dictionary, takes one number more.
        if update.end() >= survey.below {
            return Err(Error::Limit("object numbers leave no room"));
        }
        Ok(update)
    }

    /// The catalogue with version 1.7, when neither it nor the header says so.
    fn newer_catalogue(&self) -> Result<Option<(u32, u16, Dict)>, Error> {
        let Some(Object::Ref(number, _)) = self.document.trailer.get(b"Root") else {
            return Err(Error::Damaged("the catalogue is not an object of its own"));
        };
        let mut catalogue = Object::Dict(self.document.catalogue()?);
        active::clean(&self.document, &mut catalogue, false)?;
        let Object::Dict(mut catalogue) = catalogue else {
            return Ok(None);
        };
        let version = catalogue
            .get(b"Version")
            .and_then(Object::name)
            .and_then(version);
        if version.max(self.document.header_version()) >= Some((1, 7)) {
            return Ok(None);
        }
        catalogue.set(b"Version", Object::named("1.7"));
        let generation = self
            .document
            .load(*number)?
            .map_or(0, |loaded| loaded.generation);
        Ok(Some((*number, generation, catalogue)))
    }
}

/// `1.7` as numbers.
pub(crate) fn version(text: &[u8]) -> Option<(u8, u8)> {
    match text {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

fn lies_on(view: &View, field: &Field, signer: u32, position: usize) -> Result<(), Error> {
    let Field {
        page, x, y, height, ..
    } = *field;
    let inside = x >= 0.0
        && x <= view.width
        && y >= 0.0
        && y <= view.height
        && y + height <= view.height + SLACK;
    // Comparisons with what is no number are false.
    if !inside {
        return Err(Error::Outside {
            signer,
            field: position,
            page,
        });
    }
    if field.kind != FieldKind::Other && height < MIN_HEIGHT {
        return Err(Error::Height {
            signer,
            field: position,
        });
    }
    Ok(())
}
