//! Drawing on a task's PDF: previews and the signed document.

use super::documents::{limits, refuse_signed};
use super::fill_random;
use crate::failure::Failure;
use crate::task::{Document, Opened, Payload, SignerInfo};
use crate::tools::{Tools, compute};
use letsesign_job_protocol::Code;
use letsesign_mail::Locale;
use letsesign_proof::MagicNumber;
use letsesign_stamp::{
    Error as StampError, Field, Language, Mark, Output, Placement, Signer, Template,
};
use letsesign_utc::Utc;
use zeroize::Zeroizing;

/// Placeholders of a trial stamp, as long as the values of the final stamp.
const TRIAL_MAGIC: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const TRIAL_DATE: &str = "2000/01/01 (UTC)";

/// The signers of a task and the places of their signatures.
pub(super) struct Drawing {
    pub(super) signers: Vec<SignerInfo>,
    /// The fields of each signer.
    pub(super) fields: Vec<Vec<Field>>,
    pub(super) in_order: bool,
    pub(super) placement: Placement,
}

impl Drawing {
    fn marks<'a>(&'a self, show: &dyn Fn(usize) -> Mark<'a>) -> Vec<Signer<'a>> {
        (1..)
            .zip(self.signers.iter().zip(&self.fields))
            .enumerate()
            .map(|(index, (number, (info, fields)))| Signer {
                number,
                name: &info.name,
                fields,
                what: show(index),
            })
            .collect()
    }

    /// The PDF with the hint of the signer `own` and, where signers sign in order, the stamps of
    /// earlier signers. Stamps every signer's fields on trial first, so that a bad field fails
    /// before the first mail.
    pub(super) async fn preview(
        self,
        own: usize,
        password: Option<Zeroizing<String>>,
        pdf: Document,
        tools: &Tools,
    ) -> Result<Vec<u8>, Failure> {
        let fonts = tools.fonts.clone();
        let stop = tools.job.stop().clone();
        compute(tools, move || {
            refuse_signed(&pdf)?;
            // The reason would tell the console what is in the document.
            let unusable =
                |_: StampError| Failure::new(Code::PdfNotModifiable, "the PDF cannot be stamped");
            let stopped = || stop.is_stopped();
            let template = Template::open_within(&pdf, limits(&stopped))
                .map_err(unusable)?
                .placed(self.placement);
            let all = self.marks(&|_| Mark::Signed {
                magic_number: TRIAL_MAGIC,
                date: TRIAL_DATE,
            });
            template.check(&fonts, &all).map_err(unusable)?;
            let language = self
                .signers
                .get(own)
                .map_or(Language::English, |signer| language(&signer.locale));
            let shown = self.marks(&|index| {
                if index == own {
                    Mark::Hint(language)
                } else if self.in_order && index < own {
                    Mark::Pending
                } else {
                    // Written all the same: preview and signed document differ in what is drawn
                    // alone.
                    Mark::Hidden
                }
            });
            let output = match &password {
                Some(password) => Output::Protected { password },
                None => Output::Plain,
            };
            template
                .stamp(&fonts, &shown, output)
                .map_err(|_| Failure::new(Code::PreviewFailed, "the preview cannot be made"))
        })
        .await
    }

    /// The signed PDF. `times` holds when each signer confirmed, in seconds since 1970.
    pub(super) async fn sign(
        self,
        times: Vec<u64>,
        magic: MagicNumber,
        pdf: Document,
        tools: &Tools,
    ) -> Result<Vec<u8>, Failure> {
        let fonts = tools.fonts.clone();
        let stop = tools.job.stop().clone();
        compute(tools, move || {
            refuse_signed(&pdf)?;
            // The reason would tell the console what is in the document.
            let failed =
                |_: StampError| Failure::new(Code::SigningFailed, "the PDF cannot be stamped");
            let magic = magic.to_string();
            let dates: Vec<String> = times
                .iter()
                .map(|time| {
                    let utc = Utc::of(*time);
                    format!("{:04}/{:02}/{:02} (UTC)", utc.year, utc.month, utc.day)
                })
                .collect();
            let signers = self.marks(&|index| Mark::Signed {
                magic_number: &magic,
                date: dates.get(index).map_or("", String::as_str),
            });
            let stopped = || stop.is_stopped();
            let template = Template::open_within(&pdf, limits(&stopped))
                .map_err(failed)?
                .placed(self.placement);
            template
                .stamp(&fonts, &signers, Output::Signed)
                .map_err(failed)
        })
        .await
    }
}

impl Payload {
    /// The drawing for a task of protocol 1.
    pub(super) fn drawing(&self, task: &Opened) -> Drawing {
        Drawing {
            signers: task.config.signers.clone(),
            fields: self.signers.clone(),
            in_order: self.in_order,
            placement: Placement::Unrotated,
        }
    }
}

fn language(locale: &str) -> Language {
    match Locale::of(locale) {
        Locale::ZhTw => Language::Chinese,
        Locale::EnUs => Language::English,
    }
}

/// A random magic number.
pub(super) fn magic_number() -> Result<MagicNumber, Failure> {
    let mut magic = MagicNumber([0; 32]);
    fill_random(&mut magic.0)?;
    Ok(magic)
}
