//! Options on registries.

use crate::progress::Progress;
use crate::registry::RegistryOptions;
use clap::Args;

/// How a command asks registries.
#[derive(Debug, Clone, Default, Args)]
pub struct RegistryArgs {
    /// Registry that is asked over HTTP, without TLS (may be repeated); loopback addresses always
    /// are
    #[arg(long, value_name = "HOST[:PORT]")]
    insecure: Vec<String>,
}

impl RegistryArgs {
    /// The library's form of the options. `all_platforms` fetches an image for all of its
    /// platforms, instead of for the one that is chosen.
    pub fn options(&self, all_platforms: bool, progress: Progress) -> RegistryOptions {
        RegistryOptions {
            insecure: self.insecure.clone(),
            all_platforms,
            progress,
        }
    }
}
