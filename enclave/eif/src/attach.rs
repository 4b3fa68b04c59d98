//! Putting a signature into an image that exists, without building it again.

use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::progress::Progress;
use crate::read::{Image, section_reader};
use crate::sign::PcrSignature;
use crate::writer::{Built, HeaderFields, ImageWriter};
use std::path::Path;
use std::sync::Arc;

/// Writes a copy of an image with this signature to `output`, which may be the image itself. A
/// signature that the image has is replaced. Everything else stays as it is, so PCR0 to PCR2 do
/// not change.
pub fn attach(
    image: &Path,
    signature: &PcrSignature,
    output: &Path,
    progress: Arc<dyn Progress>,
) -> Result<Built> {
    let (mut file, Image { layout, .. }) = Image::open(image, Arc::clone(&progress))?;
    let fields = HeaderFields {
        arch: layout.arch,
        default_memory: layout.header.default_memory,
        default_cpus: layout.header.default_cpus,
    };
    ImageWriter::run(Some(output), fields, progress, |writer| {
        for section in layout
            .sections
            .iter()
            .filter(|section| section.kind != SectionKind::Signature)
        {
            let mut contents = section_reader(&mut file, section)?;
            writer.section(section.kind, |pipeline| {
                let what = || format!("the {} section of {}", section.kind, image.display());
                let copied = pipeline.copy_from(&mut contents, u64::MAX, &what)?;
                if copied == section.size {
                    Ok(())
                } else {
                    Err(changed(image))
                }
            })?;
        }
        let mut pcrs = writer.pcrs()?;
        // The file was read twice, once to check it and once to copy it. The signature is for what
        // was copied.
        let bytes = signature.to_section(&pcrs.pcr0);
        PcrSignature::from_section(&bytes, 0, &pcrs.pcr0).map_err(|violation| Error::Signing {
            what: image.display().to_string(),
            reason: violation.detail,
        })?;
        writer.section(SectionKind::Signature, |pipeline| pipeline.write(&bytes))?;
        pcrs.pcr8 = Some(signature.pcr8());
        Ok(pcrs)
    })
}

fn changed(image: &Path) -> Error {
    Error::Option(format!(
        "{} changed while it was being read; try again",
        image.display()
    ))
}
