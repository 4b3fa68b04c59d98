//! Builds a stamped PDF from a PDF and its signers.

use crate::cover::area;
use crate::draw::{Prepared, Uses, field as draw_field};
use crate::error::Error;
use crate::font_set::{Fonts, Shared};
use crate::page::{Home, View, pages};
use crate::sheet::{Sheet, form, resources, stamped, with_kids};
use crate::survey::{Survey, survey};
use crate::update::{Changed, Update};
use crate::{
    Field, FieldKind, Limits, Output, Placement, Signer, active, permissions, protect, trailer,
    update,
};
use letsesign_pdf_reader::Budget;
use letsesign_pdf_reader::document::Document;
use letsesign_pdf_reader::object::{Dict, Object};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The smallest height of a drawn field.
const MIN_HEIGHT: f64 = 2.0;
/// The most values in the dictionaries of all stamped pages, which bounds memory: pages may share
/// large resources.
const MAX_COPIED: usize = 1_000_000;
/// Tolerance for sums of decimal fractions.
const SLACK: f64 = 1e-6;

/// A parsed PDF. Opening reads the structure only; the rest is read on demand.
pub struct Template<'a> {
    pub(crate) document: Document<'a>,
    survey: OnceCell<Survey>,
    pub(crate) placement: Placement,
}

/// The drawings on all pages.
pub(crate) struct Plan {
    /// By the number of the page.
    pub(crate) pages: BTreeMap<u32, Sheet>,
    pub(crate) uses: Uses,
}

impl Plan {
    /// No drawing yet, on pages of a document that may be changed.
    pub(crate) fn new(
        document: &Document<'_>,
        placement: Placement,
        wanted: &BTreeSet<u32>,
    ) -> Result<Self, Error> {
        // Permissions come first: a document that forbids changes is refused for that reason.
        permissions::check(document)?;
        let sheet = |page| Sheet {
            page,
            drawn: Vec::new(),
            areas: Vec::new(),
        };
        let found = pages(document, wanted, placement)?.into_iter();
        Ok(Self {
            pages: found.map(|(number, page)| (number, sheet(page))).collect(),
            uses: Uses::default(),
        })
    }
}

impl<'a> Template<'a> {
    /// Reads the structure of a PDF, and repairs it if it is damaged.
    ///
    /// # Errors
    /// When it is not a PDF, is damaged beyond repair, needs a password, or exceeds a limit.
    /// [`Self::check`] decides whether it may be changed.
    pub fn open(pdf: &'a [u8]) -> Result<Self, Error> {
        Self::open_within(pdf, Limits::default())
    }

    /// As [`Self::open`], with limits on everything that is done with the template.
    ///
    /// # Errors
    /// As [`Self::open`]; and [`Error::Budget`] and [`Error::Stopped`], here and in later calls.
    pub fn open_within(pdf: &'a [u8], limits: Limits<'a>) -> Result<Self, Error> {
        Ok(Self {
            document: letsesign_pdf_reader::open(pdf, Budget::new(limits))?,
            survey: OnceCell::new(),
            placement: Placement::Unrotated,
        })
    }

    /// The same template with another placement of fields. Templates start with
    /// [`Placement::Unrotated`].
    #[must_use]
    pub fn placed(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    fn survey(&self) -> Result<&Survey, Error> {
        if let Some(known) = self.survey.get() {
            return Ok(known);
        }
        let found = survey(&self.document)?;
        Ok(self.survey.get_or_init(|| found))
    }

    /// Finds everything that [`Self::stamp`] would refuse, by building the update and discarding
    /// it.
    ///
    /// # Errors
    /// When the document must not be changed, a field does not lie on its page, or a name has no
    /// glyphs.
    pub fn check(&self, fonts: &Fonts, signers: &[Signer<'_>]) -> Result<(), Error> {
        let plan = self.plan(&fonts.0, signers)?;
        self.update(&fonts.0, plan).map(|_| ())
    }

    /// Draws all signers' fields.
    ///
    /// # Errors
    /// As [`Self::check`]; and for protected output when random bytes are unavailable or rewriting
    /// the document exceeds a limit.
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
        let wanted: BTreeSet<u32> = signers
            .iter()
            .flat_map(|signer| signer.fields)
            .map(|field| field.page)
            .collect();
        let mut plan = Plan::new(&self.document, self.placement, &wanted)?;
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
                // Areas count even when nothing is drawn, so that previews and the signed document
                // write the same pages.
                if field.kind != FieldKind::Other {
                    sheet.areas.push(area(view, field, signer.name));
                }
                let (uses, out) = (&mut plan.uses, &mut sheet.drawn);
                draw_field(fonts, uses, &prepared, field, view.width, out);
            }
        }
        Ok(plan)
    }

    pub(crate) fn update(&self, fonts: &Shared, plan: Plan) -> Result<Update, Error> {
        let document = &self.document;
        let survey = self.survey()?;
        let mut update = Update::new(survey.first);
        let resources = resources(fonts, &plan.uses, survey.first, &mut update)?;
        let mut copied = 0_usize;
        // A page that occurs twice in the tree is one page: both occurrences show what is drawn on
        // either.
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
        // Nodes with direct kids, which become indirect objects.
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
        // The cross-reference stream or the encryption dictionary needs one more number.
        if update.end() >= survey.below {
            return Err(Error::Limit("object numbers leave no room"));
        }
        Ok(update)
    }

    /// The catalogue with version 1.7, unless it or the header already states that version.
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
            .and_then(letsesign_pdf_reader::document::version);
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

pub(crate) fn lies_on(
    view: &View,
    field: &Field,
    signer: u32,
    position: usize,
) -> Result<(), Error> {
    let Field {
        page, x, y, height, ..
    } = *field;
    let inside = x >= 0.0
        && x <= view.width
        && y >= 0.0
        && y <= view.height
        && y + height <= view.height + SLACK;
    // Written so that NaN is refused: every comparison with it is false.
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
