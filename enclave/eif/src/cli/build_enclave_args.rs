//! The arguments of `eif build-enclave`, which are those of nitro-cli.

use canoni::command::RegistryArgs;
use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  eif build-enclave --docker-uri app:1 --output-file app.eif
  eif build-enclave --docker-uri app:1 --output-file app.eif --private-key key.pem \\
    --signing-certificate cert.pem --name app --version 1

Kernel, init and cmdline are those of `eif build` (its option --blobs): ours, or AWS's where they
are installed.";

/// nitro-cli's arguments, by its names, and what a registry of one's own needs.
#[derive(Debug, Args)]
pub(super) struct BuildEnclaveArgs {
    /// Container image: a name in Docker's or podman's daemon, a file, or with a transport as for
    /// `eif build`: docker://[HOST/]NAME[:TAG]
    #[arg(long, value_name = "NAME")]
    pub(super) docker_uri: String,
    /// Directory with a Dockerfile, of which docker makes the image first
    #[arg(long, value_name = "DIR")]
    pub(super) docker_dir: Option<PathBuf>,
    /// File to write
    #[arg(long = "output-file", value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Private key on P-256, P-384 or P-521 (PEM)
    #[arg(long, value_name = "FILE", requires = "signing_certificate")]
    pub(super) private_key: Option<PathBuf>,
    /// Certificate of the key (PEM)
    #[arg(long, value_name = "FILE", requires = "private_key")]
    pub(super) signing_certificate: Option<PathBuf>,
    /// Image name for the metadata [default: the image's]
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Image version for the metadata [default: the image's tag]
    #[arg(long = "version", value_name = "VERSION")]
    pub(super) version: Option<String>,
    /// JSON file that becomes CustomMetadata
    #[arg(long, value_name = "FILE")]
    pub(super) metadata: Option<PathBuf>,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
}
