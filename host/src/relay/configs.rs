//! The configuration that an enclave image holds, out of the image itself: so the host's idea of it
//! and the enclave's cannot differ.

use super::egress::{Egress, EgressError};
use eif::{Silent, read_files};
use letsesign_pcr::{Measurements, ZeroPcr};
use std::path::Path;
use std::sync::Arc;

/// Folder of the configuration in the image.
const FOLDER: &str = "/letsesign/configs";
/// Most bytes of one file; ours have less than 5 KiB.
const MAX_FILE: u64 = 256 << 10;

/// The measured configuration of an image that the operator accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configs {
    /// The image's measurements, one of those that the operator accepts.
    pub measurements: Measurements,
    /// `egress.toml`.
    pub egress: Egress,
    /// Text of `compatible.toml`: earlier images whose proofs this one accepts.
    pub compatible: String,
    /// Text of `limits.toml`.
    pub limits: String,
}

/// Why an image's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigsError {
    /// The file cannot be read, is not an image, or lacks a file.
    #[error(transparent)]
    Image(#[from] eif::Error),
    /// The measurements are unusable: a register is zero.
    #[error("the image's measurements are unusable: {0}")]
    Zero(#[from] ZeroPcr),
    /// The image is not one that the operator accepts.
    #[error(
        "{path} is not accepted: its PCR0 is {pcr0}; if it is the image that you mean to run, check \
         its measurements (`eif describe`) and add them to those that the host accepts"
    )]
    NotAccepted {
        /// The image.
        path: String,
        /// Its PCR0.
        pcr0: String,
    },
    /// A file is not text.
    #[error("{0} in the image is not UTF-8")]
    Text(String),
    /// `egress.toml` is not acceptable.
    #[error(transparent)]
    Egress(#[from] EgressError),
}

impl Configs {
    /// Reads the configuration of an image whose PCR0, PCR1 and PCR2 are one of `accepted`. Takes
    /// as long as hashing the image twice; call it where blocking is allowed.
    ///
    /// # Errors
    /// When the image is not valid, not accepted, or holds no acceptable configuration.
    pub fn from_eif(path: &Path, accepted: &[Measurements]) -> Result<Self, ConfigsError> {
        let names = ["egress.toml", "compatible.toml", "limits.toml"];
        let paths = names.map(|name| format!("{FOLDER}/{name}"));
        let wanted: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut found = read_files(path, &wanted, MAX_FILE, Arc::new(Silent))?;
        let pcrs = &found.pcrs;
        let measurements = Measurements::new(pcrs.pcr0, pcrs.pcr1, pcrs.pcr2)?;
        if !accepted.contains(&measurements) {
            return Err(ConfigsError::NotAccepted {
                path: path.display().to_string(),
                pcr0: measurements.pcr0().to_string(),
            });
        }
        let [egress, compatible, limits] = paths.map(|path| {
            let bytes = found.files.remove(&path).unwrap_or_default();
            String::from_utf8(bytes).map_err(|_| ConfigsError::Text(path))
        });
        Ok(Self {
            measurements,
            egress: Egress::parse(&egress?)?,
            compatible: compatible?,
            limits: limits?,
        })
    }
}

impl Egress {
    /// The egress map of an image ([`Configs::from_eif`]).
    ///
    /// # Errors
    /// As there.
    pub fn from_eif(path: &Path, accepted: &[Measurements]) -> Result<Self, ConfigsError> {
        Configs::from_eif(path, accepted).map(|configs| configs.egress)
    }
}

#[cfg(test)]
mod tests;
