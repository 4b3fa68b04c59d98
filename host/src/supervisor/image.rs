//! Images, with what the supervisor reads out of them.

use crate::relay::Egress;
use letsesign_pcr::Measurements;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// An enclave image whose measurements the operator accepts.
#[derive(Debug, Clone)]
pub struct Image {
    /// The file.
    pub path: PathBuf,
    /// PCR0..2, computed from the file.
    pub measurements: Measurements,
    /// The measured egress map.
    pub egress: Egress,
    /// Port of the job API.
    pub job_api: u32,
    /// The services by port, as `host:port`.
    pub services: BTreeMap<u32, String>,
    /// Releases whose tasks it finishes (`compatible.toml`).
    pub compatible: Vec<Measurements>,
}

impl Image {
    /// PCR0 in hexadecimal.
    pub fn pcr0(&self) -> String {
        self.measurements.pcr0().to_string()
    }
}

/// Reads images.
pub trait Images: Send + Sync {
    /// Reads an image.
    ///
    /// # Errors
    /// A text with the file, what is wrong and the way out: the file is not an image, its
    /// measurements are not accepted, or its configuration is not one.
    fn load(&self, path: &Path) -> Result<Image, String>;
}
