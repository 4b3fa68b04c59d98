//! The fonts of all stamps, parsed once.

use crate::error::FontError;
use crate::face::Face;
use crate::hint;
use crate::seal::Seal;
use crate::text::Fixed;
use std::sync::Arc;

/// The characters of magic numbers, signer numbers and dates, and of the word for a pending
/// signature.
const MONO: &str = "0123456789abcdef ()/:-UTCpending";

/// The fonts of all stamps. Parse them once and clone freely: clones share everything.
#[derive(Clone)]
pub struct Fonts(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) script: Face,
    pub(crate) cjk: Face,
    pub(crate) mono: Fixed,
    pub(crate) english: Fixed,
    pub(crate) chinese: Fixed,
    pub(crate) signed: Seal,
    pub(crate) pending: Seal,
}

impl Fonts {
    /// Parses the bytes of OpenType files: a script face for names (Dancing Script), a monospaced
    /// face for numbers (Inconsolata), and a CJK handwriting face for characters that the script
    /// face lacks (a collection; the third face of AR PL UKai, with the shapes of Taiwan, or the
    /// last face if there are fewer).
    ///
    /// The bytes may be a vector or a mapped file: a name needs only a few kilobytes of the CJK
    /// face's megabytes.
    ///
    /// # Errors
    /// When a file is not a font, or lacks characters that every stamp needs.
    pub fn new<B>(script: B, mono: B, cjk: B) -> Result<Self, FontError>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let script = Face::new(Arc::new(script), 0, "DancingScript-Regular", true)?;
        let mono = Face::new(Arc::new(mono), 0, "Inconsolata", false)?;
        Self::of(script, &mono, cjk)
    }

    /// As [`Self::new`], with the monospaced face for names and texts: for texts that are not
    /// somebody's signature.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn plain<B>(mono: B, cjk: B) -> Result<Self, FontError>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let bytes = Arc::new(mono);
        let script = Face::new(Arc::clone(&bytes) as _, 0, "Inconsolata", false)?;
        let mono = Face::new(bytes, 0, "Inconsolata", false)?;
        Self::of(script, &mono, cjk)
    }

    fn of<B>(script: Face, mono: &Face, cjk: B) -> Result<Self, FontError>
    where
        B: AsRef<[u8]> + Send + Sync + 'static,
    {
        let index = face_of(cjk.as_ref());
        let cjk = Face::new(Arc::new(cjk), index, "ARPLUKaiTW", false)?;
        Ok(Self(Arc::new(Shared {
            english: Fixed::new(mono, "mono", hint::ENGLISH_CHARACTERS)?,
            chinese: Fixed::new(&cjk, "cjk", hint::CHINESE)?,
            signed: Seal::signed(),
            pending: Seal::pending(),
            mono: Fixed::new(mono, "mono", MONO)?,
            script,
            cjk,
        })))
    }
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Fonts")
    }
}

/// Index of the face for Taiwan in the collection.
fn face_of(bytes: &[u8]) -> u32 {
    if !bytes.starts_with(b"ttcf") {
        return 0;
    }
    let count = bytes
        .get(8..12)
        .and_then(|count| count.try_into().ok())
        .map_or(1, u32::from_be_bytes);
    count.saturating_sub(1).min(2)
}
