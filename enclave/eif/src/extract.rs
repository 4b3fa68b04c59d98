//! Writes the sections of an image to files.

use crate::error::{Error, Result};
use crate::format::SectionKind;
use crate::progress::Progress;
use crate::read::{Image, section_reader};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// Writes the contents of each section of a valid image to a file in an existing directory:
/// `kernel`, `cmdline`, `metadata.json`, `ramdisk-1`, `ramdisk-2`, ..., and of a signed image
/// `signature.cbor` and `certificate.pem`. Returns their names and sizes.
#[allow(clippy::needless_pass_by_value)] // As in the other calls.
pub fn extract(
    image: &Path,
    directory: &Path,
    progress: Arc<dyn Progress>,
) -> Result<Vec<(String, u64)>> {
    let (mut file, opened) = Image::open(image, Arc::clone(&progress))?;
    let mut written = Vec::new();
    let mut ramdisk = 0;
    for section in &opened.layout.sections {
        let name = match section.kind {
            SectionKind::Kernel => "kernel".to_owned(),
            SectionKind::Cmdline => "cmdline".to_owned(),
            SectionKind::Metadata => "metadata.json".to_owned(),
            SectionKind::Signature => "signature.cbor".to_owned(),
            SectionKind::Ramdisk => {
                ramdisk += 1;
                format!("ramdisk-{ramdisk}")
            }
        };
        let path = directory.join(&name);
        let mut out = File::create_new(&path).map_err(Error::io("create", &path))?;
        let mut contents = section_reader(&mut file, section)?;
        copy(&mut contents, &mut out, &*progress).map_err(Error::io("write", &path))?;
        written.push((name, section.size));
    }
    if let Some(signature) = &opened.signature {
        let path = directory.join("certificate.pem");
        std::fs::write(&path, signature.certificate.pem()).map_err(Error::io("write", &path))?;
        written.push((
            "certificate.pem".to_owned(),
            signature.certificate.pem().len() as u64,
        ));
    }
    Ok(written)
}

fn copy(source: &mut dyn Read, target: &mut File, progress: &dyn Progress) -> io::Result<()> {
    let mut buffer = vec![0; crate::pipeline::BUFFER_SIZE];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                target.write_all(buffer.get(..count).unwrap_or_default())?;
                progress.advance(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
