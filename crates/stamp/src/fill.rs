//! Texts on pages of a document that is not signed yet, such as the names that its sender knows.

use crate::cover::area;
use crate::draw::Written;
use crate::error::Error;
use crate::font_set::Fonts;
use crate::page::pages;
use crate::template::{Plan, Template, lies_on};
use crate::text::runs;
use crate::{Field, FieldKind, update};
use std::collections::BTreeSet;

/// The most pages whose sizes are given.
const MAX_PAGES: u32 = 20_000;
/// The part of a text's height that is above its baseline.
const ABOVE: f64 = 0.8;

/// A text on a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text<'a> {
    /// One line, in the first of the faces that has its characters.
    pub text: &'a str,
    /// The place.
    pub field: Field,
    /// Number of the signer that errors name, from 1.
    pub signer: u32,
    /// Position among the signer's fields that errors name, from 1.
    pub position: usize,
}

impl Template<'_> {
    /// Width and height of all pages, in units of the placement's space.
    ///
    /// # Errors
    /// When the page tree is damaged, or has more than 20 000 pages.
    pub fn page_sizes(&self) -> Result<Vec<(f64, f64)>, Error> {
        let wanted: BTreeSet<u32> = (1..=MAX_PAGES + 1).collect();
        let found = pages(&self.document, &wanted, self.placement)?;
        if found.len() > MAX_PAGES as usize {
            return Err(Error::Limit("number of pages"));
        }
        let sizes = found
            .values()
            .map(|page| (page.view.width, page.view.height));
        Ok(sizes.collect())
    }

    /// Draws texts in black, as an incremental update. A text that is too wide for its page is
    /// drawn smaller.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn fill(&self, fonts: &Fonts, texts: &[Text<'_>]) -> Result<Vec<u8>, Error> {
        let fonts = &fonts.0;
        let wanted: BTreeSet<u32> = texts.iter().map(|text| text.field.page).collect();
        let mut plan = Plan::new(&self.document, self.placement, &wanted)?;
        for text in texts {
            let field = Field {
                kind: FieldKind::Signature,
                ..text.field
            };
            let sheet = plan.pages.get_mut(&field.page).ok_or(Error::Page {
                signer: text.signer,
                field: text.position,
                page: field.page,
            })?;
            let view = sheet.page.view;
            lies_on(&view, &field, text.signer, text.position)?;
            let runs = runs(text.text, &fonts.script, &fonts.cjk)
                .map_err(|refused| refused.of(text.signer))?;
            // As wide as a signature of the same text, which is wider than the text alone.
            sheet.areas.push(area(view, &field, text.text));
            let written = Written {
                text: text.text,
                runs: &runs,
                left: field.x,
                top: field.y,
                ascent: ABOVE * field.height,
                colour: "0 0 0",
            };
            written.draw(fonts, &mut plan.uses, view.width, &mut sheet.drawn);
        }
        let update = self.update(fonts, plan)?;
        update::append(&self.document, &update)
    }
}
